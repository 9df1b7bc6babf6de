"""The table of the ways by which alerts leave the machine: one row, which holds secrets and no history."""

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
