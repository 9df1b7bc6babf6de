"""The tables.

Every row has a UUIDv7 key in text form and the id of the gateway that wrote it, so that rows of
several boxes can be put together in one database without a clash.

Moments are UTC, stored as text of one width that sorts in the order of time. The shop is one JSON
document per version: it is read whole, replaced whole and never joined with, its history comes for
free, and a new setting of a later release needs no migration.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

VERSION = "0001"
"""The newest migration; a database that has it is used as it is."""


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept as `2026-01-31T12:00:00.000000Z`. ValueError for a naive one."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002  # SQLAlchemy's seam
        """The stored form."""
        return None if value is None else moment_text(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's seam
        """The datetime again."""
        return None if value is None else datetime.fromisoformat(value)


_FORM = "%Y-%m-%dT%H:%M:%S.%fZ"


def moment_text(moment: datetime) -> str:
    """The stored form of an aware datetime."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return moment.astimezone(UTC).strftime(_FORM).zfill(27)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def kept_table(name: str, *contents: Column[Any] | Index | UniqueConstraint) -> Table:
    """A table whose rows have a key, and say which gateway wrote them."""
    return Table(
        name,
        metadata,
        Column("id", String(36), primary_key=True),
        Column("gateway_id", String(36), nullable=False),
        *contents,
    )


gateways = Table(
    "gateways",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("created_at", Moment, nullable=False),
)

shop_versions = kept_table(
    "shop_versions",
    Column("number", Integer, nullable=False),
    Column("document", JSON, nullable=False),
    Column("saved_at", Moment, nullable=False),
    Column("saved_by", Text, nullable=False),
    UniqueConstraint("gateway_id", "number"),
)

calls = kept_table(
    "calls",
    Column("started_at", Moment, nullable=False),
    Column("direction", String(16), nullable=False),
    Column("caller", Text, nullable=False),
    Column("caller_name", Text, nullable=False),
    Column("called", Text, nullable=False),
    Column("line", Text),
    Column("flow", Text, nullable=False),
    Column("courier", Text),
    Column("answered_at", Moment),
    Column("answered_by", Text),
    Column("ended_at", Moment),
    Column("cause", String(32)),
    Column("ended_by", String(16)),
    Column("talk_seconds", Float, nullable=False),
    Column("total_seconds", Float, nullable=False),
    Column("verdict", String(16)),
    Column("caller_mos", Float),
    Column("callee_mos", Float),
    Column("search", Text, nullable=False),
    Column("order", Text),
    Column("shown", Text),
    Column("shown_by", Text),
    Column("cost", Integer),
    Column("visit_id", String(36)),
    Column("queue", Text),
    Column("tags", Text),  # what a person has marked it with, each between two signs `#`
    Column("erased_at", Moment),  # when a party's number was taken out
    Column("clock", String(16)),  # an unsynced.ClockMark
    Index(None, "visit_id"),
    Index("ix_calls_tagged", "tags", "started_at", "id", sqlite_where=text("tags IS NOT NULL")),
    Index("ix_calls_newest", "started_at", "id", "search"),  # a search reads this alone, not the rows
    Index(None, "line", "started_at"),
    Index(None, "courier", "started_at"),
    Index(None, "ended_at"),
    Index(None, "caller", "started_at"),
    Index(None, "called", "started_at"),
)

