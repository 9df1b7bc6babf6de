"""The reception ladder: what a stranger who calls the shop goes through until somebody answers (A7 to A13).

Staff ring from the first moment and through every phase. First the caller hears nothing but ringing, and pays
nothing; then the greeting; then music; then, again and again, the offer to wait or to be called back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

RING_SECONDS = 13 / 3
"""One ring: its tone and the silence after it, as people count them."""


class CallBackFirst(StrEnum):
    """Who is rung first when a promise to call back is kept."""

    EMPLOYEE = "employee"
    """The customer is rung once somebody of the shop is there: nobody picks up to wait."""
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """The ladder and what belongs to it. It is on from the first start."""

    on: bool = True
    """False: the phones ring, and that is all."""
    quiet_rings: int = 2
    """So many rings before the greeting: who is answered within them hears none."""
    greeting_seconds: int = 18
    """The greeting goes no further than this."""
    music_rings: int = 3
    """So many rings of music after the greeting."""
    repeat_seconds: int = 30
    """Of music between one offer and the next."""
    patience_minutes: int = 10
    """So long a caller may wait; then the call ends with the offer's last word."""
    offers_call_back: bool = True
    """Who presses 1 is called back."""
    call_back_first: CallBackFirst = CallBackFirst.EMPLOYEE
    call_back_tries: int = 3
    """So often the customer is rung."""
    call_back_gap_minutes: int = 5
    """After a call to the customer in vain; twice as long after the second, and so on."""
    call_back_hours: int = 24
    """A promise that could not be kept so long after it was due is given up, and listed so."""
    night_hours: bool = True
    """The greeting of the closed shop says when it opens."""
    night_to: str = ""
    """Where calls go when the shop is closed: a number such as the duty mobile's, or an extension; empty: nowhere."""
    night_seconds: int = 40
    """So long it rings there."""
    night_confirms: bool = False
    """Whoever answers there must press 1: a voicemail never counts as an answer."""
    night_message: bool = False
    """Who calls when the shop is closed may leave a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A step: `name` is one of "ring", "greeting", "music", "offer"; seconds from the beginning of the call."""

    name: str
    begins: float
    seconds: float
    is_answered: bool
    """The caller pays."""


def phases(rules: Reception) -> Iterator[Phase]:
    """The ladder as a line of time, each phase at its longest, up to the end of the first wait after an offer."""
    at = 0.0
    for name, seconds in (
        ("ring", rules.quiet_rings * RING_SECONDS),
        ("greeting", float(rules.greeting_seconds)),
        ("music", rules.music_rings * RING_SECONDS),
        ("offer", float(rules.repeat_seconds)),
    ):
        yield Phase(name=name, begins=round(at, 1), seconds=round(seconds, 1), is_answered=name != "ring")
        at += seconds
