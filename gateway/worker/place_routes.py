"""The worker's answers about where numbers are from, and the ranges that the owner brings."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from aiohttp import web

from gateway.api import bodies
from gateway.errors import RangesInvalid
from gateway.store.number_ranges import LARGEST_BYTES, load, read_registry, replaced, save
from gateway.telephony.number_place import Places

log = logging.getLogger(__name__)

MOST_NUMBERS = 200


class PlaceRoutes:
    """The handlers. `path` is the file of the ranges."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: Places | None = None

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/places", self._get_places),
            web.put("/api/v1/places/ranges", self._put_ranges),
        ]

    async def _get_places(self, request: web.Request) -> web.Response:
        numbers = [number for number in request.query.get("numbers", "").split(",") if number]
        if len(numbers) > MOST_NUMBERS:
            raise bodies.bad_request(f"More than {MOST_NUMBERS} numbers at once are too many.")
        if self._places is None:
            self._places = await asyncio.to_thread(self._load)
        items = [_wire(number, self._places) for number in dict.fromkeys(numbers)]
        return web.json_response({"items": items, "ranges": len(self._places)}, headers={"Cache-Control": "no-store"})

    async def _put_ranges(self, request: web.Request) -> web.Response:
        content = bytearray()
        async for piece in request.content.iter_chunked(64 * 1024):
            content += piece
            if len(content) > LARGEST_BYTES:
                raise web.HTTPRequestEntityTooLarge(max_size=LARGEST_BYTES, actual_size=len(content))
        self._places = await asyncio.to_thread(self._take, bytes(content))
        return web.json_response({"items": [], "ranges": len(self._places)}, headers={"Cache-Control": "no-store"})

    def _take(self, content: bytes) -> Places:
        new = read_registry(content)
        try:
            kept = load(self._path)
        except RangesInvalid:
            kept = []  # what cannot be read is replaced
        ranges = replaced(kept, new)
        save(self._path, ranges)
        return Places(ranges)

    def _load(self) -> Places:
        try:
            return Places(load(self._path))
        except (RangesInvalid, OSError) as error:
            log.warning("Numbers are looked up without the imported ranges: %s", error)
            return Places()


def _wire(number: str, places: Places) -> dict[str, object]:
    place = places.of(number)
    region = place.region if place is not None else None
    return {
        "number": number,
        "country": place.country if place is not None else None,
        "region": {"en": region.english, "ru": region.russian} if region is not None else None,
        "time_zone": place.time_zone if place is not None else None,
    }
