"""The last table that was taken, as long as it can be taken back: what was there before, and what it left.

Kept in memory alone, so that a number that is erased is nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class TakenTable(Generic[Row]):
    """A table of contacts, or of orders."""

    id: str
    until: datetime
    """Until then it can be taken back."""
    rows: Mapping[str, tuple[Row | None, Row]]
    """By id or number: what was there before, None for what is new; and as the table left it."""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What became of a table that was taken back."""

    restored: int
    """So many are as they were before it, those that it had added are gone."""
    kept: tuple[str, ...]
    """Names or numbers of those that stay as they are: somebody has changed, removed or used them since."""
