"""The tables of orders, and of tries to guess a PIN."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, String, Text, UniqueConstraint

from gateway.store.schema import Moment, kept_table

orders = kept_table(
    "orders",
    Column("number", Text, nullable=False),
    Column("digits", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("customer", Text, nullable=False),
    Column("courier", Text),
    Column("stage", String(16), nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("closed_at", Moment),
    Column("delivery_on", String(10)),
    Column("delivery_from", String(5)),
    Column("delivery_to", String(5)),
    Column("callback_required", Boolean, nullable=False),
    UniqueConstraint("gateway_id", "number"),
    Index(None, "courier", "changed_at"),
    Index(None, "phone"),
    Index(None, "digits"),
)

pin_guesses = kept_table(
    "pin_guesses",
    Column("caller", Text, nullable=False),
    Column("local_day", String(10), nullable=False),
    Column("tried_at", Moment, nullable=False),
    Index(None, "local_day", "caller"),
)
