"""The first tables of what leaves the machine: a part of the first step."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import JSON, Column, UniqueConstraint


def create_alert_ways(create: Callable[..., None]) -> None:
    """Make it, by the step's own way to make a table."""
    create(
        "alert_ways",
        Column("document", JSON, nullable=False),
        UniqueConstraint("gateway_id", name="uq_alert_ways_gateway_id"),
    )


def create_event_hooks(create: Callable[..., None]) -> None:
    """Make it, by the step's own way to make a table."""
    create("event_hooks", Column("document", JSON, nullable=False))
