"""Statistics: what the calls that began in a time came to, by whatever they are grouped by.

Sums are made by the database. Only what no database does alike, the shop's own clock, is worked out here: calls are
summed by quarters of an hour of UTC, which every time zone's hours and days are made of, also where clocks change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Integer, cast, distinct, func, literal_column, select

from gateway.store.figures import Figures
from gateway.store.schema import calls, legs


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Calls that began at `since` or later, and before `until`; both aware UTC."""

    since: datetime
    until: datetime
    zone: ZoneInfo

    @property
    def calls(self) -> list[ColumnElement[bool]]:
        """The condition on calls: in this time, and over."""
        return [calls.c.started_at >= self.since, calls.c.started_at < self.until, calls.c.ended_at.is_not(None)]


def totals(connection: Connection, period: Period) -> Figures:
    """All calls of the period together."""
    return _sums(connection, period, [literal_column("''")]).get("", Figures())


def by_time(connection: Connection, period: Period, grouping: Grouping) -> dict[str, Figures]:
    """By the shop's clock; every key of the period is there, also where nobody called."""
    name = _KEYS[grouping]
    quarters: dict[str, str] = {}

    def key_of(quarter: str) -> str:
        if quarter not in quarters:
            quarters[quarter] = name(_moment(quarter).astimezone(period.zone))
        return quarters[quarter]

    empty = {name(local): Figures() for local in _local_hours(period)}
    found = _sums(connection, period, _quarter(period), key_of=key_of)
    return dict(sorted({**empty, **found}.items()))


def by_courier(connection: Connection, period: Period) -> dict[str, Figures]:
    """By the courier's extension: calls to and from couriers."""
    return _sums(connection, period, [calls.c.courier], calls.c.courier.is_not(None))


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


def _quarter(period: Period) -> list[Any]:
    """The beginning of the hour or quarter of an hour in UTC, as text: hours where the zone's are whole ones."""
    hour = func.substr(calls.c.started_at, 1, 13)
    offsets = {local.utcoffset() or timedelta() for local in _local_hours(period)}
    if all(offset % timedelta(hours=1) == timedelta() for offset in offsets):
        return [hour]
    quarter = cast(func.substr(calls.c.started_at, 15, 2), Integer) // literal_column("15")
    return [hour, quarter]


def _moment(key: str) -> datetime:
    """`2027-01-31T12` or `2027-01-31T122` (its third quarter) as a moment."""
    hour = datetime(int(key[:4]), int(key[5:7]), int(key[8:10]), int(key[11:13]), tzinfo=UTC)
    return hour + timedelta(minutes=15 * int(key[13:] or 0))


def _local_hours(period: Period) -> Iterator[datetime]:
    """A moment of every local hour that the period touches."""
    moment = period.since.replace(minute=0, second=0, microsecond=0)
    while moment < period.until:
        yield max(moment, period.since).astimezone(period.zone)
        moment += timedelta(minutes=30)


_KEYS: dict[Grouping, Callable[[datetime], str]] = {
    Grouping.DAY: lambda local: f"{local:%Y-%m-%d}",
    Grouping.HOUR: lambda local: f"{local:%H}",
    Grouping.WEEK_HOUR: lambda local: f"{local.isoweekday()}-{local:%H}",
}
