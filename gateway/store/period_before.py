"""The time that a period is compared with: as many days before it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gateway.store.statistics import Period


def period_before(period: Period) -> Period:
    """The same times of day, as many of the shop's days earlier as the period touches.

    So a day that is not over is compared with the one before as far as the same hour, and seven days with the same
    days of the week.
    """
    first = period.since.astimezone(period.zone).date()
    last = max(period.since, period.until - timedelta(microseconds=1)).astimezone(period.zone).date()
    days = last - first + timedelta(days=1)

    def earlier(moment: datetime) -> datetime:
        wall = moment.astimezone(period.zone).replace(tzinfo=None) - days
        return wall.replace(tzinfo=period.zone).astimezone(UTC)

    since = earlier(period.since)
    return replace(period, since=since, until=max(since, min(earlier(period.until), period.since)))
