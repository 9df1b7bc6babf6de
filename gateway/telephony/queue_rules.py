"""The rules of the queue: whom a strategy rings, rest after a call, what waiting callers hear and where they go.

Nobody stops to ring because of a strategy: in steps it only adds phones, so that a caller is never left without any.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Strategy(StrEnum):
    """Who of those that are free rings first; one more joins at every step."""

    ALL = "all"
    """Everybody at once."""
    ROUND_ROBIN = "round-robin"
    """Whoever comes after the one who was rung first for the last caller."""
    LEAST_RECENT = "least-recent"
    """Whoever has answered longest ago."""
    FEWEST_CALLS = "fewest-calls"
    """Whoever has answered the fewest calls today."""
    IN_ORDER = "in-order"
    """As the phones are listed."""


class Overflow(StrEnum):
    """What becomes of a caller who would wait, or has waited, too long."""

    STAY = "stay"
    PHONES = "phones"
    """More phones ring too."""
    NUMBER = "number"
    """On to an extension or a number outside."""
    VOICEMAIL = "voicemail"
    CALL_BACK = "call-back"
    """A promise to call back, without a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRules:
    """Of all who are received by the shop."""

    strategy: Strategy = Strategy.ALL
    step_seconds: int = 15
    """After so long one more phone rings too; not with Strategy.ALL."""
    wrap_up_seconds: int = 0
    """So long nobody else is put through to whoever has just talked to a customer."""
    pause_reasons: tuple[str, ...] = ()
    """What employees may say of a pause; on the phone by the place in this list, from 1 on."""
    announce_seconds: int = 60
    """So often a caller is told the place in the queue and about how long it takes; 0: never."""
    overflow: Overflow = Overflow.STAY
    overflow_callers: int = 0
    """With so many waiting before a new caller; 0: however many."""
    overflow_seconds: int = 0
    """After so long; 0: never."""
    overflow_phones: tuple[str, ...] = ()
    overflow_number: str = ""
    message_phones: tuple[str, ...] = ()
    """Phones whose lamps tell of the shop's own messages, and that may listen to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedQueue:
    """Staff of its own for callers of its own, beside the shop's queue: sales here, the workshop there.

    What is not of one queue, pauses and their reasons, stands in `QueueRules` alone.
    """

    name: str
    """A word that stands in names of prompts: a-z, 0-9 and hyphens."""
    title: str = ""
    """What people call it; empty: the name."""
    extension: str = ""
    """What phones, couriers and callers at the prompt dial to wait in it; empty: only lines and branches lead there."""
    phones: tuple[str, ...] = ()
    strategy: Strategy = Strategy.ALL
    step_seconds: int = 15
    wrap_up_seconds: int = 0
    announce_seconds: int = 60
    overflow: Overflow = Overflow.STAY
    overflow_callers: int = 0
    overflow_seconds: int = 0
    overflow_phones: tuple[str, ...] = ()
    overflow_number: str = ""
    """Also the extension of another queue."""
    message_phones: tuple[str, ...] = ()
    """Phones whose lamps tell of the messages that were left in it, and that may listen to them."""

    @property
    def rules(self) -> QueueRules:
        """As the shop's queue has them."""
        return QueueRules(
            strategy=self.strategy,
            step_seconds=self.step_seconds,
            wrap_up_seconds=self.wrap_up_seconds,
            announce_seconds=self.announce_seconds,
            overflow=self.overflow,
            overflow_callers=self.overflow_callers,
            overflow_seconds=self.overflow_seconds,
            overflow_phones=self.overflow_phones,
            overflow_number=self.overflow_number,
            message_phones=self.message_phones,
        )


def overflow_due_in(rules: QueueRules, *, ahead: int, may_answer: bool) -> float | None:
    """After how many seconds the overflow is due for a caller with so many before; 0: at once, None: never.

    `may_answer` is False on a toll-free number, which only a person may answer (rule 9).
    """
    needs_answer = rules.overflow in (Overflow.VOICEMAIL, Overflow.CALL_BACK)
    if rules.overflow is Overflow.STAY or (needs_answer and not may_answer):
        return None
    if rules.overflow_callers and ahead >= rules.overflow_callers:
        return 0.0
    return float(rules.overflow_seconds) if rules.overflow_seconds else None
