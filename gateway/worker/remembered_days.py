"""The days of the last year are summed up while nobody waits, so that the first page of statistics comes at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.exc import DBAPIError

from gateway.clock import WallClock, utc_now

log = logging.getLogger(__name__)

DAYS = 366
PAUSE_SECONDS = 0.1
"""Between two days: whoever asks for something meanwhile comes first."""


async def remember_days(remember: Callable[[datetime], None], clock: WallClock = utc_now) -> None:
    """Have each whole day of UTC of the last year worked out, the newest first; `remember` blocks, and gets a thread.

    Where the store cannot be read, the pages work it out when they are asked for.
    """
    today = clock().replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        for age in range(1, DAYS + 1):
            await asyncio.to_thread(remember, today - timedelta(days=age))
            await asyncio.sleep(PAUSE_SECONDS)
    except DBAPIError as error:
        log.info("The days are not summed up beforehand: %s", error.orig)
