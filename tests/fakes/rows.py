"""Rows as the store gives them, for archives in memory."""

from __future__ import annotations

from typing import Any


def call_row(call_id: str = "c1", **changes: Any) -> dict[str, object]:
    """An answered, recorded call of the day before yesterday, in the form of `CallSummary`."""
    row: dict[str, object] = {
        "id": call_id, "direction": "incoming", "caller": "+79031112233", "caller_name": "", "called": "red",
        "line": "red", "flow": "ring_phones", "courier": None, "started_at": "2027-01-29T09:00:00.000Z",
        "answered_at": "2027-01-29T09:00:08.000Z", "answered_by": "101", "ended_at": "2027-01-29T09:01:00.000Z",
        "cause": "hung-up", "ended_by": "caller", "talk_seconds": 52.0, "total_seconds": 60.0,
        "verdict": "both-heard", "caller_mos": 4.1, "callee_mos": 4.2,
        "order": None, "shown": None, "clock": None, "shown_by": None, "cost": None, "tags": [],
        "recordings": [
            {"id": f"r-{call_id}", "seconds": 49.0, "size_bytes": 1_568_044, "verdict": "both-heard",
             "sha256": "5e" * 32, "file_sha256": None, "loudness_db": [-20.1, None],
             "started_at": "2027-01-29T09:00:11.000Z",
             "pauses": [], "held": None},
        ],
    }  # fmt: skip
    assert changes.keys() <= row.keys()
    return {**row, **changes}


def message_row(message_id: str = "m1", **changes: Any) -> dict[str, object]:
    """A received SMS in the form of `Message`."""
    row: dict[str, object] = {
        "id": message_id, "direction": "incoming", "line": "red", "peer": "+79031112233", "text": "Hello",
        "parts": 1, "time": "2027-01-29T09:00:00.000Z", "state": "received", "failure": None, "flash": False,
        "by": None, "sent_at": "2027-01-29T08:59:58.000Z", "delivered_at": None,
    }  # fmt: skip
    assert changes.keys() <= row.keys()
    return {**row, **changes}
