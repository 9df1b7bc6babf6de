"""How many customers were missed, how many somebody talked to afterwards, and how long that took.

The same story as that of the list of missed customers (telephony/missed.py), told in numbers and for a year at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from sys import intern

from sqlalchemy import Connection, String, case, func, select, type_coerce

from gateway.store.missed import missed_calls, shows_number
from gateway.store.schema import calls, legs
from gateway.store.schema_missed import missed_closures
from gateway.store.statistics import Period


@dataclass(frozen=True, slots=True)
class Steps:
    """Of the calls that began in one stretch of time, moments in seconds since 1970; each number is one text in all."""

    tries: tuple[tuple[float, str], ...]
    """When whom nobody talked to: a number, or the call of somebody who showed none."""
    talks: tuple[tuple[float, float, str], ...]
    """When somebody was talked to, when their phone was answered, and who it was."""


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
    return Steps(
        tuple((_seconds(at), intern(number)) for at, number in connection.execute(tries)),
        tuple(
            (_seconds(max(call_at, leg_at)), _seconds(leg_at), intern(number))
            for call_at, leg_at, number in connection.execute(talks)
        ),
    )


def closures_since(connection: Connection, since: datetime) -> list[tuple[float, str]]:
    """Whom a person has taken off the list, and when; as in `Steps.tries`."""
    closed_at = type_coerce(missed_closures.c.closed_at, String)
    columns = closed_at, missed_closures.c.number, missed_closures.c.call_id
    wanted = select(*columns).where(missed_closures.c.closed_at >= since)
    return [(_seconds(at), number or call_id) for at, number, call_id in connection.execute(wanted)]


def returns(
    parts: Iterable[Steps],
    closures: Iterable[tuple[float, str]],
    since: datetime,
    until: datetime,
    is_customer: Callable[[str], bool],
) -> Returns:
    """Of those who were missed from `since` until `until`, by all that has happened from a day before until now."""
    first, last = since.timestamp(), until.timestamp()
    # In one moment a try comes before what ends it.
    steps: list[tuple[float, int, str]] = [(at, _CLOSED, number) for at, number in closures]
    for part in parts:
        steps += [(at, _TRIED, number) for at, number in part.tries if first <= at < last]
        steps += [(at, _TALKED, number) for at, leg_at, number in part.talks if leg_at >= first]
    steps.sort()
    return _told(steps, is_customer)


def _told(steps: Sequence[tuple[float, int, str]], is_customer: Callable[[str], bool]) -> Returns:
    waiting: dict[str, float] = {}
    known: dict[str, bool] = {}
    customers = closed = 0
    took: list[float] = []
    for at, what, number in steps:
        if what == _TRIED:
            if number in waiting:
                continue
            if number not in known:
                known[number] = is_customer(number)
            if known[number]:
                waiting[number] = at
                customers += 1
        elif number in waiting:
            began = waiting.pop(number)
            if what == _TALKED:
                took.append(at - began)
            else:
                closed += 1
    return Returns(customers, tuple(took), closed)


_TRIED, _TALKED, _CLOSED = 0, 1, 2


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
