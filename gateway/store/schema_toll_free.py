"""The table of calls to toll-free numbers that were let through: some days of them, for the guard."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Text

from gateway.store.schema import Moment, kept_table

toll_free_calls = kept_table(
    "toll_free_calls",
    Column("way", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("is_known", Boolean, nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("answered_at", Moment),
    Column("ended_at", Moment),
    Column("is_forgiven", Boolean, nullable=False),
    Index(None, "began_at"),
)
"""`id` is that of the call."""
