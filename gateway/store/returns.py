"""How many customers were missed, how many somebody talked to afterwards, and how long that took.

The same story as that of the list of missed customers (telephony/missed.py), told in numbers and for a year at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from math import inf
from statistics import median
from sys import intern
from typing import TypeAlias

from sqlalchemy import Connection, String, case, func, select, type_coerce

from gateway.store.missed import missed_calls, shows_number
from gateway.store.schema import calls, legs
from gateway.store.schema_missed import missed_closures
from gateway.store.statistics import Period

Step: TypeAlias = tuple[float, int, str, float]
"""When; whether nobody talked to them, somebody did, or a person took them off the list; who it was, a number, or the
call of somebody who showed none (each is one text in all); and when it began: their phone was answered, say.
"""
_TRIED, _TALKED, _CLOSED = 0, 1, 2
"""In one moment a try comes before what ends it."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Of the calls that began in one stretch of time, in order; moments in seconds since 1970."""

    steps: tuple[Step, ...]
    first: float
    """No step belongs to a period that begins later than this."""
    last_try: float


@dataclass(frozen=True, slots=True)
class Returns:
    """A customer who was missed again after a talk counts twice."""

    customers: int
    took_seconds: tuple[float, ...]
    """From the first try until somebody talked to them, of those to whom somebody did."""
    closed: int
    """Taken off the list by a person."""

    def wire(self) -> dict[str, object]:
        """As `returns` of the schema `Statistics`."""
        took = self.took_seconds
        return {
            "customers": self.customers,
            "returned": len(took),
            "closed": self.closed,
            "open": self.customers - len(took) - self.closed,
            "mean_seconds": round(sum(took) / len(took), 3) if took else None,
            "median_seconds": round(median(took), 3) if took else None,
        }


def steps_of(connection: Connection, stretch: Period) -> Steps:
    """What the calls that began then add to these stories."""
    began = type_coerce(calls.c.started_at, String)
    whose = case((shows_number(), calls.c.caller), else_=calls.c.id)
    tries = select(began, whose).where(*missed_calls(stretch.since, stretch.until, None))
    talks = (
        select(type_coerce(calls.c.answered_at, String), type_coerce(legs.c.answered_at, String), legs.c.peer)
        .join(legs, legs.c.call_id == calls.c.id)
        .where(
            calls.c.started_at >= stretch.since,
            calls.c.started_at < stretch.until,
            calls.c.answered_at.is_not(None),
            legs.c.answered_at.is_not(None),
            func.substr(legs.c.peer, 1, 1) == "+",
        )
    )
    tried = [(_seconds(at), _TRIED, intern(number), _seconds(at)) for at, number in connection.execute(tries)]
    talked = [
        (_seconds(max(call_at, leg_at)), _TALKED, intern(number), _seconds(leg_at))
        for call_at, leg_at, number in connection.execute(talks)
    ]
    steps = sorted(tried + talked)
    first, last_try = min((step[3] for step in steps), default=inf), max((step[0] for step in tried), default=-inf)
    return Steps(tuple(steps), first, last_try)


def closures_since(connection: Connection, since: datetime) -> list[Step]:
    """Whom a person has taken off the list, and when."""
    closed_at = type_coerce(missed_closures.c.closed_at, String)
    columns = closed_at, missed_closures.c.number, missed_closures.c.call_id
    wanted = select(*columns).where(missed_closures.c.closed_at >= since)
    return [
        (_seconds(at), _CLOSED, number or call_id, _seconds(at)) for at, number, call_id in connection.execute(wanted)
    ]


def returns(
    parts: Iterable[Steps],
    closures: Iterable[Step],
    since: datetime,
    until: datetime,
    ours: Collection[str | None],
) -> Returns:
    """Of those who were missed from `since` until `until`, by all that has happened from a day before until now.

    The numbers that are `ours` are no customers'.
    """
    return _told(_in_order(parts, closures, since.timestamp(), until.timestamp()), ours)


def still_tried(parts: Iterable[Steps], since: datetime) -> set[str]:
    """Who has tried since then and was talked to no more, by calls alone: numbers, and the calls that show none."""
    found: set[str] = set()
    for _, what, number, _ in _in_order(parts, (), since.timestamp(), inf):
        if what == _TRIED:
            found.add(number)
        else:
            found.discard(number)
    return found


def _in_order(parts: Iterable[Steps], closures: Iterable[Step], first: float, last: float) -> list[Step]:
    """Tries from `first` until `last`, and what has happened since `first`."""
    steps = list(closures)
    for part in parts:
        if part.first >= first and part.last_try < last:
            steps += part.steps
        else:
            steps += [step for step in part.steps if step[3] >= first and (step[1] != _TRIED or step[0] < last)]
    steps.sort()
    return steps


def _told(steps: Iterable[Step], ours: Collection[str | None]) -> Returns:
    waiting: dict[str, float] = {}
    customers = closed = 0
    took: list[float] = []
    for at, what, number, _ in steps:
        if what == _TRIED:
            if number not in waiting and number not in ours:
                waiting[number] = at
                customers += 1
        elif number in waiting:
            began = waiting.pop(number)
            if what == _TALKED:
                took.append(at - began)
            else:
                closed += 1
    return Returns(customers, tuple(took), closed)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
