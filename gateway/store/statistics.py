"""Statistics: what the calls that began in a time came to, by whatever they are grouped by.

Sums are made by the database. Only what no database does alike, the shop's own clock, is worked out here: calls are
summed by quarters of an hour of UTC, which every time zone's hours and days are made of, also where clocks change, and
those by the days and the hours of the week that the shop's clock shows. Everything can be added up: what a period comes
to is the sum of its stretches (days.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from sys import intern
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Integer, cast, distinct, func, literal_column, select

from gateway.store.figures import Figures
from gateway.store.schema import calls, legs
from gateway.store.self_served import was_for_people

QUARTER = timedelta(minutes=15)
_DAY = timedelta(days=1)
_EVERY_HOUR_TWICE = timedelta(days=15)
"""In so long each hour of the week comes twice, so also one that a change of the clock skips once."""


class Grouping(StrEnum):
    """By what calls are put together; the value is how the API names it."""

    DAY = "day"
    """2027-01-31, by the shop's clock, as are the next two."""
    HOUR = "hour"
    """00 to 23."""
    WEEK_HOUR = "week-hour"
    """Monday 00 to Sunday 23: 1-00 to 7-23."""
    PHONE = "phone"
    COURIER = "courier"
    LINE = "line"
    QUEUE = "queue"
    """By name; empty: the shop's own, in a shop that has several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Calls that began at `since` or later, and before `until`; both aware UTC."""

    since: datetime
    until: datetime
    zone: ZoneInfo

    @property
    def calls(self) -> list[ColumnElement[bool]]:
        """The condition on calls: in this time, and over; those that a machine served are no part of any figure."""
        is_in_time = [calls.c.started_at >= self.since, calls.c.started_at < self.until]
        return [*is_in_time, calls.c.ended_at.is_not(None), was_for_people()]


@dataclass(frozen=True, slots=True)
class ClockSums:
    """What calls came to by the shop's clock; keys at which nobody called are left out."""

    by_day: dict[str, Figures]
    """By the keys of Grouping.DAY."""
    by_week_hour: dict[str, Figures]
    """By the keys of Grouping.WEEK_HOUR."""


def by_clock(connection: Connection, stretch: Period) -> ClockSums:
    """By the clock of the stretch's zone."""
    keys = clock_keys(stretch)
    days: defaultdict[str, list[Figures]] = defaultdict(list)
    week_hours: defaultdict[str, list[Figures]] = defaultdict(list)
    for number, figures in quarters(connection, stretch).items():
        day, week_hour = keys(number)
        days[day].append(figures)
        week_hours[week_hour].append(figures)
    return ClockSums(
        {key: add_up(found) for key, found in days.items()}, {key: add_up(found) for key, found in week_hours.items()}
    )


