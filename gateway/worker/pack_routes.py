"""Recordings of several calls in one file: how many it would be, which, and the file itself."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiohttp import web
from sqlalchemy.exc import DBAPIError

from gateway.api.problems import PackTooLarge
from gateway.errors import StoreError
from gateway.messages import pick_language
from gateway.worker import asked
from gateway.worker.recordings_pack import Packing, pack_pieces
from gateway.worker.sealed import KeyRing
from gateway.worker.seams import Archive, CallFilter

log = logging.getLogger(__name__)

MOST_RECORDINGS = 500
MOST_BYTES = 2_000_000_000
"""What every program that opens ZIP files can take: 17 hours of uncompressed sound."""
MOST_NAMED = 100
"""So many calls may be named one by one."""
_ROWS_AT_A_TIME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Finished recordings by the id of their call, the newest call first. `is_all`: no more were looked for."""

    recordings: Mapping[str, Sequence[str]]
    size_bytes: int
    is_all: bool

    @property
    def count(self) -> int:
        """How many recordings."""
        return sum(map(len, self.recordings.values()))

    @property
    def fits(self) -> bool:
        """One file can hold them."""
        return self.is_all and self.count <= MOST_RECORDINGS and self.size_bytes <= MOST_BYTES

    def and_of(self, rows: Sequence[Mapping[str, Any]]) -> Chosen:
        """With the finished recordings of further calls, given as the schema `CallSummary`."""
        sounds = {row["id"]: [each for each in row["recordings"] if each["verdict"] is not None] for row in rows}
        more = {call_id: [each["id"] for each in found] for call_id, found in sounds.items() if found}
        return replace(
            self,
            recordings={**self.recordings, **more},
            size_bytes=self.size_bytes + sum(each["size_bytes"] or 0 for found in sounds.values() for each in found),
        )


class PackRoutes:
    """The handlers."""

    def __init__(self, archive: Archive, recordings_dir: Path, keys: KeyRing) -> None:
        self._archive = archive
        self._recordings_dir = recordings_dir
        self._keys = keys

    def routes(self) -> list[web.RouteDef]:
        """For the router. But for the size, they are the daemon's own and no part of the contract."""
        return [
            web.get("/api/v1/recordings/pack/size", self._get_size),
            web.get("/api/v1/recordings/pack/list", self._get_list),
            web.post("/api/v1/recordings/pack", self._post_pack),
        ]

    async def _get_size(self, request: web.Request) -> web.Response:
        chosen = await self._chosen(request)
        return _answer(
            {
                "calls": len(chosen.recordings),
                "recordings": chosen.count,
                "size_bytes": chosen.size_bytes,
                "is_all": chosen.is_all,
                "fits": chosen.fits,
                "most_recordings": MOST_RECORDINGS,
                "most_bytes": MOST_BYTES,
            }
        )

    async def _get_list(self, request: web.Request) -> web.Response:
        """Refuses what is too large before anything of it is on record. Raises PackTooLarge."""
        asked.zone(request)
        chosen = await self._chosen(request)
        if not chosen.fits:
            raise PackTooLarge(
                f"One file holds at most {MOST_RECORDINGS} recordings and {MOST_BYTES} bytes.",
                recordings=MOST_RECORDINGS,
                gigabytes=MOST_BYTES // 1_000_000_000,
            )
        return _answer(chosen.recordings)

    async def _post_pack(self, request: web.Request) -> web.StreamResponse:
        """The daemon names the recordings, which are on record by now."""
        packing = Packing(
            archive=self._archive,
            recordings_dir=self._recordings_dir,
            keys=self._keys,
            language=pick_language(request.headers.get("Accept-Language", "")),
            zone=asked.zone(request),
        )
        pieces = pack_pieces(packing, json.loads(await request.read()))
        response = web.StreamResponse(
            headers={
                "Cache-Control": "no-store",
                "Content-Disposition": 'attachment; filename="recordings.zip"',
                "Content-Type": "application/zip",
                "X-Content-Type-Options": "nosniff",
            }
        )
        await response.prepare(request)
        try:
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                await response.write(piece)
            await response.write_eof()
        except (DBAPIError, OSError) as fault:
            # The head is on its way already: all we can do is not to end the body properly.
            log.info("A file of recordings is broken off: %s", fault)
            if request.transport is not None:
                request.transport.abort()
        finally:
            with suppress(ValueError):  # a thread is still at it: it lets go of the files when it is forgotten
                pieces.close()
        return response

    async def _chosen(self, request: web.Request) -> Chosen:
        named = [each for each in request.query.get("calls", "").split(",") if each]
        if len(named) > MOST_NAMED or any(len(each) > 64 for each in named):
            raise asked.bad(f"'calls' must be the ids of at most {MOST_NAMED} calls, with commas between them.")
        wanted = asked.calls_wanted(request)
        try:
            if named:
                return await asyncio.to_thread(self._named, named)
            return await asyncio.to_thread(self._found, wanted)
        except DBAPIError as error:
            raise StoreError(f"The store cannot be read: {error.orig}.") from error

    def _named(self, call_ids: Sequence[str]) -> Chosen:
        rows = [row for call_id in dict.fromkeys(call_ids) if (row := self._archive.call(call_id)) is not None]
        return replace(_NOTHING.and_of(rows), is_all=True)

    def _found(self, wanted: CallFilter) -> Chosen:
        """All that the filter leaves; once there are too many, no more are looked for."""
        chosen, cursor = _NOTHING, None
        while True:
            rows, cursor = self._archive.calls(replace(wanted, recorded=True), cursor=cursor, limit=_ROWS_AT_A_TIME)
            chosen = chosen.and_of(rows)
            if cursor is None or chosen.count > MOST_RECORDINGS or chosen.size_bytes > MOST_BYTES:
                return replace(chosen, is_all=cursor is None)


_NOTHING = Chosen(recordings={}, size_bytes=0, is_all=False)


def _answer(content: object) -> web.Response:
    return web.json_response(content, headers={"Cache-Control": "no-store"})
