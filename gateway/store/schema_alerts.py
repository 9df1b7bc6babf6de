"""The tables of what leaves the machine: the ways of alerts, in one row, and programs that are told what happens.

They hold secrets and no history.
"""

from __future__ import annotations

from sqlalchemy import JSON, Column, UniqueConstraint

from gateway.store.schema import kept_table

alert_ways = kept_table(
    "alert_ways",
    Column("document", JSON, nullable=False),
    UniqueConstraint("gateway_id"),
)

event_hooks = kept_table(
    "event_hooks",
    Column("document", JSON, nullable=False),
)
