"""The first table of promised call-backs: a part of the first step."""

from __future__ import annotations

from collections.abc import Callable

from alembic import op
from sqlalchemy import JSON, Column, Integer, String, Text


def create_call_backs(create: Callable[..., None]) -> None:
    """Make it, by the step's own way to make a table."""
    create(
        "call_backs",
        Column("number", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("called", Text, nullable=False),
        Column("extensions", JSON, nullable=False),
        Column("call_id", String(36), nullable=False),
        Column("promised_at", String(27), nullable=False),
        Column("due_at", String(27), nullable=False),
        Column("expires_at", String(27), nullable=False),
        Column("changed_at", String(27), nullable=False),
        Column("state", String(16), nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("last_cause", Text, nullable=False),
        Column("visit_id", String(36), nullable=False),
    )
    op.create_index("ix_call_backs_number", "call_backs", ["number"])
    op.create_index("ix_call_backs_state", "call_backs", ["state"])
