"""Recordings go when their days are over, or when the disk is nearly full; held ones stay (T-L7).

The row of a call stays; that it had a recording, and when that went, is part of its history.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

from sqlalchemy import ColumnElement, Connection, select, update

from gateway.clock import WallClock
from gateway.errors import StoreError
from gateway.events import AlertCleared, AlertRaised, Publish
from gateway.store.schema import recordings
from gateway.store.site_visits import forget_visits
from gateway.store.writer import Writer
from gateway.telephony.shop import ShopView

log = logging.getLogger(__name__)

SWEEP_SECONDS = 3600.0
STEADY_SECONDS = 3600.0
"""A clock that jumped is not believed for so long: a machine without a battery may think that it is 2056."""
STEADY_WITHIN = timedelta(seconds=60)
NEARLY_FULL = 0.90
"""The owner is told; at FULL the oldest recordings go until ROOM is reached (X-P4)."""
FULL = 0.95
ROOM = 0.93
BATCH = 20
"""So many files are unlinked while nothing else can be committed."""

UsedShare = Callable[[Path], float]


def used_share(directory: Path) -> float:
    """The part of the disk of `directory` that is in use, 0 to 1, whether it is made yet or not. Raises OSError."""
    while not directory.exists():
        directory = directory.parent
    usage = shutil.disk_usage(directory)
    return 1 - usage.free / usage.total


async def _nobody_counts() -> None:
    """Nothing hangs on recordings here."""


class Retention:
    """Looks through the recordings once an hour, for as long as `run` is not cancelled."""

    def __init__(
        self,
        writer: Writer,
        recordings_dir: Path,
        *,
        shop: ShopView,
        clock: WallClock,
        publish: Publish,
        used: UsedShare = used_share,
        has_removed: Callable[[], Awaitable[None]] = _nobody_counts,
        set_aside: Callable[[], bool] = lambda: True,
    ) -> None:
        """`used` tells how full the disk of a directory is, 0 to 1; `has_removed` counts anew what hangs on them.

        `set_aside` keeps some room for the store, after each sweep.
        """
        self._writer = writer
        self._directory = recordings_dir
        self._shop = shop
        self._clock = clock
        self._publish = publish
        self._used = used
        self._has_removed = has_removed
        self._set_aside = set_aside
        self._has_told = False
        self._since: tuple[float, datetime] | None = None

    async def run(self) -> NoReturn:
        """Sweep, wait, again. A disk that refuses is tried again at the next sweep."""
        while True:
            try:
                await self.sweep()
            except (StoreError, OSError) as fault:
                log.warning("Old recordings could not be removed now: %s", fault)
            await asyncio.to_thread(self._set_aside)
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> int:
        """Remove what is due, visits of the web site too; how many recordings went. Raises StoreError and OSError."""
        removed = 0
        if self._is_steady():
            due = self._clock() - timedelta(days=self._shop().recording.keep_days)
            while gone := await self._remove(recordings.c.started_at < due, BATCH):
                removed += gone
            await forget_visits(self._writer, self._clock() - timedelta(days=self._shop().widget.kept_days))
        removed += await self._make_room()
        if removed:
            await self._has_removed()
        return removed

    def _is_steady(self) -> bool:
        """Whether the wall clock has gone as the loop's has for an hour: only then are days counted."""
        loop_now, now = asyncio.get_running_loop().time(), self._clock()
        if self._since is not None:
            passed = timedelta(seconds=loop_now - self._since[0])
            if abs(now - self._since[1] - passed) <= STEADY_WITHIN:
                return passed.total_seconds() >= STEADY_SECONDS
        self._since = loop_now, now
        return False

    async def _make_room(self) -> int:
        """On a full disk the oldest recordings go, one by one, until there is room or none is left."""
        removed = 0
        used = await asyncio.to_thread(self._used, self._directory)
        if used >= FULL:
            while used > ROOM and await self._remove(recordings.c.id.is_not(None), 1):
                removed += 1
                used = await asyncio.to_thread(self._used, self._directory)
            log.warning("The disk is full: the %d oldest recordings were removed.", removed)
        if (used >= NEARLY_FULL or removed > 0) != self._has_told:
            self._has_told = not self._has_told
            tell = AlertRaised(code="disk-nearly-full", subject="", values={"removed": str(removed)})
            self._publish(tell if self._has_told else AlertCleared(code="disk-nearly-full", subject=""))
        return removed

    async def _remove(self, which: ColumnElement[bool], most: int) -> int:
        """Remove the oldest of `which` that nobody holds; the file first, so that a crash leaves no orphan.

        All in one transaction: whoever holds a recording meanwhile either comes before it, or finds it gone.
        """
        now = self._clock()

        def remove(connection: Connection) -> int:
            rows = connection.execute(
                select(recordings.c.id, recordings.c.path)
                .where(
                    which,
                    recordings.c.state == "finished",
                    recordings.c.kept.is_(False),
                    recordings.c.deleted_at.is_(None),
                )
                .order_by(recordings.c.started_at)
                .limit(most)
            ).all()
            unlink(self._directory, [row.path for row in rows], now)
            gone = update(recordings).where(recordings.c.id.in_([row.id for row in rows]))
            connection.execute(gone.values(deleted_at=now, path=""))
            return len(rows)

        return await self._writer.write(remove)


def unlink(recordings_dir: Path, paths: list[str], now: datetime) -> None:
    """Remove the files, and the directory of a day that is over and has none left. Raises OSError."""
    over = f"{now - timedelta(days=2):%Y-%m-%d}"
    for path in paths:
        file = recordings_dir / path
        file.unlink(missing_ok=True)
        if file.parent.is_dir() and file.parent.name < over and not any(file.parent.iterdir()):
            file.parent.rmdir()
