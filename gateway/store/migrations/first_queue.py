"""The first tables of the queue: a part of the first step."""

from __future__ import annotations

from collections.abc import Callable

from alembic import op
from sqlalchemy import Column, Float, String, Text


def create_queue(create: Callable[..., None]) -> None:
    """Make them, by the step's own way to make a table."""
    create(
        "staff_pauses",
        Column("extension", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("by", Text, nullable=False),
        Column("began_at", String(27), nullable=False),
        Column("ended_at", String(27), nullable=True),
    )
    op.create_index("ix_staff_pauses_began_at", "staff_pauses", ["began_at"])
    op.create_index("ix_staff_pauses_ended_at", "staff_pauses", ["ended_at"])
    create(
        "left_messages",
        Column("call_id", String(36), nullable=False),
        Column("mailbox", Text, nullable=False),
        Column("left_at", String(27), nullable=False),
        Column("seconds", Float, nullable=False),
        Column("heard_at", String(27), nullable=True),
        Column("heard_by", Text, nullable=True),
    )
    op.create_index("ix_left_messages_call_id", "left_messages", ["call_id"])
    op.create_index("ix_left_messages_mailbox_left_at", "left_messages", ["mailbox", "left_at"])
