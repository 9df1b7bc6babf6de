"""The table of the clock that nobody has set yet."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import JSON, Column, Float, String


def create_clock(create: Callable[..., None]) -> None:
    """Make it."""
    create(
        "clock_marks",
        Column("boot", String(36), nullable=False),
        Column("offset_seconds", Float, nullable=False),
        Column("rows_before", JSON, nullable=False),
    )
