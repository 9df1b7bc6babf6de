"""Rows of calls, recordings and messages as openapi.json has them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from gateway.clock import wire_time
from gateway.store.call_tags import tags_of
from gateway.store.evidence import Listening


def wire(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC, with milliseconds, as events have it."""
    return None if moment is None else wire_time(moment)


def pick(row: Row[Any], *names: str) -> dict[str, object]:
    """These columns, as they are."""
    return {name: getattr(row, name) for name in names}


def moments(row: Row[Any], *names: str) -> dict[str, object]:
    """These columns, each a moment or None."""
    return {name: wire(getattr(row, name)) for name in names}


def call_wire(row: Row[Any], sounds: list[dict[str, object]]) -> dict[str, object]:
    """The schema `CallSummary`."""
    return {
        **pick(row, "id", "direction", "caller", "caller_name", "called", "line", "flow", "courier", "answered_by"),
        **pick(row, "cause", "ended_by", "talk_seconds", "total_seconds", "verdict", "caller_mos", "callee_mos"),
        **pick(row, "order", "shown", "shown_by", "clock"),
        "tags": list(tags_of(row.tags)),
        "cost": None if row.cost is None else row.cost / 100,
        **moments(row, "started_at", "answered_at", "ended_at"),
        "recordings": sounds,
    }


def recording_wire(row: Row[Any]) -> dict[str, object]:
    """The schema `Recording`."""
    return {
        **pick(row, "id", "seconds", "size_bytes", "verdict", "sha256", "file_sha256", "loudness_db"),
        **moments(row, "started_at"),
        "pauses": row.pauses or [],
        "held": {"by": row.held_by, "at": wire(row.held_at), "why": row.held_why} if row.kept else None,
    }


def listening_wire(heard: Listening) -> dict[str, object]:
    """The schema `Listening`."""
    return {**asdict(heard), "time": wire(heard.time)}


def note_wire(row: Row[Any]) -> dict[str, object]:
    """The schema `CallNote`."""
    return {**pick(row, "id", "by", "text", "recording_id", "at_seconds"), **moments(row, "time")}


def leg_wire(row: Row[Any]) -> dict[str, object]:
    """The schema `Leg`."""
    return {
        **pick(row, "id", "kind", "direction", "peer", "line", "cause", "ended_by_peer"),
        **pick(row, "frames_in", "frames_out", "lost", "concealed", "sound"),
        **moments(row, "started_at", "rang_at", "answered_at", "ended_at"),
    }


def message_wire(row: Row[Any]) -> dict[str, object]:
    """The schema `Message`."""
    return {
        **pick(row, "id", "direction", "line", "peer", "text", "parts", "state", "failure", "flash", "by"),
        **moments(row, "time", "sent_at", "delivered_at"),
    }


def received_piece_wire(row: Row[Any]) -> dict[str, object]:
    """A part of a message that came, as the schema `MessageDetails` has it; its bytes where no text was made of it."""
    text = None if row.text is None else row.text.decode("utf-8", "replace")
    return {
        "part": row.part, "state": "received", "text": text, "pdu": row.pdu.hex() if text is None else None,
        "status": None, "time": wire(row.received_at),
    }  # fmt: skip


def sent_piece_wire(row: Row[Any]) -> dict[str, object]:
    """A part of a message that goes out, as the schema `MessageDetails` has it."""
    return {
        "part": row.part, "state": row.state, "text": None, "pdu": None, "status": row.status,
        "time": wire(row.reported_at or row.sent_at or row.begun_at),
    }  # fmt: skip
