"""How long callers waited until somebody talked to them: how many were answered within some seconds, and how most were.

The moments are kept one by one, shortest first, so that every number of seconds can be asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from sqlalchemy import Connection, String, select, type_coerce

from gateway.store.schema import calls
from gateway.store.statistics import QUARTER, Grouping, Period, key_by_clock, midnight_before

TWO_RINGS_SECONDS = 10
"""A phone rings every five seconds in Russia and most of Europe (ITU-T E.180, Supplement 2): before the third ring."""


class Wait(NamedTuple):
    """One caller who was answered."""

    ms: int
    quarter: int
    """Of an hour of UTC in which the call began, counted from the midnight before the stretch."""
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
    midnight = midnight_before(stretch)
    found = [
        Wait(
            ms=round(total * 1000) - round(talk * 1000),
            quarter=(datetime.fromisoformat(started) - midnight) // QUARTER,
            phone=None if answered_by is None or answered_by.startswith("+") else answered_by,
            courier=courier,
            line=line,
            queue=queue,
        )
        for total, talk, started, answered_by, courier, line, queue in connection.execute(wanted)
    ]
    return tuple(sorted(found, key=_ms))


def answered_within(parts: Iterable[Sequence[Wait]], seconds: int) -> int:
    """How many of all stretches waited no longer."""
    return sum(bisect_right(part, seconds * 1000, key=_ms) for part in parts)


def spread(parts: Iterable[Sequence[Wait]]) -> Spread:
    """Of all stretches together."""
    waited = sorted(map(_ms, chain.from_iterable(parts)))
    if not waited:
        return Spread(None, None)
    median, ninth = (waited[-(-len(waited) * tenths // 10) - 1] / 1000 for tenths in (5, 9))
    return Spread(median, ninth)


def rows_within(parts: Iterable[tuple[Period, Sequence[Wait]]], grouping: Grouping, seconds: int) -> Counter[str]:
    """How many waited no longer, by the keys of a grouping."""
    found: Counter[str] = Counter()
    for stretch, part in parts:
        key = _key(stretch, grouping)
        quick = part[: bisect_right(part, seconds * 1000, key=_ms)]
        found.update(name for name in map(key, quick) if name is not None)
    return found


def _key(stretch: Period, grouping: Grouping) -> Callable[[Wait], str | None]:
    match grouping:
        case Grouping.PHONE:
            return lambda wait: wait.phone
        case Grouping.COURIER:
            return lambda wait: wait.courier
        case Grouping.LINE:
            return lambda wait: wait.line
        case Grouping.QUEUE:
            return lambda wait: wait.queue
        case Grouping.DAY | Grouping.HOUR | Grouping.WEEK_HOUR:
            by_clock = key_by_clock(stretch, grouping)
            return lambda wait: by_clock(wait.quarter)


def _ms(wait: Wait) -> int:
    return wait.ms
