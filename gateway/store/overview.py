"""Today's calls beside those of the days before, who waits to be called back, and what recordings take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from gateway.store.figures import Figures
from gateway.store.recording_room import RecordingRate
from gateway.store.row_wire import wire
from gateway.store.statistics import ClockSums, Period, totals
from gateway.store.waits import TWO_RINGS_SECONDS, Wait, answered_within

DAYS_BEFORE = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Calls of some days, and how many callers were answered within two rings."""

    figures: Figures
    quick: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What the dashboard shows of the store."""

    today: Counted
    days_before: Counted
    """Of DAYS_BEFORE days until the shop's last midnight."""
    missed: int
    """Customers who wait to be called back."""
    first_missed_at: datetime | None
    """Since when the first of them has."""
    rate: RecordingRate
    keep_days: int

    def wire(self) -> dict[str, object]:
        """The schema `Overview`, without what is the machine's."""
        return {
            "within_seconds": TWO_RINGS_SECONDS,
            "today": self.today.figures.wire(self.today.quick),
            "days_before": self.days_before.figures.wire(self.days_before.quick),
            "missed": {"count": self.missed, "first_at": wire(self.first_missed_at)},
        }


def today_and_before(now: Period) -> tuple[Period, Period]:
    """The shop's day until the end of `now`, and the days before it."""
    local = now.until.astimezone(now.zone)
    midnight, first = (
        datetime.combine(local.date() - timedelta(days=days), time(), now.zone).astimezone(UTC)
        for days in (0, DAYS_BEFORE)
    )
    return replace(now, since=midnight), replace(now, since=first, until=midnight)


def counted(sums: Iterable[ClockSums], waits: Iterable[Sequence[Wait]]) -> Counted:
    """The calls of a period, by its stretches."""
    return Counted(figures=totals(sums), quick=answered_within(waits, TWO_RINGS_SECONDS))
