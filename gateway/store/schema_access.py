"""The tables of the second step at sign-in: secrets of the codes, spare codes, and the roles that need it."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from gateway.store.schema import Moment, metadata

second_steps = Table(
    "second_steps",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("gateway_id", String(36), nullable=False),
    Column("user_id", ForeignKey("users.id"), nullable=False, unique=True),
    Column("secret", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("last_step", Integer, nullable=False),
    Column("guesses", Integer, nullable=False),
    Column("guessing_since", Moment),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("gateway_id", String(36), nullable=False),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("digest", String(64), nullable=False),
    Column("used_at", Moment),
)

second_step_roles = Table(
    "second_step_roles",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("gateway_id", String(36), nullable=False),
    Column("role", String(16), nullable=False),
    UniqueConstraint("gateway_id", "role"),
)
