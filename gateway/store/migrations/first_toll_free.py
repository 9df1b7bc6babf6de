"""The first table of calls to toll-free numbers: a part of the first step."""

from __future__ import annotations

from collections.abc import Callable

from alembic import op
from sqlalchemy import Boolean, Column, String, Text


def create_toll_free(create: Callable[..., None]) -> None:
    """Make it, by the step's own way to make a table."""
    create(
        "toll_free_calls",
        Column("way", Text, nullable=False),
        Column("caller", Text, nullable=False),
        Column("is_known", Boolean, nullable=False),
        Column("began_at", String(27), nullable=False),
        Column("answered_at", String(27), nullable=True),
        Column("ended_at", String(27), nullable=True),
        Column("is_forgiven", Boolean, nullable=False),
    )
    op.create_index("ix_toll_free_calls_began_at", "toll_free_calls", ["began_at"])
