"""Reports: statistics and the list of missed customers, in the wire form of openapi.json.

Read-only connections of their own, as Queries has; the verbs block and are called in threads, by the worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from statistics import median
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from gateway.clock import WallClock, utc_now
from gateway.store.database import Places, open_engine
from gateway.store.figures import Figures
from gateway.store.missed import read_missed, read_open
from gateway.store.occupancy import Carried, by_line, carried_legs, concurrency, refused_calls
from gateway.store.queries import wire
from gateway.store.shop_versions import load_shop
from gateway.store.statistics import Grouping, Period, by_courier, by_phone, by_time, totals
from gateway.telephony.missed import Closure, MissedCustomer, Talk
from gateway.telephony.shop import Shop


class Reports:
    """The store, opened to read. Used with `with`, or closed."""

    def __init__(self, places: Places, clock: WallClock = utc_now) -> None:
        self._engine = open_engine(places.database, read_only=True)
        self._clock = clock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._engine.dispose()

    def statistics(self, since: datetime, until: datetime, by: str) -> dict[str, object]:
        """The schema `Statistics`: calls that began in that time, by a Grouping. Raises ValueError for another one."""
        grouping = Grouping(by)
        with self._engine.connect() as connection, connection.begin():
            _, shop, _ = load_shop(connection)
            period = Period(since=since, until=max(since, min(until, self._clock())), zone=ZoneInfo(shop.time_zone))
            carried = carried_legs(connection, period) if grouping is Grouping.LINE else []
            return {
                "since": wire(since),
                "until": wire(until),
                "by": str(grouping),
                "time_zone": shop.time_zone,
                "currency": shop.currency,
                "total": totals(connection, period).wire(),
                "rows": _rows(connection, period, grouping, carried),
                "returns": _returns(read_missed(connection, shop, period.since, period.until)),
                "concurrency": _concurrency(connection, period, carried, shop) if grouping is Grouping.LINE else None,
            }

    def missed(self, *, since: datetime | None = None, until: datetime | None = None) -> list[dict[str, object]]:
        """Rows as the schema `MissedCustomer`: those who wait to be called back, the longest first.

        With `since` all who tried then or later (and before `until`), also those who were talked to since, the newest
        first.
        """
        with self._engine.connect() as connection, connection.begin():
            _, shop, _ = load_shop(connection)
            if since is None:
                return [_missed(each) for each in read_open(connection, shop, self._clock())]
            found = read_missed(connection, shop, since, until, with_orders=True)
            return [_missed(each) for each in reversed(found)]


def _rows(
    connection: Connection, period: Period, grouping: Grouping, carried: Sequence[Carried]
) -> list[dict[str, object]]:
    match grouping:
        case Grouping.LINE:
            length = (period.until - period.since).total_seconds()
            return [
                {
                    **_row(line, found.figures),
                    "busy_seconds": found.busy_seconds,
                    "occupancy": round(found.busy_seconds / length, 4) if length else None,
                }
                for line, found in by_line(carried).items()
            ]
        case Grouping.COURIER:
            found = by_courier(connection, period)
        case Grouping.PHONE:
            found = by_phone(connection, period)
        case Grouping.DAY | Grouping.HOUR | Grouping.WEEK_HOUR:
            found = by_time(connection, period, grouping)
    return [_row(key, figures) for key, figures in found.items()]


def _row(key: str, figures: Figures) -> dict[str, object]:
    return {"key": key, **figures.wire(), "busy_seconds": None, "occupancy": None}


def _concurrency(connection: Connection, period: Period, carried: Sequence[Carried], shop: Shop) -> dict[str, object]:
    found = concurrency(carried, refused_calls(connection, period), period, (line.name for line in shop.lines))
    return {
        "lines": len(shop.lines),
        "seconds": list(found.seconds),
        "peaks": list(found.peaks),
        "peak": found.peak,
        "refused": found.refused,
        "saved": found.saved,
    }


def _returns(customers: Sequence[MissedCustomer]) -> dict[str, object]:
    """How many customers were missed, how many somebody talked to afterwards, and how long that took."""
    took = [each.seconds_to_return for each in customers if each.seconds_to_return is not None]
    return {
        "customers": len(customers),
        "returned": len(took),
        "closed": sum(isinstance(each.ended, Closure) for each in customers),
        "open": sum(each.ended is None for each in customers),
        "mean_seconds": round(sum(took) / len(took), 3) if took else None,
        "median_seconds": round(median(took), 3) if took else None,
    }


def _missed(customer: MissedCustomer) -> dict[str, object]:
    return {
        "number": customer.number,
        "name": customer.name,
        "first_at": wire(customer.first_at),
        "last_at": wire(customer.last_at),
        "tries": [
            {"call_id": each.call_id or None, "at": wire(each.at), "line": each.line, "order": each.order}
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
