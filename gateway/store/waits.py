"""How long callers waited until somebody talked to them: how many were answered within some seconds, and how most were.

The moments are kept one by one, shortest first, so that every number of seconds can be asked for.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import Connection, String, select, type_coerce

from gateway.store.schema import calls
from gateway.store.statistics import QUARTER, Grouping, Period, clock_keys, hour_of, midnight_before
from gateway.telephony.reception import RING_SECONDS

TWO_RINGS_SECONDS = math.ceil(2 * RING_SECONDS)
"""So long a caller of the reception hears it ring before anything is said, with the usual rules."""


class Wait(NamedTuple):
    """One caller who was answered."""

    ms: int
    day: str
    """On which the call began, as Grouping.DAY names it by the shop's clock."""
    week_hour: str
    """In which it began, as Grouping.WEEK_HOUR does."""
    phone: str | None
    """Whose it was; None: somebody outside answered."""
    courier: str | None
    line: str | None
    queue: str | None


@dataclass(frozen=True, slots=True)
class Spread:
    """How long those who were answered had waited; None: nobody was."""

    median_seconds: float | None
    """Half of them at most so long."""
    p90_seconds: float | None
    """Nine of ten at most so long."""


def waits_of(connection: Connection, stretch: Period) -> tuple[Wait, ...]:
    """Of the incoming calls that began then and were answered, the shortest first."""
    wanted = select(
        calls.c.total_seconds,
        calls.c.talk_seconds,
        type_coerce(calls.c.started_at, String),
        calls.c.answered_by,
        calls.c.courier,
        calls.c.line,
        calls.c.queue,
    ).where(*stretch.calls, calls.c.direction == "incoming", calls.c.answered_at.is_not(None))
    midnight, keys_at = midnight_before(stretch), clock_keys(stretch)
    found = []
    for total, talk, started, answered_by, courier, line, queue in connection.execute(wanted):
        day, week_hour = keys_at((datetime.fromisoformat(started) - midnight) // QUARTER)
        found.append(
            Wait(
                ms=round(total * 1000) - round(talk * 1000),
                day=day,
                week_hour=week_hour,
                phone=None if answered_by is None or answered_by.startswith("+") else answered_by,
                courier=courier,
                line=line,
                queue=queue,
            )
        )
    return tuple(sorted(found, key=_MS))


def answered_within(parts: Iterable[Sequence[Wait]], seconds: int) -> int:
    """How many of all stretches waited no longer."""
    return sum(bisect_right(part, seconds * 1000, key=_MS) for part in parts)


def spread(parts: Iterable[Sequence[Wait]]) -> Spread:
    """Of all stretches together."""
    waited = sorted(map(_MS, chain.from_iterable(parts)))
    if not waited:
        return Spread(None, None)
    median, ninth = (waited[-(-len(waited) * tenths // 10) - 1] / 1000 for tenths in (5, 9))
    return Spread(median, ninth)


def rows_within(parts: Iterable[Sequence[Wait]], grouping: Grouping, seconds: int) -> dict[str, int]:
    """How many waited no longer, by the keys of a grouping."""
    found: Counter[str | None] = Counter()
    for part in parts:
        found.update(map(_KEYS[grouping], part[: bisect_right(part, seconds * 1000, key=_MS)]))
    if grouping is not Grouping.HOUR:
        return {key: count for key, count in found.items() if key is not None}
    by_hour: Counter[str] = Counter()
    for key, count in found.items():
        by_hour[hour_of(str(key))] += count
    return by_hour


_MS = attrgetter("ms")
_KEYS: dict[Grouping, Callable[[Wait], str | None]] = {
    Grouping.DAY: attrgetter("day"),
    Grouping.HOUR: attrgetter("week_hour"),
    Grouping.WEEK_HOUR: attrgetter("week_hour"),
    Grouping.PHONE: attrgetter("phone"),
    Grouping.COURIER: attrgetter("courier"),
    Grouping.LINE: attrgetter("line"),
    Grouping.QUEUE: attrgetter("queue"),
}
"""What of a call a grouping is by; an hour is one of each day of the week."""
