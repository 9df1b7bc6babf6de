"""Calls as rows of a table for a spreadsheet."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

from gateway.messages import words

COLUMNS = (
    "started_at", "direction", "caller", "caller_name", "called", "line", "courier", "order", "answered_by",
    "seconds_to_answer", "talk_seconds", "cost", "cause", "recordings", "tags",
)  # fmt: skip


def call_titles(language: str) -> list[str]:
    """What stands above the columns."""
    return [words(language)["statistics"][name]["title"] for name in COLUMNS]


def call_cells(call: dict[str, Any], language: str, zone: tzinfo) -> list[object]:
    """One call, given as the schema `CallSummary`."""
    known = words(language)
    started = datetime.fromisoformat(call["started_at"])
    answered = datetime.fromisoformat(call["answered_at"]) if call["answered_at"] else None
    return [
        f"{started.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        known["statistics"][call["direction"]]["title"],
        *(call[name] for name in ("caller", "caller_name", "called", "line", "courier", "order", "answered_by")),
        round((answered - started).total_seconds(), 1) if answered is not None else None,
        call["talk_seconds"],
        call["cost"],
        known["causes"][call["cause"]]["title"] if call["cause"] in known["causes"] else call["cause"],
        len(call["recordings"]),
        ", ".join(call["tags"]),
    ]
