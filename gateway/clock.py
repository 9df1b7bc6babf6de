"""Time: durations by the loop, moments by the wall clock.

Durations and deadlines are the event loop's (`loop.time()`, which tests turn by hand); the wall
clock is an argument of whoever needs it, aware and in UTC.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol, TypeAlias

WallClock: TypeAlias = Callable[[], datetime]
"""Gives the present moment, aware, in UTC."""


EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""Before this no clock is set: a machine without a battery begins in the past (X-T1)."""


def wire_time(moment: datetime, timespec: str = "milliseconds") -> str:
    """RFC 3339 in UTC, as events, the API and webhooks have it; `timespec` as of `isoformat`."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def is_set(moment: datetime) -> bool:
    """Whether a clock that shows `moment`, aware, was ever set."""
    return moment > EARLIEST


class Dating(Protocol):
    """By which clock things are dated, and whether anybody knows that it is right (X-T1)."""

    @property
    def boot(self) -> str:
        """Which time the machine was switched on; another one: the clock was away in between."""

    @property
    def is_certain(self) -> bool:
        """The clock was set since the machine was switched on, or needs no setting."""

    @property
    def offset_seconds(self) -> float:
        """The clock less the time since the machine was switched on: what changes when somebody sets the clock."""

    @property
    def up_seconds(self) -> float:
        """Since the machine was switched on, whatever the clock says."""

    def follow(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` when either of the two has changed, before anything is dated by the clock as it is then.

        Until the returned function is called.
        """


class Certain:
    """A clock that needs no setting. A Dating."""

    boot = ""
    is_certain = True
    offset_seconds = 0.0
    up_seconds = 0.0

    def follow(self, listener: Callable[[], None]) -> Callable[[], None]:  # noqa: ARG002  # nothing ever changes
        """Nothing ever changes."""
        return lambda: None


CERTAIN: Dating = Certain()


def follow_in_loop(dating: Dating, listener: Callable[[], None]) -> Callable[[], None]:
    """As `follow`, but `listener` is called in the thread of the running loop alone: soon, where another has asked."""
    loop, thread = asyncio.get_running_loop(), threading.get_ident()

    def tell() -> None:
        if threading.get_ident() == thread:
            listener()
        else:
            loop.call_soon_threadsafe(listener)

    return dating.follow(tell)


def utc_now() -> datetime:
    """The present moment by the system's clock."""
    return datetime.now(UTC)
