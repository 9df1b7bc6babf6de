"""Where callers' numbers are from, for calls: the imported ranges in memory, read anew when another file was brought.

Only a shop with branches asks; until then nothing is read, and fixed networks are known without a file.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from gateway.errors import RangesInvalid
from gateway.store.number_ranges import load
from gateway.telephony.branches import FEWEST
from gateway.telephony.number_place import Places
from gateway.telephony.russian_regions import Region
from gateway.telephony.shop import ShopView

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0


class CallerRegions:
    """`path` is the file of the ranges, which the worker writes."""

    def __init__(self, path: Path, shop: ShopView) -> None:
        self._path = path
        self._shop = shop
        self._places = Places()
        self._read: int | None = None
        """When the file that was read last had been changed, in nanoseconds; None: none was read."""

    def region_of(self, number: str) -> Region | None:
        """The region that a number (E.164) was given out in; None where it is not known. Answers at once."""
        place = self._places.of(number)
        return place.region if place is not None else None

    async def run(self) -> None:
        """Look for another file, until cancelled."""
        while True:
            if len(self._shop().branches) >= FEWEST:
                await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Read the file if it is another one than before."""
        changed_at = await asyncio.to_thread(_changed_at, self._path)
        if changed_at == self._read:
            return
        self._read = changed_at
        try:
            self._places = Places(await asyncio.to_thread(load, self._path))
        except (RangesInvalid, OSError) as error:
            log.warning("Branches are chosen without the imported ranges: %s", error)
            self._places = Places()


def _changed_at(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None
