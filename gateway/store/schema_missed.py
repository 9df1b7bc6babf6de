"""The tables behind the reports: whom nobody need call back, as a person has said so; days whose calls have changed."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Text, UniqueConstraint

from gateway.store.schema import Moment, kept_table

missed_closures = kept_table(
    "missed_closures",
    Column("number", Text, nullable=False),
    Column("call_id", String(36), nullable=False),
    Column("closed_at", Moment, nullable=False),
    Column("closed_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index(None, "number", "closed_at"),
)
"""Of a number, or, where that is empty, of one call, whose caller showed none that can be called."""

call_days = kept_table(
    "call_days",
    Column("day", String(10), nullable=False),
    Column("changes", Integer, nullable=False),
    UniqueConstraint("gateway_id", "day"),
)
"""How often calls have changed that began on a day of UTC: whoever has summed them up knows whether that still holds.

Triggers of the database count, in the same transaction as the change itself, whoever makes it: the journal, an
erasure, a repair. They stand in the migration alone, with the columns that the statistics look at.
"""