def quarters(connection: Connection, period: Period) -> dict[int, Figures]:
    """By the quarter of an hour of UTC, counted from the midnight before the period."""
    hour = func.substr(calls.c.started_at, 1, 13)
    quarter = cast(func.substr(calls.c.started_at, 15, 2), Integer) // literal_column("15")
    midnight = midnight_before(period)

    def number(key: str) -> str:
        began = datetime(int(key[:4]), int(key[5:7]), int(key[8:10]), int(key[11:13]), tzinfo=UTC)
        return str((began - midnight) // QUARTER + int(key[13:]))

    return {int(key): figures for key, figures in _sums(connection, period, [hour, quarter], key_of=number).items()}


def totals(parts: Iterable[ClockSums]) -> Figures:
    """All calls together; `parts` are of each stretch of a period."""
    return add_up(figures for part in parts for figures in part.by_day.values())


def by_time(parts: Iterable[ClockSums], period: Period, grouping: Grouping) -> dict[str, Figures]:
    """By the shop's clock; every key of the period is there, also where nobody called."""
    if grouping is Grouping.DAY:
        found = merged(part.by_day for part in parts)
    else:
        found = merged(part.by_week_hour for part in parts)
    if grouping is Grouping.HOUR:
        found = merged({hour_of(key): figures} for key, figures in found.items())
    name = _KEYS[grouping]
    keys = sorted({*(name(local) for local in _local_hours(period, grouping)), *found})
    return {key: found.get(key, Figures()) for key in keys}


def by_courier(connection: Connection, period: Period) -> dict[str, Figures]:
    """By the courier's extension: calls to and from couriers."""
    return _sums(connection, period, [calls.c.courier], calls.c.courier.is_not(None))


def by_queue(connection: Connection, period: Period) -> dict[str, Figures]:
    """By the name of the queue that the caller waited in last; a call that waited in none is left out."""
    waited = calls.c.direction == "incoming", calls.c.queue.is_not(None)
    return _sums(connection, period, [calls.c.queue], *waited)


def by_phone(connection: Connection, period: Period) -> dict[str, Figures]:
    """By extension: calls that it answered, that rang there and that nobody answered, and that it made.

    A call that rang at several phones in vain is a missed one of each; one that another phone answered is of that one.
    Where the gateway has called a customer first, as was promised, the call is of the phone that then talked.
    """
    is_extension = func.substr(calls.c.answered_by, 1, 1) != "+"
    answered = _sums(connection, period, [calls.c.answered_by], calls.c.direction == "incoming", is_extension)
    made = _sums(connection, period, [calls.c.caller], calls.c.direction == "outgoing", calls.c.line.is_(None))
    customer_first = calls.c.direction == "outgoing", calls.c.line.is_not(None), is_extension
    returned = _sums(connection, period, [calls.c.answered_by], *customer_first)
    in_vain = select(calls.c.id).where(*period.calls, calls.c.direction == "incoming", calls.c.answered_at.is_(None))
    # Made from the columns, so that the legs are found by their calls, and no index of legs is gone through whole.
    peer, line = legs.c.peer + "", func.coalesce(legs.c.line, "")
    rung = (
        select(peer, func.count(distinct(legs.c.call_id)))
        .where(
            legs.c.call_id.in_(in_vain),
            legs.c.kind == "sip",
            line == "",
            legs.c.direction == "outgoing",
        )
        .group_by(peer)
    )
    missed = {extension: Figures(incoming=count) for extension, count in connection.execute(rung)}
    return {
        extension: sum((part.get(extension, Figures()) for part in (answered, made, returned, missed)), Figures())
        for extension in sorted({*answered, *made, *returned, *missed})
    }


def _sums(
    connection: Connection,
    period: Period,
    key: list[Any],
    *conditions: ColumnElement[bool],
    key_of: Callable[[str], str] = str,
) -> dict[str, Figures]:
    """The figures by what `key_of` makes of the key, whose columns are put together to one text."""
    is_answered = calls.c.answered_at.is_not(None)
    wanted = (
        select(
            *key,
            calls.c.direction,
            is_answered,
            func.count(),
            func.sum(_ms(calls.c.talk_seconds)),
            func.sum(_ms(calls.c.total_seconds)),
            func.sum(calls.c.cost),
        )
        .where(*period.calls, calls.c.direction != "internal", *conditions)
        .group_by(*key, calls.c.direction, is_answered)
    )
    # Up to 35,000 rows for a year: they are added up as numbers, and become Figures at the end.
    sums: defaultdict[tuple[str, str, bool], list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for *parts, direction, answered, count, talk_ms, total_ms, cost in connection.execute(wanted):
        sum_ = sums[key_of("".join(map(str, parts))), direction, bool(answered)]
        sum_[0] += count
        sum_[1] += talk_ms
        sum_[2] += total_ms
        if cost is not None:
            sum_[3] += cost
            sum_[4] = 1
    found: defaultdict[str, Figures] = defaultdict(Figures)
    for (name, direction, answered), (count, talk_ms, total_ms, cost, has_cost) in sorted(sums.items()):
        met, price = count if answered else 0, cost if has_cost else None
        if direction == "incoming":
            waited = total_ms - talk_ms if answered else 0
            found[name] += Figures(incoming=count, answered=met, talk_ms=talk_ms, wait_ms=waited, cost=price)
        else:
            found[name] += Figures(outgoing=count, reached=met, talk_ms=talk_ms, cost=price)
    return dict(found)


def _ms(seconds: ColumnElement[float]) -> ColumnElement[int]:
    """Whole milliseconds, whose sum is the same in whatever order they are added."""
    return cast(func.round(seconds * 1000), Integer)


def add_up(figures: Iterable[Figures]) -> Figures:
    """The sum, made by the thousand."""
    incoming = answered = outgoing = reached = talk_ms = wait_ms = 0
    cost: int | None = None
    for each in figures:
        incoming += each.incoming
        answered += each.answered
        outgoing += each.outgoing
        reached += each.reached
        talk_ms += each.talk_ms
        wait_ms += each.wait_ms
        if each.cost is not None:
            cost = each.cost + (cost or 0)
    return Figures(
        incoming=incoming, answered=answered, outgoing=outgoing, reached=reached, talk_ms=talk_ms, wait_ms=wait_ms,
        cost=cost,
    )  # fmt: skip


def merged(parts: Iterable[dict[str, Figures]]) -> dict[str, Figures]:
    """The stretches of a period together, by their keys in order."""
    found: defaultdict[str, list[Figures]] = defaultdict(list)
    for part in parts:
        for key, figures in part.items():
            found[key].append(figures)
    return {key: add_up(found[key]) for key in sorted(found)}


def midnight_before(period: Period) -> datetime:
    """UTC's midnight before the period, or at its beginning."""
    return period.since.replace(hour=0, minute=0, second=0, microsecond=0)


def local_times(stretch: Period) -> Callable[[int], datetime]:
    """What the shop's clock shows at the beginning of a quarter, counted from the midnight before the stretch."""
    midnight, zone = midnight_before(stretch), stretch.zone
    if _is_even(stretch):
        wall = midnight.astimezone(zone).replace(tzinfo=None)  # plain adding tells it
        return lambda number: wall + number * QUARTER
    return lambda number: (midnight + number * QUARTER).astimezone(zone).replace(tzinfo=None, fold=0)


def clock_keys(stretch: Period) -> Callable[[int], tuple[str, str]]:
    """The keys of a quarter by Grouping.DAY and by Grouping.WEEK_HOUR, each one text in the whole stretch."""
    local = local_times(stretch)
    names = [_KEYS[grouping] for grouping in (Grouping.DAY, Grouping.WEEK_HOUR)]

    @cache
    def keys(number: int) -> tuple[str, str]:
        day, week_hour = (intern(name(local(number))) for name in names)
        return day, week_hour

    return keys


def hour_of(week_hour: str) -> str:
    """The key by Grouping.HOUR of one by Grouping.WEEK_HOUR."""
    return week_hour.partition("-")[2]


def clock_of(day: Period) -> tuple[timedelta | None, ...]:
    """What `local_times` of a whole day depends on: the distance from UTC; where that changes, of each quarter."""
    quarters_told = 1 if _is_even(day) else _DAY // QUARTER
    return tuple((day.since + number * QUARTER).astimezone(day.zone).utcoffset() for number in range(quarters_told))


def _is_even(stretch: Period) -> bool:
    """It is of one day of UTC, on which the clock does not change."""
    midnight, zone = midnight_before(stretch), stretch.zone
    if stretch.until - midnight > _DAY:
        return False
    return midnight.astimezone(zone).utcoffset() == (midnight + _DAY).astimezone(zone).utcoffset()


def _local_hours(period: Period, grouping: Grouping) -> Iterator[datetime]:
    """A moment of every local day, or hour of the day or of the week, that the period touches."""
    by_day = grouping is Grouping.DAY
    step = timedelta(hours=6) if by_day else timedelta(minutes=30)
    until = period.until if by_day else min(period.until, period.since + _EVERY_HOUR_TWICE)
    moment = period.since.replace(minute=0, second=0, microsecond=0)
    while moment < until:
        yield max(moment, period.since).astimezone(period.zone)
        moment += step
    if until > period.since:
        yield (until - timedelta(microseconds=1)).astimezone(period.zone)


_KEYS: dict[Grouping, Callable[[datetime], str]] = {
    Grouping.DAY: lambda local: local.date().isoformat(),
    Grouping.HOUR: lambda local: f"{local.hour:02}",
    Grouping.WEEK_HOUR: lambda local: f"{local.isoweekday()}-{local.hour:02}",
}
