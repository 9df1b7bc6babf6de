"""The first table of visitors of the shop's web site: a part of the first step."""

from __future__ import annotations

from collections.abc import Callable

from alembic import op
from sqlalchemy import JSON, Column, String, Text


def create_site_visits(create: Callable[..., None]) -> None:
    """Make it, by the step's own way to make a table."""
    create(
        "site_visits",
        Column("number", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("origin", Text, nullable=False),
        Column("asked_at", String(27), nullable=False),
        Column("due_at", String(27), nullable=False),
        Column("page_url", Text, nullable=False),
        Column("landing_url", Text, nullable=False),
        Column("referrer", Text, nullable=False),
        Column("consent", Text, nullable=False),
        Column("marks", JSON, nullable=False),
        Column("address_digest", String(32), nullable=False),
    )
    op.create_index("ix_site_visits_asked_at", "site_visits", ["asked_at"])
    op.create_index("ix_site_visits_number", "site_visits", ["number"])
    op.create_index("ix_calls_visit_id", "calls", ["visit_id"])
