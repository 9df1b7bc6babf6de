"""The first table of missed customers: a part of the first step."""

from __future__ import annotations

from collections.abc import Callable

from alembic import op
from sqlalchemy import Column, String, Text


def create_missed(create: Callable[..., None]) -> None:
    """Make it, by the step's own way to make a table."""
    create(
        "missed_closures",
        Column("number", Text, nullable=False),
        Column("call_id", String(36), nullable=False),
        Column("closed_at", String(27), nullable=False),
        Column("closed_by", Text, nullable=False),
        Column("reason", Text, nullable=False),
    )
    op.create_index("ix_missed_closures_number_closed_at", "missed_closures", ["number", "closed_at"])
