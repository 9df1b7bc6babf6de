"""The tables of what leaves the machine: the ways of alerts, in one row, and programs that are told what happens.

They hold secrets and no history.
"""

from __future__ import annotations

from sqlalchemy import JSON, Column, String, Table, UniqueConstraint

from gateway.store.schema import metadata

alert_ways = Table(
    "alert_ways",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("gateway_id", String(36), nullable=False),
    Column("document", JSON, nullable=False),
    UniqueConstraint("gateway_id"),
)

event_hooks = Table(
    "event_hooks",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("gateway_id", String(36), nullable=False),
    Column("document", JSON, nullable=False),
)
