"""SMS as rows of a table for a spreadsheet."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

from gateway.messages import words

COLUMNS = (
    "message_time", "message_direction", "peer", "line", "text", "parts", "message_state", "failure", "written_by",
    "sent_at", "delivered_at",
)  # fmt: skip


def message_titles(language: str) -> list[str]:
    """What stands above the columns."""
    return [words(language)["statistics"][name]["title"] for name in COLUMNS]


def message_cells(message: dict[str, Any], language: str, zone: tzinfo) -> list[object]:
    """One SMS, given as the schema `Message`."""
    known = words(language)
    failure = message["failure"]
    return [
        _moment(message["time"], zone),
        known["statistics"][f"message_{message['direction']}"]["title"],
        *(message[name] for name in ("peer", "line", "text", "parts")),
        known["message_states"][message["state"]]["title"],
        known["errors"][failure]["title"] if failure in known["errors"] else failure,
        message["by"],
        _moment(message["sent_at"], zone),
        _moment(message["delivered_at"], zone),
    ]


def _moment(text: str | None, zone: tzinfo) -> str | None:
    return None if text is None else f"{datetime.fromisoformat(text).astimezone(zone):%Y-%m-%d %H:%M:%S}"
