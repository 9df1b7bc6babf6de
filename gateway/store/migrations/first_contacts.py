"""The first tables of contacts, notes on calls, blocked numbers, and what finds calls: a part of the first step."""

from __future__ import annotations

from collections.abc import Callable

from alembic import op
from sqlalchemy import JSON, Column, Float, ForeignKey, Integer, String, Text, UniqueConstraint, text


def create_contacts(create: Callable[..., None]) -> None:
    """Make them, by the step's own way to make a table."""
    create(
        "contacts",
        Column("name", Text, nullable=False),
        Column("sorted_by", Text, nullable=False),
        Column("manager", Text, nullable=True),
        Column("tags", JSON, nullable=False),
        Column("note", Text, nullable=False),
        Column("search", Text, nullable=False),
        Column("created_at", String(27), nullable=False),
        Column("changed_at", String(27), nullable=False),
    )
    op.create_index("ix_contacts_sorted_by_id", "contacts", ["sorted_by", "id"])
    create(
        "contact_phones",
        Column(
            "contact_id", String(36), ForeignKey("contacts.id", name="fk_contact_phones_contact_id"), nullable=False
        ),
        Column("number", Text, nullable=False),
        Column("place", Integer, nullable=False),
        UniqueConstraint("gateway_id", "number", name="uq_contact_phones_gateway_id_number"),
    )
    op.create_index("ix_contact_phones_contact_id", "contact_phones", ["contact_id"])
    create(
        "call_notes",
        Column("call_id", String(36), ForeignKey("calls.id", name="fk_call_notes_call_id"), nullable=False),
        Column("time", String(27), nullable=False),
        Column("by", Text, nullable=False),
        Column("text", Text, nullable=False),
        Column("recording_id", String(36), nullable=True),
        Column("at_seconds", Float, nullable=True),
    )
    op.create_index("ix_call_notes_call_id", "call_notes", ["call_id"])
    create(
        "blocked_numbers",
        Column("number", Text, nullable=False),
        Column("by", Text, nullable=False),
        Column("at", String(27), nullable=False),
        Column("why", Text, nullable=False),
        Column("until", String(27), nullable=True),
        UniqueConstraint("gateway_id", "number", name="uq_blocked_numbers_gateway_id_number"),
    )
    op.create_index("ix_calls_tagged", "calls", ["tags", "started_at", "id"], sqlite_where=text("tags IS NOT NULL"))
    op.create_index("ix_calls_caller_started_at", "calls", ["caller", "started_at"])
    op.create_index("ix_calls_called_started_at", "calls", ["called", "started_at"])
