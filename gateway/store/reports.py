"""Reports: statistics and the list of missed customers, in the wire form of openapi.json.

Read-only connections of their own, as Queries has; the verbs block and are called in threads, by the worker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from gateway.clock import WallClock, utc_now
from gateway.store.database import Places
from gateway.store.days import Days, DaysOfConnection
from gateway.store.figures import Figures
from gateway.store.kept_days import keep_days, recall_days
from gateway.store.missed import listed_since, read_missed, read_open
from gateway.store.occupancy import LONGEST_CALL, LinesOfStretch, all_lines, concurrency, lines_of
from gateway.store.opened import OpenedToRead
from gateway.store.overview import Overview, counted, today_and_before
from gateway.store.period_before import period_before
from gateway.store.recording_room import RecordingRate, recording_rate
from gateway.store.returns import Returns, closures_since, returns, steps_of, still_tried
from gateway.store.row_wire import wire
from gateway.store.shop_document.shop_versions import load_shop
from gateway.store.statistics import (
    ClockSums,
    Grouping,
    Period,
    by_clock,
    by_courier,
    by_phone,
    by_queue,
    by_time,
    clock_of,
    merged,
    totals,
)
from gateway.store.waits import TWO_RINGS_SECONDS, Wait, answered_within, rows_within, spread, waits_of
from gateway.telephony.missed import Closure, MissedCustomer, Talk, numbers_of
from gateway.telephony.shop import Shop

RATE_HOLDS = timedelta(minutes=10)
"""It goes through all recordings, and tells of days."""


class Reports(OpenedToRead):
    """The store, opened to read. Used with `with`."""

    def __init__(self, places: Places, clock: WallClock = utc_now) -> None:
        super().__init__(places)
        self._clock = clock
        self._days = Days()
        self._directory = places.data_dir
        self._rate: tuple[datetime, RecordingRate] | None = None

    def statistics(
        self,
        since: datetime,
        until: datetime,
        by: str,
        *,
        within_seconds: int = TWO_RINGS_SECONDS,
        is_compared: bool = False,
    ) -> dict[str, object]:
        """The schema `Statistics`: calls that began in that time, by a Grouping. Raises ValueError for another one.

        `within_seconds` is what counts as answered in time; `is_compared`: with the period before.
        """
        grouping = Grouping(by)
        with self._reading.connect() as connection, connection.begin():
            _, shop, _ = load_shop(connection)
            period = Period(since=since, until=max(since, min(until, self._clock())), zone=ZoneInfo(shop.time_zone))
            days = self._days.seen_by(connection)
            sums, waited = _clock_sums(days, period), _waits(days, period)
            busy = _lines_of(days, period, shop) if grouping is Grouping.LINE else []
            quick = rows_within(waited, grouping, within_seconds)
            now = self._clock()
            return {
                "since": wire(since),
                "until": wire(until),
                "by": str(grouping),
                "time_zone": shop.time_zone,
                "currency": shop.currency,
                "within_seconds": within_seconds,
                **_summary(sums, waited, within_seconds, _returns(connection, days, period, now, shop)),
                "before": self._before(connection, days, period, shop, within_seconds) if is_compared else None,
                "rows": _rows(days, period, grouping, sums, busy, quick=quick),
                "concurrency": _concurrency(busy, shop) if grouping is Grouping.LINE else None,
            }

    def overview(self) -> Overview:
        """What the dashboard shows: today beside the days before it, who waits to be called back, and recordings."""
        with self._reading.connect() as connection, connection.begin():
            _, shop, _ = load_shop(connection)
            now = self._clock()
            today, before = today_and_before(Period(since=now, until=now, zone=ZoneInfo(shop.time_zone)))
            days, waiting = self._days.seen_by(connection), self._waiting(connection, shop)
            return Overview(
                today=counted(_clock_sums(days, today), _waits(days, today)),
                days_before=counted(_clock_sums(days, before), _waits(days, before)),
                missed=len(waiting),
                first_missed_at=waiting[0].first_at if waiting else None,
                rate=self._recording_rate(connection, now),
                keep_days=shop.recording.keep_days,
            )

    def _recording_rate(self, connection: Connection, now: datetime) -> RecordingRate:
        """Worked out anew when it is RATE_HOLDS old."""
        if self._rate is None or not timedelta() <= now - self._rate[0] < RATE_HOLDS:
            self._rate = now, recording_rate(connection, now)
        return self._rate[1]

    def _before(
        self, connection: Connection, days: DaysOfConnection, period: Period, shop: Shop, within_seconds: int
    ) -> dict[str, object]:
        before = period_before(period)
        return {
            "since": wire(before.since),
            "until": wire(before.until),
            **_summary(
                _clock_sums(days, before),
                _waits(days, before),
                within_seconds,
                _returns(connection, days, before, self._clock(), shop),
            ),
        }

    @property
    def days_kept(self) -> int:
        """So many days are remembered, each as often as there are parts of it."""
        return len(self._days)

    def remember(self, day: datetime) -> None:
        """Work out what the day of UTC that begins then comes to, so that nobody waits for it later."""
        with self._reading.connect() as connection, connection.begin():
            days = self._days.seen_by(connection)
            if not days.had_calls(day):
                return
            _, shop, _ = load_shop(connection)
            period = Period(since=day, until=day + timedelta(days=1), zone=ZoneInfo(shop.time_zone))
            sums = _clock_sums(days, period)
            for grouping in (Grouping.COURIER, Grouping.PHONE, Grouping.QUEUE):
                _rows(days, period, grouping, sums, (), quick={})
            days.of(period, steps_of, name="steps")
            _waits(days, period)
            _lines_of(days, period, shop)

    def keep(self) -> None:
        """Have the next start find what is summed up. Raises OSError."""
        with self._reading.connect() as connection:
            keep_days(self._days, connection, self._directory)

    def recall(self) -> None:
        """Take over what an earlier run has summed up."""
        with self._reading.connect() as connection, connection.begin():
            recall_days(self._days, connection, self._directory)

    def missed(
        self, *, since: datetime | None = None, until: datetime | None = None, limit: int | None = None
    ) -> tuple[list[dict[str, object]], int]:
        """Rows as the schema `MissedCustomer`, at most `limit`, and how many there are.

        Those who wait to be called back, the longest first; with `since` all who tried then or later (and before
        `until`), also those who were talked to since, the newest first.
        """
        with self._reading.connect() as connection, connection.begin():
            _, shop, _ = load_shop(connection)
            if since is None:
                found = self._waiting(connection, shop)
            else:
                found = read_missed(connection, shop, since, until, with_orders=True)[::-1]
            return [_missed(each) for each in found[:limit]], len(found)

    def _waiting(self, connection: Connection, shop: Shop) -> list[MissedCustomer]:
        """The days that are kept say who may wait; only their stories are read."""
        now = self._clock()
        since, zone = listed_since(shop, now), ZoneInfo("UTC")
        known = Period(since=since - LONGEST_CALL, until=now, zone=zone)
        later = Period(since=now, until=datetime.max.replace(tzinfo=UTC), zone=zone)  # when the clock was set back
        parts = self._days.seen_by(connection).of(known, steps_of, name="steps")
        return read_open(connection, shop, now, of=still_tried([*parts, steps_of(connection, later)], since))


def _summary(
    sums: Sequence[ClockSums], waited: Sequence[Sequence[Wait]], within_seconds: int, returned: Returns
) -> dict[str, object]:
    """What a whole period comes to: `total`, `waits` and `returns` of the schema `Statistics`."""
    return {
        "total": totals(sums).wire(answered_within(waited, within_seconds)),
        "waits": asdict(spread(waited)),
        "returns": returned.wire(),
    }


def _rows(
    days: DaysOfConnection,
    period: Period,
    grouping: Grouping,
    sums: Sequence[ClockSums],
    busy: Sequence[LinesOfStretch],
    *,
    quick: Mapping[str, int],
) -> list[dict[str, object]]:
    """`quick`: how many were answered in time, by their keys."""
    match grouping:
        case Grouping.LINE:
            length = (period.until - period.since).total_seconds()
            return [
                {
                    **_row(line, found.figures, quick),
                    "busy_seconds": round(found.busy_seconds, 3),
                    "occupancy": round(found.busy_seconds / length, 4) if length else None,
                }
                for line, found in all_lines(part.by_line for part in busy).items()
            ]
        case Grouping.COURIER:
            found = merged(days.of(period, by_courier, name="couriers"))
        case Grouping.QUEUE:
            found = merged(days.of(period, by_queue, name="queues"))
        case Grouping.PHONE:
            found = merged(days.of(period, by_phone, name="phones"))
        case Grouping.DAY | Grouping.HOUR | Grouping.WEEK_HOUR:
            found = by_time(sums, period, grouping)
    return [_row(key, figures, quick) for key, figures in found.items()]


def _row(key: str, figures: Figures, quick: Mapping[str, int]) -> dict[str, object]:
    return {"key": key, **figures.wire(quick.get(key, 0)), "busy_seconds": None, "occupancy": None}


def _concurrency(busy: Sequence[LinesOfStretch], shop: Shop) -> dict[str, object]:
    found = concurrency([part.busy for part in busy])
    return {
        "lines": len(shop.lines),
        "seconds": list(found.seconds),
        "peaks": list(found.peaks),
        "peak": found.peak,
        "refused": found.refused,
        "saved": found.saved,
    }


def _returns(connection: Connection, days: DaysOfConnection, period: Period, now: datetime, shop: Shop) -> Returns:
    around = replace(period, since=period.since - LONGEST_CALL, until=max(period.until, now))
    parts = days.of(around, steps_of, name="steps")
    closures = closures_since(connection, period.since)
    return returns(parts, closures, period.since, period.until, numbers_of(shop))


def _clock_sums(days: DaysOfConnection, period: Period) -> list[ClockSums]:
    return days.of(period, by_clock, name="clock", depends_on=clock_of)


def _waits(days: DaysOfConnection, period: Period) -> list[tuple[Wait, ...]]:
    return days.of(period, waits_of, name="waits", depends_on=clock_of)


def _lines_of(days: DaysOfConnection, period: Period, shop: Shop) -> list[LinesOfStretch]:
    names = tuple(line.name for line in shop.lines)
    return days.of(
        period,
        lambda connection, stretch: lines_of(connection, stretch, names),
        name=("lines", *names),
        depends_on=clock_of,
    )


def _missed(customer: MissedCustomer) -> dict[str, object]:
    return {
        "number": customer.number,
        "name": customer.name,
        "first_at": wire(customer.first_at),
        "last_at": wire(customer.last_at),
        "tries": [
            {
                "call_id": each.call_id or None,
                "at": wire(each.at),
                "line": each.line,
                "order": each.order,
                "cause": each.cause,
                "waited_seconds": each.waited_seconds,
            }
            for each in customer.tries
        ],
        "ended": _ending(customer),
    }


def _ending(customer: MissedCustomer) -> dict[str, object] | None:
    match customer.ended:
        case Talk() as talk:
            return {"how": "talked", "at": wire(talk.at), "by": talk.by, "call_id": talk.call_id, "reason": None}
        case Closure() as closure:
            return {
                "how": "closed", "at": wire(closure.at), "by": closure.by, "call_id": None, "reason": closure.reason,
            }  # fmt: skip
        case None:
            return None