legs = kept_table(
    "legs",
    Column("call_id", ForeignKey("calls.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("direction", String(16), nullable=False),
    Column("peer", Text, nullable=False),
    Column("line", Text),
    Column("started_at", Moment, nullable=False),
    Column("rang_at", Moment),
    Column("answered_at", Moment),
    Column("ended_at", Moment),
    Column("cause", String(32)),
    Column("ended_by_peer", Boolean),
    Column("frames_in", Integer),
    Column("frames_out", Integer),
    Column("lost", Integer),
    Column("concealed", Integer),
    Column("sound", JSON),
    Column("cost", Integer),
    Index(None, "line", "answered_at"),
    Index(None, "peer", "answered_at"),
)

call_events = kept_table(
    "call_events",
    Column("call_id", ForeignKey("calls.id"), nullable=False, index=True),
    Column("seq", Integer, nullable=False),
    Column("time", Moment, nullable=False),
    Column("type", Text, nullable=False),
    Column("data", JSON, nullable=False),
)

recordings = kept_table(
    "recordings",
    Column("call_id", ForeignKey("calls.id"), nullable=False, index=True),
    Column("path", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("seconds", Float),
    Column("size_bytes", Integer),
    Column("verdict", String(32)),
    Column("kept", Boolean, nullable=False),
    Column("held_by", Text),
    Column("held_at", Moment),
    Column("held_why", Text),
    Column("pauses", JSON),
    Column("deleted_at", Moment),
    Column("made_at", Moment),
    Column("sha256", String(64)),
    Column("file_sha256", String(64)),
    Column("loudness_db", JSON),
    Index(None, "state"),
    Index(None, "made_at"),
)

messages = kept_table(
    "messages",
    Column("direction", String(16), nullable=False),
    Column("line", Text),
    Column("imsi", Text),
    Column("peer", Text),
    Column("text", Text),
    Column("state", String(16), nullable=False),
    Column("time", Moment, nullable=False),
    Column("sent_at", Moment),
    Column("reference", Integer),
    Column("parts", Integer, nullable=False),
    Column("search", Text, nullable=False),
    Column("flash", Boolean, nullable=False, server_default="0"),
    Column("asked_line", Text),
    Column("by", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", Moment),
    Column("expires_at", Moment),
    Column("failure", Text),
    Column("delivered_at", Moment),
    Index(None, "time", "id"),
    Index(None, "state", "imsi"),
    Index(None, "peer", "time"),
)

outgoing_parts = kept_table(
    "outgoing_parts",
    Column("message_id", ForeignKey("messages.id"), nullable=False),
    Column("part", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("line", Text, nullable=False),
    Column("imsi", Text, nullable=False),
    Column("local_day", String(10), nullable=False),
    Column("begun_at", Moment, nullable=False),
    Column("reference", Integer),
    Column("sent_at", Moment),
    Column("status", Integer),
    Column("reported_at", Moment),
    UniqueConstraint("message_id", "part"),
    Index(None, "imsi", "reference"),
    Index(None, "local_day", "line"),
)

balances = kept_table(
    "balances",
    Column("line", Text, nullable=False),
    Column("time", Moment, nullable=False),
    Column("code", Text, nullable=False),
    Column("text", Text),
    Column("value", Float),
    Column("failure", Text),
    Index(None, "line", "time"),
)

message_parts = kept_table(
    "message_parts",
    Column("message_id", ForeignKey("messages.id"), nullable=False, index=True),
    Column("part", Integer, nullable=False),
    Column("pdu", LargeBinary, nullable=False),
    Column("text", LargeBinary),
    Column("sent_at", Moment),
    Column("received_at", Moment, nullable=False),
    Column("digest", String(64), nullable=False),
    UniqueConstraint("gateway_id", "digest"),
)

reservations = kept_table(
    "reservations",
    Column("call_id", String(36), nullable=False),
    Column("leg_id", String(36), nullable=False),
    Column("line", Text, nullable=False),
    Column("extension", Text),
    Column("number", Text, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("granted_seconds", Integer, nullable=False),
    Column("settled_at", Moment),
    Column("talk_seconds", Integer),
    Index(None, "settled_at"),
    Index(None, "call_id"),
)

budget_minutes = kept_table(
    "budget_minutes",
    Column("reservation_id", ForeignKey("reservations.id"), nullable=False),
    Column("local_day", String(10), nullable=False),
    Column("line", Text, nullable=False),
    Column("extension", Text),
    Column("minutes", Integer, nullable=False),
    Column("cost", Integer, nullable=False, server_default="0"),
    UniqueConstraint("reservation_id", "local_day"),
    Index(None, "local_day"),
)

pin_tries = kept_table(
    "pin_tries",
    Column("iccid", String(32), nullable=False),
    Column("pin_digest", String(128), nullable=False),
    Column("tried_at", Moment, nullable=False),
    Column("unconfirmed", Integer, nullable=False),
    Column("was_right", Boolean, nullable=False),
    UniqueConstraint("gateway_id", "iccid", "pin_digest"),
)

bindings = kept_table(
    "bindings",
    Column("extension", Text, nullable=False),
    Column("contact", Text, nullable=False),
    Column("received_from", Text, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("user_agent", Text, nullable=False),
    UniqueConstraint("gateway_id", "extension", "contact"),
)

modems = kept_table(
    "modems",
    Column("name", Text, nullable=False),
    Column("line", Text),
    Column("state", String(16), nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("facts", JSON, nullable=False),
    UniqueConstraint("gateway_id", "name"),
)

alerts = kept_table(
    "alerts",
    Column("code", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("values", JSON, nullable=False),
    Column("raised_at", Moment, nullable=False),
    Column("last_raised_at", Moment, nullable=False),
    Column("times", Integer, nullable=False),
    Column("acknowledged_at", Moment),
    Column("acknowledged_by", Text),
    Column("cleared_at", Moment),
    Index(None, "cleared_at", "code", "subject"),
)

jobs = kept_table(
    "jobs",
    Column("kind", Text, nullable=False),
    Column("key", Text),
    Column("lane", Text),
    Column("arguments", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("finished_at", Moment),
    UniqueConstraint("gateway_id", "kind", "key"),
    Index(None, "state", "due_at"),
)

idempotency_keys = kept_table(
    "idempotency_keys",
    Column("principal", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("request_digest", String(64), nullable=False),
    Column("status", Integer),
    Column("response", JSON),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("gateway_id", "principal", "key"),
    Index(None, "created_at"),
)
