"""The tables of replication: where it stands, and which rows the shared database does not have yet as they are.

A row is in `changes` once, however often it has changed, under the number of its last change; its content is read when
it is sent. So what waits for a database that is away is bounded by the rows that there are, and holds no personal data:
a number that is erased meanwhile is never sent. Triggers write `changes` in the transaction that changes the row
(migrations/first_replication.py), and only while replication is on.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from gateway.store.schema import Moment, call_events, calls, kept_table, legs, messages, metadata, recordings
from gateway.store.schema_contacts import call_notes

stored_recordings = kept_table(
    "stored_recordings",
    Column("name", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("stored_at", Moment),
)
"""Files of recordings in the shared store; `id` is the recording's. With `stored_at` it was read back there; without it
may be there, in part or whole."""

REPLICATED = {
    table.name: table for table in (calls, legs, call_events, call_notes, recordings, messages, stored_recordings)
}
"""In an order in which what a row refers to comes before it."""

TOLD = (call_events, call_notes)
"""Of a call whose number is erased, rows of these may go altogether."""

replication = kept_table(
    "replication",
    Column("is_on", Boolean, nullable=False),
    Column("is_listed", Boolean, nullable=False),
    Column("last_change", Integer, nullable=False),
    Column("batch", Integer, nullable=False),
    Column("token", String(36), nullable=False),
    Column("next_token", String(36)),
)
"""One row, or none. `is_listed`: the rows from before it was on are in `changes` too, or were sent. `batch` and `token`
are the last batch that we know to be in the shared database, `next_token` is the one that may be."""

changes = Table(
    "changes",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("gateway_id", String(36), nullable=False),
    Column("of_table", String(32), nullable=False),
    Column("row_id", String(36), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Index(None, "number", unique=True),
    Index(None, "at"),
)
"""`id` is table and row; `number` grows in the order of commits."""
