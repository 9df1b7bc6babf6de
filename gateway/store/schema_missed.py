"""The table of customers whom nobody need call back, because a person has said so."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, Text

from gateway.store.schema import Moment, metadata

missed_closures = Table(
    "missed_closures",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("gateway_id", String(36), nullable=False),
    Column("number", Text, nullable=False),
    Column("closed_at", Moment, nullable=False),
    Column("closed_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index(None, "number", "closed_at"),
)
