"""What a crash has left open is closed at the next start, before anything new happens."""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from gateway.store.budget import settle_after_crash
from gateway.store.journal import empty_call
from gateway.store.schema import alerts, call_events, calls, legs, recordings, reservations
from gateway.telephony.causes import Cause
from gateway.telephony.event_hooks import CutOffCall, KnownCall

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOpen:
    """What the crash has left."""

    recordings: list[UnfinishedRecording]
    calls: list[CutOffCall]
    """They are closed now; whoever follows calls was told of their beginning, and not of their end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedRecording:
    """A recording whose file was cut off; `path` is relative to the recordings directory.

    Whoever mends the file publishes RecordingFinished for it.
    """

    recording_id: str
    call_id: str
    path: str


def close_what_was_left(connection: Connection, *, gateway_id: str, now: datetime) -> LeftOpen:
    """Close calls, legs, reservations and alerts of the run before."""
    _add_paid_calls_without_record(connection, gateway_id)
    open_calls = connection.execute(select(calls).where(calls.c.ended_at.is_(None))).all()
    cut_off = []
    for call in open_calls:
        last = connection.execute(
            select(func.max(call_events.c.time, type_=call_events.c.time.type)).where(call_events.c.call_id == call.id)
        ).scalar()
        ended_at = max(last or call.started_at, call.started_at)
        seconds = {
            "talk_seconds": (ended_at - call.answered_at).total_seconds() if call.answered_at is not None else 0.0,
            "total_seconds": (ended_at - call.started_at).total_seconds(),
        }
        connection.execute(
            update(calls)
            .where(calls.c.id == call.id)
            .values(ended_at=ended_at, cause=Cause.FAULT, ended_by="gateway", **seconds)
        )
        cut_off.append(CutOffCall(call=_known(call), **seconds))
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
    unfinished = [UnfinishedRecording(recording_id=row.id, call_id=row.call_id, path=row.path) for row in rows]
    return LeftOpen(recordings=unfinished, calls=cut_off)


def _known(call: Row[Any]) -> KnownCall:
    facts = {each.name: getattr(call, each.name) for each in fields(KnownCall) if each.name != "call_id"}
    return KnownCall(call_id=call.id, **facts)


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
