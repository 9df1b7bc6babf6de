"""The first tables of replication, and the triggers that fill them: a part of the first step."""

from __future__ import annotations

from collections.abc import Callable

from alembic import op
from sqlalchemy import Boolean, Column, Integer, String, Text

_REPLICATED = ("calls", "legs", "call_events", "call_notes", "recordings", "messages", "stored_recordings")
# Not "INSERT OR REPLACE": the statement that fires a trigger may bring another rule for conflicts, even here.
_NOTED = (
    "UPDATE replication SET last_change = last_change + 1; "
    "DELETE FROM changes WHERE id = '{table}/' || {row}.id; "
    "INSERT INTO changes (id, gateway_id, of_table, row_id, number, at) "
    "SELECT '{table}/' || {row}.id, {row}.gateway_id, '{table}', {row}.id, last_change, "
    "strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z' FROM replication;"
)


def create_replication(create: Callable[..., None]) -> None:
    """Make them, by the step's own way to make a table; the tables that are replicated are there."""
    create(
        "replication",
        Column("is_on", Boolean, nullable=False),
        Column("is_listed", Boolean, nullable=False),
        Column("last_change", Integer, nullable=False),
        Column("batch", Integer, nullable=False),
        Column("token", String(36), nullable=False),
        Column("next_token", String(36), nullable=True),
    )
    create(
        "stored_recordings",
        Column("name", Text, nullable=False),
        Column("sha256", String(64), nullable=False),
        Column("size_bytes", Integer, nullable=False),
        Column("stored_at", String(27), nullable=True),
    )
    op.create_table(
        "changes",
        Column("id", String(64), primary_key=True, nullable=False),
        Column("gateway_id", String(36), nullable=False),
        Column("of_table", String(32), nullable=False),
        Column("row_id", String(36), nullable=False),
        Column("number", Integer, nullable=False),
        Column("at", String(27), nullable=False),
    )
    op.create_index("ix_changes_number", "changes", ["number"], unique=True)
    op.create_index("ix_changes_at", "changes", ["at"])
    for table in _REPLICATED:
        for word, when, row in (("made", "INSERT", "NEW"), ("changed", "UPDATE", "NEW"), ("removed", "DELETE", "OLD")):
            noted = _NOTED.format(table=table, row=row)
            name, condition = f"replicate_{table}_{word}", "WHEN (SELECT is_on FROM replication)"
            op.execute(f"CREATE TRIGGER IF NOT EXISTS {name} AFTER {when} ON {table} {condition} BEGIN {noted} END")
