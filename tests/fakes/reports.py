"""The worker's figures and the list of missed customers, kept in memory."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gateway.store.figures import Figures
from gateway.store.overview import Counted, Overview
from gateway.store.recording_room import RecordingRate

FIGURES: dict[str, Any] = {
    "calls": 12, "incoming": 8, "answered": 5, "missed": 3, "missed_share": 0.375, "answered_within": 4,
    "service_level": 0.5, "outgoing": 4, "reached": 3, "talk_seconds": 754.5,
    "seconds_to_answer": 8.4, "answer_seizure_ratio": 0.75, "average_talk_seconds": 94.3, "cost": 12.5,
}  # fmt: skip
NOTHING: dict[str, Any] = {
    **dict.fromkeys(FIGURES, 0), "missed_share": None, "service_level": None, "seconds_to_answer": None,
    "answer_seizure_ratio": None, "average_talk_seconds": None, "cost": None,
}  # fmt: skip
BEFORE: dict[str, Any] = {
    **FIGURES, "calls": 14, "incoming": 10, "answered": 8, "missed": 2, "missed_share": 0.2, "answered_within": 7,
    "service_level": 0.7, "cost": None,
}  # fmt: skip
WAITS: dict[str, Any] = {"median_seconds": 7.2, "p90_seconds": 21.5}
RETURNS: dict[str, Any] = {
    "customers": 3, "returned": 1, "closed": 1, "open": 1, "mean_seconds": 600.0, "median_seconds": 600.0,
}  # fmt: skip


def missed_row(number: str = "+79031112233", **changes: Any) -> dict[str, Any]:
    """A customer who tried twice this morning, in the form of `MissedCustomer`."""
    row: dict[str, Any] = {
        "number": number, "name": "", "first_at": "2027-01-29T09:00:00.000Z", "last_at": "2027-01-29T09:20:00.000Z",
        "tries": [
            {"call_id": "c1", "at": "2027-01-29T09:00:00.000Z", "line": "red", "order": None, "cause": "cancelled",
             "waited_seconds": 23.4},
            {"call_id": "c2", "at": "2027-01-29T09:20:00.000Z", "line": None, "order": None, "cause": "no-answer",
             "waited_seconds": 61.0},
        ],
        "ended": None,
    }  # fmt: skip
    assert changes.keys() <= row.keys()
    return {**row, **changes}


def ending(how: str, **changes: Any) -> dict[str, Any]:
    """How a customer came off the list."""
    told = {"talked": {"call_id": "c3", "reason": None}, "closed": {"call_id": None, "reason": "a salesman"}}[how]
    return {"how": how, "at": "2027-01-29T09:30:00.000Z", "by": "102", **told, **changes}


class FakeReports:
    """Answers from lists; remembers what was asked."""

    def __init__(self) -> None:
        self.customers: list[dict[str, Any]] = []
        self.asked: list[tuple[datetime, datetime, str]] = []
        self.asked_within: list[tuple[int, bool]] = []
        """What counts as in time, and whether with the period before."""
        self.before: dict[str, Any] = BEFORE
        self.today = Counted(figures=Figures(incoming=8, answered=5, outgoing=4, reached=3), quick=4)
        self.days_before = Counted(figures=Figures(incoming=50, answered=45), quick=40)
        self.rate = RecordingRate(kept_bytes=0, bytes_per_day=0)
        self.rows: dict[str, list[dict[str, Any]]] = {}
        """By the grouping; without an entry there are some that fit."""

    def statistics(
        self, since: datetime, until: datetime, by: str, *, within_seconds: int, is_compared: bool
    ) -> dict[str, Any]:
        self.asked.append((since, until, by))
        self.asked_within.append((within_seconds, is_compared))
        is_line = by == "line"
        busy = {"busy_seconds": 900.0, "occupancy": 0.25} if is_line else {"busy_seconds": None, "occupancy": None}
        keys = {
            "day": ["2027-01-28", "2027-01-29"], "hour": ["09", "10"], "week-hour": ["1-09", "5-14"],
            "phone": ["101"], "courier": ["2001"], "line": ["red"], "queue": ["", "sales"],
        }[by]  # fmt: skip
        rows = [{"key": keys[0], **FIGURES, **busy}] + [{"key": key, **NOTHING, **busy} for key in keys[1:]]
        return {
            "since": since.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "until": until.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "by": by, "time_zone": "Europe/Moscow", "currency": "RUB", "total": FIGURES,
            "rows": self.rows.get(by, rows), "within_seconds": within_seconds, "waits": WAITS, "returns": RETURNS,
            "before": {
                "since": "2027-01-21T21:00:00.000Z", "until": "2027-01-22T21:00:00.000Z", "total": self.before,
                "waits": {**WAITS, "median_seconds": 9.0}, "returns": {**RETURNS, "returned": 2},
            } if is_compared else None,
            "concurrency": {
                "lines": 2, "seconds": [3000.0, 500.0, 100.0], "peaks": [0] * 9 + [2] + [1] * 14, "peak": 2,
                "refused": 3, "saved": 2,
            } if is_line else None,
        }  # fmt: skip

    def overview(self) -> Overview:
        waiting = [row["first_at"] for row in self.customers if row["ended"] is None]
        return Overview(
            today=self.today, days_before=self.days_before, missed=len(waiting),
            first_missed_at=datetime.fromisoformat(min(waiting)) if waiting else None, rate=self.rate, keep_days=90,
        )  # fmt: skip

    def missed(
        self, *, since: datetime | None = None, until: datetime | None = None, limit: int | None = None
    ) -> tuple[list[dict[str, Any]], int]:
        del until
        found = [row for row in self.customers if since is not None or row["ended"] is None]
        return found[:limit], len(found)


class FakeMissed:
    """Takes numbers off the list of the reports."""

    def __init__(self, reports: FakeReports | None = None) -> None:
        self.reports = reports or FakeReports()

    async def close(self, number: str = "", *, reason: str, by: str, call_id: str | None = None) -> str | None:
        for row in self.reports.customers:
            is_meant = row["number"] == number if call_id is None else row["tries"][0]["call_id"] == call_id
            if is_meant and row["ended"] is None:
                row["ended"] = ending("closed", by=by, reason=reason)
                return f"closed {row['number']}"
        return None

    async def reopen(self, closure_id: str, *, by: str) -> bool:
        assert by
        for row in self.reports.customers:
            if f"closed {row['number']}" == closure_id and row["ended"] is not None:
                row["ended"] = None
                return True
        return False
