"""Which of several lines carries a call: the courier's own operator first, then minutes, signal, and the least used.

A pure function over what is known of each line at this moment, in steps coarse enough that the later rules count as
well: a minute more or a decibel less decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PLENTY_MINUTES = 30
"""Whoever has so many left today can carry a call of ordinary length, however it goes on."""
FEW_MINUTES = 5
GOOD_DBM = -85
FAIR_DBM = -100
"""Below it calls break off (3GPP TS 27.007 section 8.5: +CSQ reaches down to -113)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineStanding:
    """What is known of a line that could carry a call now."""

    name: str
    operator: str = ""
    """As the owner or the network names it; empty: not known."""
    minutes_left: int | None = None
    """Of today and of the month, whichever is less; None: there is no limit, or it is not known."""
    minutes_used: int = 0
    """Today."""
    signal_dbm: int | None = None


def best_line(lines: Sequence[LineStanding], *, operator: str = "", is_emergency: bool = False) -> LineStanding | None:
    """The one to be tried first; of equals the first. `operator` is that of the mobile that is called, if known.

    An emergency call passes the limits: there the minutes say nothing. None: there is no line.
    """

    def rank(line: LineStanding) -> tuple[bool, int, int, int]:
        return (
            not same_operator(line.operator, operator),
            0 if is_emergency else _shortage(line.minutes_left),
            _weakness(line.signal_dbm),
            line.minutes_used,
        )

    return min(lines, key=rank, default=None)


def same_operator(one: str, other: str) -> bool:
    """Whether two names mean one operator: `MTS`, `mts` and `MTS RUS` do; an unknown one is the same as none."""
    first, second = (_plain(name) for name in (one, other))
    return bool(first and second) and (first.startswith(second) or second.startswith(first))


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _shortage(minutes: int | None) -> int:
    """0: enough, 3: none; the call would be refused, but by then the owner's limit is what the caller hears."""
    if minutes is None or minutes >= PLENTY_MINUTES:
        return 0
    return 1 if minutes >= FEW_MINUTES else 2 if minutes > 0 else 3


def _weakness(signal_dbm: int | None) -> int:
    """0: good, 2: poor. What is not known is taken for fair."""
    if signal_dbm is None:
        return 1
    return 0 if signal_dbm >= GOOD_DBM else 1 if signal_dbm >= FAIR_DBM else 2
