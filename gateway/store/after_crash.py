"""What a crash has left open is closed at the next start, before anything new happens."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from gateway.store.budget import settle_after_crash
from gateway.store.journal import empty_call
from gateway.store.schema import alerts, call_events, calls, legs, recordings, reservations
from gateway.telephony.causes import Cause

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedRecording:
    """A recording whose file was cut off; `path` is relative to the recordings directory.

    Whoever mends the file publishes RecordingFinished for it.
    """

    recording_id: str
    call_id: str
    path: str


def close_what_was_left(connection: Connection, *, gateway_id: str, now: datetime) -> list[UnfinishedRecording]:
    """Close calls, legs, reservations and alerts of the run before; the recordings that must be mended."""
    _add_paid_calls_without_record(connection, gateway_id)
    open_calls = connection.execute(select(calls).where(calls.c.ended_at.is_(None))).all()
    for call in open_calls:
        last = connection.execute(
            select(func.max(call_events.c.time, type_=call_events.c.time.type)).where(call_events.c.call_id == call.id)
        ).scalar()
        ended_at = max(last or call.started_at, call.started_at)
        connection.execute(
            update(calls)
            .where(calls.c.id == call.id)
            .values(
                ended_at=ended_at,
                cause=Cause.FAULT,
                ended_by="gateway",
                talk_seconds=(ended_at - call.answered_at).total_seconds() if call.answered_at is not None else 0.0,
                total_seconds=(ended_at - call.started_at).total_seconds(),
            )
        )
        connection.execute(
            update(legs)
            .where(legs.c.call_id == call.id, legs.c.ended_at.is_(None))
            .values(ended_at=ended_at, cause=Cause.FAULT, ended_by_peer=False)
        )
    reserved = settle_after_crash(connection, now)
    if open_calls or reserved:
        log.info("%d calls were cut off when the gateway stopped last time.", len(open_calls))
    connection.execute(update(alerts).where(alerts.c.cleared_at.is_(None)).values(cleared_at=now))
    rows = connection.execute(select(recordings).where(recordings.c.state == "running"))
    return [UnfinishedRecording(recording_id=row.id, call_id=row.call_id, path=row.path) for row in rows]


def _add_paid_calls_without_record(connection: Connection, gateway_id: str) -> None:
    """List the calls whose first minute was committed and whose own event was lost: they may have been dialled."""
    unknown = connection.execute(
        select(reservations).where(
            reservations.c.settled_at.is_(None),
            ~select(calls.c.id).where(calls.c.id == reservations.c.call_id).exists(),
        )
    ).all()
    for row in {row.call_id: row for row in unknown}.values():
        call = empty_call(row.call_id, gateway_id) | {
            "started_at": row.opened_at,
            "direction": "outgoing",
            "caller": row.extension or "",
            "called": row.number,
            "line": row.line,
            "search": f"{row.extension or ''} {row.number}",
        }
        connection.execute(insert(calls).values(call))
