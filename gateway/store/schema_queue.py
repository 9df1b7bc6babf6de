"""The tables of the queue: pauses of those who take calls, and messages that callers have left."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, String, Text

from gateway.store.schema import Moment, kept_table

staff_pauses = kept_table(
    "staff_pauses",
    Column("extension", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Index(None, "began_at"),
    Index(None, "ended_at"),
)

left_messages = kept_table(
    "left_messages",
    Column("call_id", String(36), nullable=False),
    Column("mailbox", Text, nullable=False),
    Column("left_at", Moment, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("heard_at", Moment),
    Column("heard_by", Text),
    Index(None, "call_id"),
    Index(None, "mailbox", "left_at"),
)
"""Their sound is the recording of the call, and goes with it."""
