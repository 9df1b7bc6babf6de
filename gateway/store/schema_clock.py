"""The table of the clock that nobody has set yet: one row while rows are marked by it, else none."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Float, String

from gateway.store.schema import kept_table

clock_marks = kept_table(
    "clock_marks",
    Column("boot", String(36), nullable=False),
    Column("offset_seconds", Float, nullable=False),
    Column("rows_before", JSON, nullable=False),
)
"""What is marked is dated by a clock that was `offset_seconds` before the time since that `boot` of the machine.

`rows_before`: the last rowid of each table without marks, when the clock was first seen not to be set.
"""
