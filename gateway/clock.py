"""Time: durations by the loop, moments by the wall clock.

Durations and deadlines are the event loop's (`loop.time()`, which tests turn by hand); the wall
clock is an argument of whoever needs it, aware and in UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

WallClock: TypeAlias = Callable[[], datetime]
"""Gives the present moment, aware, in UTC."""


EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""Before this no clock is set: a machine without a battery begins in the past (X-T1)."""


def is_set(moment: datetime) -> bool:
    """Whether a clock that shows `moment`, aware, was ever set."""
    return moment > EARLIEST


def utc_now() -> datetime:
    """The present moment by the system's clock."""
    return datetime.now(UTC)
