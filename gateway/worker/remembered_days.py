"""The days of two years are summed up while nobody waits, so that the first page of statistics comes at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NoReturn, Protocol

from sqlalchemy.exc import DBAPIError

from gateway.clock import WallClock, utc_now

log = logging.getLogger(__name__)

DAYS = 2 * 366
"""A year is compared with the one before."""
PAUSE_SECONDS = 0.1
"""Between two days: whoever asks for something meanwhile comes first."""
NIGHT_SECONDS = 900.0
"""After midnight, when the calls that went beyond it are over."""


class Memory(Protocol):
    """Sums days up, and keeps them for the next start. The verbs block."""

    def recall(self) -> None:
        """Take over what an earlier run has kept."""

    def remember(self, day: datetime) -> None:
        """Sum a day up, unless it is known."""

    def keep(self) -> None:
        """Keep what is known. Raises OSError."""


async def keep_remembering(memory: Memory, clock: WallClock = utc_now) -> NoReturn:
    """Sum up what is not known yet, now and each night, and have the next start find it."""
    try:
        await asyncio.to_thread(memory.recall)
    except DBAPIError as error:
        log.info("The days that were summed up before cannot be used: %s", error.orig)
    while True:
        await remember_days(memory.remember, clock)
        try:
            await asyncio.to_thread(memory.keep)
        except (DBAPIError, OSError) as error:
            log.info("The days that are summed up cannot be kept: %s", error)
        await asyncio.sleep(_until_night(clock()))


def _until_night(now: datetime) -> float:
    """Seconds until the day of UTC is over, and some more."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return (midnight - now).total_seconds() + NIGHT_SECONDS


async def remember_days(remember: Callable[[datetime], None], clock: WallClock = utc_now) -> None:
    """Have each whole day of UTC of two years worked out, the newest first; `remember` blocks, and gets a thread.

    Where the store cannot be read, the pages work it out when they are asked for.
    """
    today = clock().replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        for age in range(1, DAYS + 1):
            await asyncio.to_thread(remember, today - timedelta(days=age))
            await asyncio.sleep(PAUSE_SECONDS)
    except DBAPIError as error:
        log.info("The days are not summed up beforehand: %s", error.orig)
