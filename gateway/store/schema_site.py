"""The table of visitors of the shop's web site who wanted to be called."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, String, Text

from gateway.store.schema import Moment, kept_table

site_visits = kept_table(
    "site_visits",
    Column("number", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("page_url", Text, nullable=False),
    Column("landing_url", Text, nullable=False),
    Column("referrer", Text, nullable=False),
    Column("consent", Text, nullable=False),
    Column("marks", JSON, nullable=False),
    Column("address_digest", String(32), nullable=False),
    Index(None, "asked_at"),
    Index(None, "number"),
)
