"""The tables of who may come in, by which second step, and of who did what."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Text, UniqueConstraint

from gateway.store.schema import Moment, kept_table

users = kept_table(
    "users",
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("disabled_at", Moment),
    Column("courier", Text),
    UniqueConstraint("gateway_id", "name_key"),
)

sessions = kept_table(
    "sessions",
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("token_digest", String(64), nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    Column("last_used_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
)

tokens = kept_table(
    "tokens",
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("token_digest", String(64), nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("last_used_at", Moment),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
)

audit = kept_table(
    "audit",
    Column("number", Integer, nullable=False),
    Column("time", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", JSON, nullable=False),
    Column("previous_digest", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    UniqueConstraint("gateway_id", "number"),
    Index(None, "subject"),
)

second_steps = kept_table(
    "second_steps",
    Column("user_id", ForeignKey("users.id"), nullable=False, unique=True),
    Column("secret", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("last_step", Integer, nullable=False),
    Column("guesses", Integer, nullable=False),
    Column("guessing_since", Moment),
)

recovery_codes = kept_table(
    "recovery_codes",
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("digest", String(64), nullable=False),
    Column("used_at", Moment),
)

second_step_roles = kept_table(
    "second_step_roles",
    Column("role", String(16), nullable=False),
    UniqueConstraint("gateway_id", "role"),
)
