"""Queries: calls, messages and recordings as lists and records, in the wire form of openapi.json.

Read-only connections of its own; the verbs block and are called in threads, by the worker.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    Table,
    func,
    literal,
    or_,
    select,
    tuple_,
    type_coerce,
)

from gateway.store.call_search import is_with
from gateway.store.call_tags import has_tag, used_tags
from gateway.store.evidence import listenings
from gateway.store.opened import OpenedToRead
from gateway.store.order_evidence import OrderEvidence, evidence_of
from gateway.store.paging import holds, read_cursor, write_cursor
from gateway.store.row_wire import (
    call_wire,
    leg_wire,
    listening_wire,
    message_wire,
    moments,
    note_wire,
    pick,
    received_piece_wire,
    recording_wire,
    sent_piece_wire,
    wire,
)
from gateway.store.schema import (
    alerts,
    call_events,
    calls,
    legs,
    message_parts,
    messages,
    moment_text,
    outgoing_parts,
    recordings,
)
from gateway.store.schema_contacts import call_notes
from gateway.store.self_served import was_for_people
from gateway.store.site_visits import visit_of_call


class CallsSought(Protocol):
    """Which calls, wherever they are kept; None: all."""

    @property
    def direction(self) -> str | None:
        """incoming, outgoing or internal."""

    @property
    def outcome(self) -> str | None:
        """answered, or missed (over, and nobody answered)."""

    @property
    def search(self) -> str | None:
        """A part of a number or of a name."""

    @property
    def since(self) -> datetime | None:
        """Started then or later."""

    @property
    def until(self) -> datetime | None:
        """Started before."""


class CallsWanted(CallsSought, Protocol):
    """Which of this gateway's calls."""

    @property
    def courier(self) -> str | None:
        """The courier's extension."""

    @property
    def line(self) -> str | None:
        """The line's name."""

    @property
    def recorded(self) -> bool | None:
        """With a recording, or without."""

    @property
    def tag(self) -> str | None:
        """Marked with that tag."""


class MessagesWanted(Protocol):
    """Which SMS; None: all."""

    @property
    def direction(self) -> str | None:
        """Incoming or outgoing."""

    @property
    def state(self) -> str | None:
        """A telephony.messages.MessageState."""

    @property
    def peer(self) -> str | None:
        """The other number, exactly: the conversation with it."""

    @property
    def line(self) -> str | None:
        """The line's name."""

    @property
    def search(self) -> str | None:
        """A part of a number or of the text."""


