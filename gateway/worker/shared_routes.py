"""The worker's answers about all gateways that share a database: which there are, their calls, and their recordings."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol, TypeVar

from aiohttp import web
from sqlalchemy.exc import DBAPIError

from gateway.api import bodies
from gateway.api.problems import ApiError, NotFound, RecordingAway
from gateway.store.replication.shared_queries import StoredSound
from gateway.worker.recording_store import RecordingStoreAway
from gateway.worker.recordings import OpenRecording, send_recording
from gateway.worker.sealed import SUFFIX, KeyRing, SealedSound

T = TypeVar("T")

FETCHED_AT_ONCE = 2


class NotShared(ApiError):
    """Nothing is shared with other gateways."""

    code = "not-shared"
    status = 404


class SharedAway(ApiError):
    """The shared database does not answer."""

    code = "shared-database-away"
    status = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedFilter:
    """Which calls of which gateway are wanted; None: all."""

    gateway: str | None = None
    direction: str | None = None
    outcome: str | None = None
    search: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class SharedArchive(Protocol):
    """The shared database; SharedQueries is one. The verbs block, and raise DBAPIError while it is away."""

    def gateways(self) -> list[dict[str, object]]:
        """Rows as the schema `Gateway`."""

    def calls(
        self, wanted: SharedFilter, *, cursor: str | None, limit: int
    ) -> tuple[list[dict[str, object]], str | None]:
        """Rows as the schema `GatewayCall`, newest first, and the cursor of the next page. Raises ValueError."""

    def call(self, call_id: str) -> dict[str, object] | None:
        """The schema `GatewayCallDetails`; None when there is none of that id."""

    def stored_sound(self, recording_id: str) -> StoredSound | None:
        """Where the sound of a recording is; None: it is not there."""


class SoundStore(Protocol):
    """The shared store of recordings; RecordingStore is one."""

    def fetch(self, name: str, into: BinaryIO) -> str:
        """Copy a file; its SHA-256, in hexadecimal. Raises RecordingStoreAway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPart:
    """The own side: its id, what waits to be sent, and since when."""

    gateway_id: str
    rows: int
    since: str | None
    recordings: int


class SharedRoutes:
    """The handlers."""

    def __init__(
        self,
        archive: SharedArchive | None,
        own: Callable[[], OwnPart],
        *,
        store: SoundStore | None,
        directory: Path,
        keys: KeyRing,
    ) -> None:
        """`archive` None: nothing is shared. `directory` is on the disk that has room for a recording."""
        self._archive = archive
        self._own = own
        self._store = store
        self._directory = directory
        self._keys = keys
        self._fetching = asyncio.Semaphore(FETCHED_AT_ONCE)

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/gateways", self._get_gateways),
            web.get("/api/v1/gateways/calls", self._get_calls),
            web.get("/api/v1/gateways/calls/{id}", self._get_call),
            web.get("/api/v1/gateways/recordings/{id}", self._get_recording),
        ]

    async def _get_gateways(self, _request: web.Request) -> web.Response:
        """Also while the database is away: then it is said what waits here."""
        archive = self._shared()
        own = await _read(self._own)
        try:
            items, is_away = await _read(archive.gateways), False
        except SharedAway:
            items, is_away = [], True
        answer = {
            "items": items,
            "is_away": is_away,
            "own": {"id": own.gateway_id, "rows": own.rows, "since": own.since, "recordings": own.recordings},
        }
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    async def _get_calls(self, request: web.Request) -> web.Response:
        archive = self._shared()
        wanted = SharedFilter(
            gateway=_text(request, "gateway"),
            direction=_choice(request, "direction", ("incoming", "outgoing", "internal")),
            outcome=_choice(request, "outcome", ("answered", "missed")),
            search=_text(request, "search"),
            since=bodies.moment(request.query, "since"),
            until=bodies.moment(request.query, "until"),
        )
        cursor, limit = request.query.get("cursor") or None, _limit(request)
        try:
            items, following = await _read(lambda: archive.calls(wanted, cursor=cursor, limit=limit))
        except ValueError as error:
            raise bodies.bad_request("The cursor is none of ours.") from error
        return web.json_response({"items": items, "next": following}, headers={"Cache-Control": "no-store"})

    async def _get_call(self, request: web.Request) -> web.Response:
        archive = self._shared()
        call = await _read(lambda: archive.call(request.match_info["id"]))
        if call is None:
            raise NotFound("There is no such call.")
        return web.json_response(call, headers={"Cache-Control": "no-store"})

    async def _get_recording(self, request: web.Request) -> web.StreamResponse:
        archive, recording_id = self._shared(), request.match_info["id"]
        sound = await _read(lambda: archive.stored_sound(recording_id))
        if sound is None or self._store is None:
            raise NotFound("There is no such recording, or it is at its gateway alone.")
        filename = "call-" + re.sub(r"[^0-9A-Za-z-]", "", recording_id)[:64]
        filename += PurePosixPath(sound.name.removesuffix(SUFFIX)).suffix
        # Without a name in any directory: it is gone with the answer, and with the process, however that ends.
        with tempfile.TemporaryFile(dir=self._directory) as copy:
            async with self._fetching:
                await asyncio.to_thread(_fetch, self._store, sound, copy)
            return await send_recording(request, self._opened(copy.fileno(), sound), filename=filename)

    def _opened(self, descriptor: int, sound: StoredSound) -> OpenRecording:
        """Raises RecordingAway, and KeyMissing where its gateway has sealed it with a key that is not here."""
        sealed = None
        if sound.name.endswith(SUFFIX):
            try:
                sealed = SealedSound(descriptor, self._keys)
            except OSError as fault:
                raise RecordingAway(str(fault)) from fault
        size = sound.size_bytes if sealed is None else sealed.size
        return OpenRecording(descriptor, size, f'"{sound.sha256}"', sealed)

    def _shared(self) -> SharedArchive:
        if self._archive is None:
            raise NotShared("This gateway shares no database with others.")
        return self._archive


def _fetch(store: SoundStore, sound: StoredSound, into: BinaryIO) -> None:
    """Raises RecordingAway when it cannot be had as it was sent."""
    try:
        digest = store.fetch(sound.name, into)
    except RecordingStoreAway as fault:
        raise RecordingAway(f"The shared store does not give the recording: {fault}.") from fault
    if digest != sound.sha256:
        raise RecordingAway("The recording in the shared store is not what was sent there.")
    into.flush()


async def _read(verb: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(verb)
    except (DBAPIError, OSError) as error:  # also without the file of its password
        raise SharedAway("The shared database does not answer.") from error


def _text(request: web.Request, name: str) -> str | None:
    value = request.query.get(name, "").strip()
    if len(value) > 64 or "\0" in value:
        raise bodies.bad_request(f"{name!r} is too long, or holds characters that cannot be searched for.")
    return value or None


def _choice(request: web.Request, name: str, choices: tuple[str, ...]) -> str | None:
    value = request.query.get(name) or None
    if value is not None and value not in choices:
        raise bodies.bad_request(f"{name!r} must be one of: {', '.join(choices)}.")
    return value


def _limit(request: web.Request) -> int:
    text = request.query.get("limit") or "50"
    if not re.fullmatch(r"[0-9]{1,3}", text, re.ASCII) or not 1 <= int(text) <= 200:
        raise bodies.bad_request("'limit' must be a number from 1 to 200.")
    return int(text)
