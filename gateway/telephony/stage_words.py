"""What shops call the stages of an order, and which stage each word means (H9).

One vocabulary inside; outside every shop program has words of its own. The owner's table goes before the words that are
known to everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.telephony.orders import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class StageWord:
    """A word of the shop's program, and what it means."""

    word: str
    stage: Stage


def stage_of(word: str, own: Sequence[StageWord] = ()) -> Stage | None:
    """The stage that a word means, capitals and spaces around it apart; None: nobody knows the word."""
    wanted = plain_word(word)
    found = next((each.stage for each in own if plain_word(each.word) == wanted), None)
    return found or _KNOWN.get(wanted)


def plain_word(word: str) -> str:
    """The form in which words are compared; Russians write ё or е as they like."""
    return " ".join(word.casefold().replace("ё", "е").split())


_WORDS = {
    Stage.ACCEPTED: ("new", "принят", "новый", "оформлен", "processing", "pending"),
    Stage.CONFIRMED: ("подтверждён",),
    Stage.PACKED: ("собран", "упакован", "готов"),
    Stage.SHIPPED: ("отправлен", "отгружен"),
    Stage.IN_TRANSIT: ("in transit", "в пути", "доставляется"),
    Stage.WITH_COURIER: ("with courier", "on-the-way", "on the way", "передан курьеру", "у курьера"),
    Stage.DELIVERED: ("доставлен", "вручён", "выполнен", "completed"),
    Stage.RETURNED: ("возвращён", "возврат"),
    Stage.CANCELLED: ("отменён", "canceled"),
}
_KNOWN = {plain_word(word): stage for stage in Stage for word in (str(stage), *_WORDS[stage])}