class Queries(OpenedToRead):
    """The store, opened to read. Used with `with`."""

    def calls(
        self, wanted: CallsWanted, *, cursor: str | None, limit: int
    ) -> tuple[list[dict[str, object]], str | None]:
        """Rows as the schema `CallSummary`, newest first, and the cursor of the next page.

        Raises ValueError for a cursor that is none of ours.
        """
        newest = (calls.c.started_at.desc(), calls.c.id.desc())
        with self._reading.connect() as connection, connection.begin():
            conditions = (*_call_conditions(connection, wanted), *_behind(cursor, calls, calls.c.started_at))
            page = select(calls.c.id).where(*conditions).order_by(*newest).limit(limit + 1)
            rows = connection.execute(select(calls).where(calls.c.id.in_(page)).order_by(*newest)).all()
            found = [row.id for row in rows[:limit]]
            sounds: dict[str, list[dict[str, object]]] = {call_id: [] for call_id in found}
            for row in connection.execute(
                select(recordings)
                .where(recordings.c.call_id.in_(found), recordings.c.deleted_at.is_(None))
                .order_by(recordings.c.started_at)
            ):
                sounds[row.call_id].append(recording_wire(row))
        items = [call_wire(row, sounds[row.id]) for row in rows[:limit]]
        return items, _cursor(rows[limit - 1].started_at, rows[limit - 1].id) if len(rows) > limit else None

    def call(self, call_id: str) -> dict[str, object] | None:
        """The schema `Call`, with `timeline`; None when there is none of that id."""
        with self._reading.connect() as connection, connection.begin():
            row = connection.execute(select(calls).where(calls.c.id == call_id)).first()
            if row is None:
                return None
            sounds = connection.execute(
                _of_call(recordings, call_id).where(recordings.c.deleted_at.is_(None)).order_by(recordings.c.started_at)
            ).all()
            parties = connection.execute(_of_call(legs, call_id).order_by(legs.c.started_at, legs.c.id))
            steps = connection.execute(_of_call(call_events, call_id).order_by(call_events.c.time, call_events.c.seq))
            return {
                **call_wire(row, [recording_wire(each) for each in sounds]),
                "legs": [leg_wire(each) for each in parties],
                "timeline": [{"time": wire(each.time), "type": each.type, "data": each.data} for each in steps],
                "notes": [
                    note_wire(each)
                    for each in connection.execute(_of_call(call_notes, call_id).order_by(call_notes.c.time))
                ],
                "visit": visit_of_call(connection, row.visit_id),
                "listenings": [listening_wire(each) for each in listenings(connection, [row.id for row in sounds])],
            }

    def call_tags(self) -> list[dict[str, object]]:
        """Every tag of a call, and how many calls have it, the most used first."""
        with self._reading.connect() as connection, connection.begin():
            return [{"tag": tag, "calls": count} for tag, count in used_tags(connection)]

    def order_evidence(self, number: str) -> OrderEvidence | None:
        """All that is kept of an order; None: there is no such order."""
        with self._reading.connect() as connection, connection.begin():
            return evidence_of(connection, number)

    def messages(
        self, wanted: MessagesWanted, *, cursor: str | None, limit: int
    ) -> tuple[list[dict[str, object]], str | None]:
        """Rows as the schema `Message`, newest first, and the cursor of the next page. Raises ValueError.

        Of a message whose parts are not all here yet there is no text.
        """
        conditions = [*_behind(cursor, messages, messages.c.time), *_message_conditions(wanted)]
        query = select(messages).where(*conditions).order_by(messages.c.time.desc(), messages.c.id.desc())
        with self._reading.connect() as connection, connection.begin():
            rows = connection.execute(query.limit(limit + 1)).all()
        items = [message_wire(row) for row in rows[:limit]]
        return items, _cursor(rows[limit - 1].time, rows[limit - 1].id) if len(rows) > limit else None

    def message(self, message_id: str) -> dict[str, object] | None:
        """The schema `MessageDetails`; None when there is none of that id."""
        with self._reading.connect() as connection, connection.begin():
            row = connection.execute(select(messages).where(messages.c.id == message_id)).first()
            if row is None:
                return None
            table = message_parts if row.direction == "incoming" else outgoing_parts
            parts = connection.execute(
                select(table).where(table.c.message_id == message_id).order_by(table.c.part)
            ).all()
        piece = received_piece_wire if row.direction == "incoming" else sent_piece_wire
        return {**message_wire(row), "pieces": [piece(each) for each in parts]}

    def conversations(
        self, wanted: MessagesWanted, *, cursor: str | None, limit: int
    ) -> tuple[list[dict[str, object]], str | None]:
        """Rows as the schema `Conversation`, the newest first, and the cursor of the next page. Raises ValueError."""
        newest = func.max(messages.c.time, type_=messages.c.time.type)
        query = (
            select(messages.c.peer, func.count().label("count"), newest.label("time"))
            .where(messages.c.peer.is_not(None), *_message_conditions(wanted))
            .group_by(messages.c.peer)
            .order_by(newest.desc(), messages.c.peer.desc())
        )
        if cursor is not None:
            moment, peer = _read_cursor(cursor)
            query = query.having(
                tuple_(type_coerce(newest, String), messages.c.peer) < tuple_(literal(moment), literal(peer))
            )
        with self._reading.connect() as connection, connection.begin():
            rows = connection.execute(query.limit(limit + 1)).all()
            items = []
            for row in rows[:limit]:
                last = connection.execute(
                    select(messages)
                    .where(messages.c.peer == row.peer, messages.c.time == row.time)
                    .order_by(messages.c.id.desc())
                    .limit(1)
                ).one()
                items.append({"peer": row.peer, "messages": row.count, "last": message_wire(last)})
        return items, _cursor(rows[limit - 1].time, rows[limit - 1].peer) if len(rows) > limit else None

    def recording_path(self, recording_id: str) -> str | None:
        """The file of a finished recording, relative to the recordings directory; None when there is none."""
        query = select(recordings.c.path).where(
            recordings.c.id == recording_id, recordings.c.state == "finished", recordings.c.deleted_at.is_(None)
        )
        with self._reading.connect() as connection, connection.begin():
            return connection.execute(query).scalar()

    def alerts(self, *, limit: int) -> list[dict[str, object]]:
        """What was raised, newest first, whether or not it is over."""
        with self._reading.connect() as connection, connection.begin():
            rows = connection.execute(select(alerts).order_by(alerts.c.raised_at.desc()).limit(limit)).all()
        return [
            {
                **pick(row, "id", "code", "subject", "values", "times", "acknowledged_by"),
                **moments(row, "raised_at", "last_raised_at", "acknowledged_at", "cleared_at"),
            }
            for row in rows
        ]


