"""The first tables of the second step at sign-in: a part of the first step."""

from __future__ import annotations

from collections.abc import Callable

from alembic import op
from sqlalchemy import Column, ForeignKey, Integer, String, Text, UniqueConstraint


def create_access(create: Callable[..., None]) -> None:
    """Make them, by the step's own way to make a table; the users are there already."""
    create(
        "second_steps",
        Column("user_id", String(36), ForeignKey("users.id", name="fk_second_steps_user_id"), nullable=False),
        Column("secret", Text, nullable=False),
        Column("since", String(27), nullable=False),
        Column("last_step", Integer, nullable=False),
        Column("guesses", Integer, nullable=False),
        Column("guessing_since", String(27), nullable=True),
        UniqueConstraint("user_id", name="uq_second_steps_user_id"),
    )
    create(
        "recovery_codes",
        Column("user_id", String(36), ForeignKey("users.id", name="fk_recovery_codes_user_id"), nullable=False),
        Column("digest", String(64), nullable=False),
        Column("used_at", String(27), nullable=True),
    )
    op.create_index("ix_recovery_codes_user_id", "recovery_codes", ["user_id"])
    create(
        "second_step_roles",
        Column("role", String(16), nullable=False),
        UniqueConstraint("gateway_id", "role", name="uq_second_step_roles_gateway_id_role"),
    )
