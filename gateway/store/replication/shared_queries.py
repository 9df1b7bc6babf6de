"""What the shared database knows of all gateways, in the wire form of openapi.json. The verbs block."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    String,
    Table,
    func,
    literal,
    select,
    type_coerce,
)
from sqlalchemy import tuple_ as row_of

from gateway.store.paging import holds, read_cursor, write_cursor
from gateway.store.queries import CallsSought
from gateway.store.replication.shared_schema import (
    SHARED,
    shared_calls,
    shared_events,
    shared_gateways,
    shared_legs,
    shared_notes,
    shared_recordings,
)
from gateway.store.row_wire import call_wire, leg_wire, note_wire, recording_wire, wire
from gateway.store.schema import moment_text
from gateway.store.self_served import was_for_people

shared_sounds = SHARED["stored_recordings"]


class SharedCallsWanted(CallsSought, Protocol):
    """Which of all gateways' calls."""

    @property
    def gateway(self) -> str | None:
        """The gateway's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSound:
    """A file in the shared store of recordings, under its name there, and how the gateway called it."""

    name: str
    sha256: str
    size_bytes: int


class SharedQueries:
    """The shared database, opened to read. Used with `with`. Every verb raises DBAPIError while it is away."""

    def __init__(self, open_engine: Callable[[], Engine]) -> None:
        """`open_engine` is called when something is asked for the first time."""
        self._open = open_engine
        self._opened: Engine | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._opened is not None:
            self._opened.dispose()

    @property
    def _engine(self) -> Engine:
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def gateways(self) -> list[dict[str, object]]:
        """Rows as the schema `Gateway`, by name."""
        with self._engine.begin() as connection:
            rows = connection.execute(select(shared_gateways).order_by(shared_gateways.c.name, shared_gateways.c.id))
            return [
                {
                    "id": row.id,
                    "name": row.name,
                    "seen_at": wire(row.seen_at),
                    "caught_up_at": wire(row.caught_up_at),
                }
                for row in rows
            ]

    def calls(
        self, wanted: SharedCallsWanted, *, cursor: str | None, limit: int
    ) -> tuple[list[dict[str, object]], str | None]:
        """Rows as the schema `GatewayCall`, newest first, and the cursor of the next page. Raises ValueError."""
        conditions = _conditions(wanted)
        if cursor is not None:
            moment, row_id = read_cursor(cursor)
            key = row_of(type_coerce(shared_calls.c.started_at, String), shared_calls.c.id)
            conditions.append(key < row_of(literal(moment), literal(row_id)))
        query = _with_gateway().where(*conditions).order_by(shared_calls.c.started_at.desc(), shared_calls.c.id.desc())
        with self._engine.begin() as connection:
            rows = connection.execute(query.limit(limit + 1)).all()
            sounds = _sounds(connection, [row.id for row in rows[:limit]])
        items = [_call(row, sounds[row.id]) for row in rows[:limit]]
        last = rows[limit - 1] if len(rows) > limit else None
        return items, None if last is None else write_cursor(moment_text(last.started_at), last.id)

    def call(self, call_id: str) -> dict[str, object] | None:
        """The schema `GatewayCallDetails`; None when there is none of that id."""
        with self._engine.begin() as connection:
            row = connection.execute(_with_gateway().where(shared_calls.c.id == call_id)).first()
            if row is None:
                return None
            parties = _of_call(connection, shared_legs, call_id, "started_at", "id")
            steps = _of_call(connection, shared_events, call_id, "time", "seq")
            return {
                **_call(row, _sounds(connection, [call_id])[call_id]),
                "legs": [leg_wire(each) for each in parties],
                "timeline": [{"time": wire(each.time), "type": each.type, "data": each.data} for each in steps],
                "notes": [note_wire(each) for each in _of_call(connection, shared_notes, call_id, "time", "id")],
            }

    def stored_sound(self, recording_id: str) -> StoredSound | None:
        """Where the sound of a recording is, if it was not removed; None: it is not there, or not yet."""
        query = (
            select(shared_sounds)
            .join(shared_recordings, shared_recordings.c.id == shared_sounds.c.id)
            .where(
                shared_sounds.c.id == recording_id,
                shared_sounds.c.stored_at.is_not(None),
                shared_recordings.c.deleted_at.is_(None),
            )
        )
        with self._engine.begin() as connection:
            row = connection.execute(query).first()
        return None if row is None else StoredSound(name=row.name, sha256=row.sha256, size_bytes=row.size_bytes)


def _with_gateway() -> Select[Any]:
    return select(shared_calls, shared_gateways.c.name.label("gateway_name")).outerjoin(
        shared_gateways, shared_gateways.c.id == shared_calls.c.gateway_id
    )


def _conditions(wanted: SharedCallsWanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        column == value
        for column, value in (
            (shared_calls.c.gateway_id, wanted.gateway),
            (shared_calls.c.direction, wanted.direction),
        )
        if value is not None
    ]
    if wanted.outcome == "answered":
        conditions.append(shared_calls.c.answered_at.is_not(None))
    elif wanted.outcome == "missed":
        conditions += [
            shared_calls.c.answered_at.is_(None),
            shared_calls.c.ended_at.is_not(None),
            was_for_people(shared_calls),
        ]
    if wanted.search:
        conditions.append(holds(shared_calls.c.search, wanted.search, place=func.strpos))
    if wanted.since is not None:
        conditions.append(shared_calls.c.started_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(shared_calls.c.started_at < wanted.until)
    return conditions


def _sounds(connection: Connection, call_ids: list[str]) -> dict[str, list[dict[str, object]]]:
    """Of each call its recordings; `is_stored`: the sound can be heard from here."""
    sounds: dict[str, list[dict[str, object]]] = {call_id: [] for call_id in call_ids}
    query = (
        select(shared_recordings, shared_sounds.c.id.is_not(None).label("is_stored"))
        .outerjoin(
            shared_sounds, (shared_sounds.c.id == shared_recordings.c.id) & shared_sounds.c.stored_at.is_not(None)
        )
        .where(shared_recordings.c.call_id.in_(call_ids), shared_recordings.c.deleted_at.is_(None))
        .order_by(shared_recordings.c.started_at)
    )
    for row in connection.execute(query):
        sounds[row.call_id].append({**recording_wire(row), "is_stored": row.is_stored})
    return sounds


def _of_call(connection: Connection, table: Table, call_id: str, *order: str) -> list[Row[Any]]:
    query = select(table).where(table.c.call_id == call_id).order_by(*(table.c[name] for name in order))
    return list(connection.execute(query))


def _call(row: Row[Any], sounds: list[dict[str, object]]) -> dict[str, object]:
    return {**call_wire(row, sounds), "gateway": {"id": row.gateway_id, "name": row.gateway_name or row.gateway_id}}