def _call_conditions(connection: Connection, wanted: CallsWanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for column, value in (
        (calls.c.direction, wanted.direction),
        (calls.c.courier, wanted.courier),
        (calls.c.line, wanted.line),
    ):
        if value is not None:
            conditions.append(column == value)
    if wanted.outcome == "answered":
        conditions.append(calls.c.answered_at.is_not(None))
    elif wanted.outcome == "missed":
        conditions += [calls.c.answered_at.is_(None), calls.c.ended_at.is_not(None), was_for_people()]
    if wanted.search:
        named = is_with(connection, wanted.search.strip())
        found = holds(calls.c.search, wanted.search)
        conditions.append(found if named is None else or_(found, named))
    if wanted.tag is not None:
        conditions.append(has_tag(wanted.tag))
    if wanted.recorded is not None:
        has_one = (
            select(literal(1))
            .where(recordings.c.call_id == calls.c.id, recordings.c.deleted_at.is_(None))
            .correlate(calls)
            .exists()
        )
        conditions.append(has_one if wanted.recorded else ~has_one)
    if wanted.since is not None:
        conditions.append(calls.c.started_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(calls.c.started_at < wanted.until)
    return conditions


def _behind(cursor: str | None, table: Table, moment: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """The rows after the last one of the page before."""
    if cursor is None:
        return []
    text, row_id = _read_cursor(cursor)
    return [tuple_(type_coerce(moment, String), table.c.id) < tuple_(literal(text), literal(row_id))]


def _read_cursor(cursor: str) -> tuple[str, str]:
    moment, row_id = read_cursor(cursor)
    if len(moment) != len(_ANY_MOMENT):
        raise ValueError("not a cursor")
    return moment, row_id


_ANY_MOMENT = "2026-01-31T12:00:00.000000Z"


def _cursor(moment: datetime, row_id: str) -> str:
    return write_cursor(moment_text(moment), row_id)


def _of_call(table: Table, call_id: str) -> Select[Any]:
    return select(table).where(table.c.call_id == call_id)


def _message_conditions(wanted: MessagesWanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        column == value
        for column, value in (
            (messages.c.line, wanted.line),
            (messages.c.direction, wanted.direction),
            (messages.c.state, wanted.state),
            (messages.c.peer, wanted.peer),
        )
        if value is not None
    ]
    if wanted.search:
        conditions.append(holds(messages.c.search, wanted.search))
    return conditions
