"""The tables of contacts, their numbers, the notes that people write on calls, and blocked numbers."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint

from gateway.store.schema import Moment, kept_table

contacts = kept_table(
    "contacts",
    Column("name", Text, nullable=False),
    Column("sorted_by", Text, nullable=False),
    Column("manager", Text),
    Column("tags", JSON, nullable=False),
    Column("note", Text, nullable=False),
    Column("search", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Index(None, "sorted_by", "id"),
)

contact_phones = kept_table(
    "contact_phones",
    Column("contact_id", ForeignKey("contacts.id"), nullable=False, index=True),
    Column("number", Text, nullable=False),
    Column("place", Integer, nullable=False),
    UniqueConstraint("gateway_id", "number"),
)

call_notes = kept_table(
    "call_notes",
    Column("call_id", ForeignKey("calls.id"), nullable=False, index=True),
    Column("time", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("recording_id", String(36)),
    Column("at_seconds", Float),
)
"""With `recording_id` it is about a place of that recording, `at_seconds` from its beginning; the note outlives it."""

blocked_numbers = kept_table(
    "blocked_numbers",
    Column("number", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("why", Text, nullable=False),
    Column("until", Moment),
    UniqueConstraint("gateway_id", "number"),
)
"""Numbers in E.164 whose calls are declined, until somebody unblocks them, or `until`."""
