"""The table of promised call-backs."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, Integer, String, Text

from gateway.store.schema import Moment, kept_table

call_backs = kept_table(
    "call_backs",
    Column("number", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("called", Text, nullable=False),
    Column("extensions", JSON, nullable=False),
    Column("call_id", String(36), nullable=False),
    Column("promised_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_cause", Text, nullable=False),
    Column("visit_id", String(36), nullable=False),
    Index(None, "state"),
    Index(None, "number"),
)
