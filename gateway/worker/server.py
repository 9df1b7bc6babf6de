"""The worker's answers, on its Unix socket: lists, calls, messages, recordings, waveforms.

Only the daemon reaches it (the socket is its owner's alone), and the daemon has checked who asks.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import ParamSpec, Self, TypeAlias, TypeVar

from aiohttp import web
from sqlalchemy.exc import DBAPIError

from gateway.api.problems import NotFound, answer_with_problems
from gateway.errors import StoreError
from gateway.settings import Settings
from gateway.worker import asked
from gateway.worker.audit_routes import AuditRoutes
from gateway.worker.backup_routes import BackupRoutes, OnDemand
from gateway.worker.call_table import call_cells, call_titles
from gateway.worker.caller_sound import caller_samples
from gateway.worker.certificate_routes import CertificateRoutes
from gateway.worker.contact_routes import ContactArchive, ContactRoutes
from gateway.worker.evidence_pack import write_pack
from gateway.worker.message_table import message_cells, message_titles
from gateway.worker.overview_routes import OverviewRoutes
from gateway.worker.pack_routes import PackRoutes
from gateway.worker.peaks import PeaksCache
from gateway.worker.place_routes import PlaceRoutes
from gateway.worker.prompt_routes import PromptRoutes
from gateway.worker.prompts import OwnPrompts
from gateway.worker.recordings import open_below, send_recording
from gateway.worker.report_routes import ReportArchive, ReportRoutes
from gateway.worker.restore_routes import RestoreRoutes
from gateway.worker.sealed import SUFFIX, KeyRing
from gateway.worker.seams import Archive
from gateway.worker.sent_table import send_table
from gateway.worker.shared_routes import SharedRoutes
from gateway.worker.site_routes import SiteArchive, SiteRoutes
from gateway.worker.system_routes import SystemRoutes

P = ParamSpec("P")
T = TypeVar("T")
Page: TypeAlias = tuple[list[dict[str, object]], str | None]

_PIECE_BYTES = 256 * 1024


class WorkerServer:
    """`async with WorkerServer(...)`: answering from entry to exit."""

    def __init__(
        self,
        *,
        socket: Path,
        archive: Archive,
        recordings_dir: Path,
        keys: KeyRing,
        prompts: OwnPrompts | None = None,
        reports: ReportArchive | None = None,
        contacts: ContactArchive | None = None,
        site: SiteArchive | None = None,
        settings: Settings | None = None,
        backups: OnDemand | None = None,
        shared: SharedRoutes | None = None,
    ) -> None:
        """What is left out (of `settings`: what is about the machine) nobody can ask for."""
        self._socket = socket
        self._archive = archive
        self._recordings_dir = recordings_dir
        self._keys = keys
        self._peaks = PeaksCache()
        self._stack = AsyncExitStack()
        self._app = web.Application()
        answer_with_problems(self._app)
        self._app.add_routes(PackRoutes(archive, recordings_dir, keys).routes())
        if contacts is not None:
            self._app.add_routes(ContactRoutes(contacts).routes())
        if site is not None:
            self._app.add_routes(SiteRoutes(site).routes())
        if reports is not None:
            self._app.add_routes(ReportRoutes(reports).routes())
            self._app.add_routes(OverviewRoutes(reports, recordings_dir).routes())
        if prompts is not None:
            self._app.add_routes(PromptRoutes(prompts).routes())
        if shared is not None:
            self._app.add_routes(shared.routes())
        if settings is not None:
            self._app.add_routes(RestoreRoutes(settings).routes())
            self._app.add_routes(SystemRoutes(settings).routes())
            self._app.add_routes(BackupRoutes(settings, backups).routes())
            self._app.add_routes(CertificateRoutes(settings).routes())
            self._app.add_routes(AuditRoutes(settings).routes())
            self._app.add_routes(PlaceRoutes(settings.number_ranges).routes())
        self._app.add_routes(
            [
                web.get("/api/v1/calls", self._get_calls),
                web.get("/api/v1/calls/{id}", self._get_call),
                web.get("/api/v1/call-tags", self._get_tags),
                web.get("/api/v1/messages", self._get_messages),
                web.get("/api/v1/messages/{id}", self._get_message),
                web.get("/api/v1/conversations", self._get_conversations),
                web.get("/api/v1/recordings/{id}", self._get_recording),
                web.get("/api/v1/recordings/{id}/peaks", self._get_peaks),
                web.get("/api/v1/recordings/{id}/caller", self._get_caller),
                web.get("/api/v1/orders/{number}/evidence", self._get_evidence),
            ]
        )

    async def __aenter__(self) -> Self:
        """Bind the socket, for its owner alone."""
        runner = web.AppRunner(self._app, access_log=None, handle_signals=False, shutdown_timeout=2.0)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        with suppress(FileNotFoundError):
            self._socket.unlink()
        former_mask = os.umask(0o177)
        try:
            await web.UnixSite(runner, str(self._socket)).start()
        finally:
            os.umask(former_mask)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what is being answered, and take the socket away."""
        await self._stack.aclose()
        with suppress(FileNotFoundError):
            self._socket.unlink()

    async def _get_calls(self, request: web.Request) -> web.StreamResponse:
        wanted = asked.calls_wanted(request)
        if asked.choice(request, "format", ("json", "csv")) == "csv":
            return await send_table(
                request,
                lambda cursor, limit: self._archive.calls(wanted, cursor=cursor, limit=limit),
                filename="calls.csv",
                titles=call_titles,
                cells=call_cells,
            )
        return await _page(request, lambda cursor, limit: self._archive.calls(wanted, cursor=cursor, limit=limit))

    async def _get_call(self, request: web.Request) -> web.Response:
        call = await _read(self._archive.call, request.match_info["id"])
        if call is None:
            raise NotFound("There is no such call.")
        return web.json_response(call, headers={"Cache-Control": "no-store"})

    async def _get_tags(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": await _read(self._archive.call_tags)}, headers={"Cache-Control": "no-store"})

    async def _get_messages(self, request: web.Request) -> web.StreamResponse:
        wanted = asked.messages_wanted(request)
        if asked.choice(request, "format", ("json", "csv")) == "csv":
            return await send_table(
                request,
                lambda cursor, limit: self._archive.messages(wanted, cursor=cursor, limit=limit),
                filename="messages.csv",
                titles=message_titles,
                cells=message_cells,
            )
        return await _page(request, lambda cursor, limit: self._archive.messages(wanted, cursor=cursor, limit=limit))

    async def _get_message(self, request: web.Request) -> web.Response:
        message = await _read(self._archive.message, request.match_info["id"])
        if message is None:
            raise NotFound("There is no such message.")
        return web.json_response(message, headers={"Cache-Control": "no-store"})

    async def _get_conversations(self, request: web.Request) -> web.Response:
        wanted = asked.messages_wanted(request)
        return await _page(
            request, lambda cursor, limit: self._archive.conversations(wanted, cursor=cursor, limit=limit)
        )

    async def _get_recording(self, request: web.Request) -> web.StreamResponse:
        path = await self._path_of(request)
        # The name is made of the id, which the store knows: nothing of the request gets into a header.
        filename = "call-" + re.sub(r"[^0-9A-Za-z-]", "", request.match_info["id"])[:64]
        filename += PurePosixPath(path.removesuffix(SUFFIX)).suffix
        with open_below(self._recordings_dir, path, self._keys) as recording:
            return await send_recording(request, recording, filename=filename)

    async def _get_peaks(self, request: web.Request) -> web.Response:
        path = await self._path_of(request)
        points = asked.number(request, "points", 10, 4000, 800)
        with open_below(self._recordings_dir, path, self._keys) as recording:
            peaks = await asyncio.to_thread(self._peaks.of, path, recording, points)
        return web.json_response(asdict(peaks), headers={"Cache-Control": "private, max-age=3600"})

    async def _get_caller(self, request: web.Request) -> web.Response:
        """For the daemon alone, which plays it to a telephone: it is no part of the contract."""
        path = await self._path_of(request)
        with open_below(self._recordings_dir, path, self._keys) as recording:
            samples = await asyncio.to_thread(caller_samples, recording)
        return web.Response(body=samples, headers={"Cache-Control": "no-store"})

    async def _get_evidence(self, request: web.Request) -> web.StreamResponse:
        evidence = await _read(self._archive.order_evidence, request.match_info["number"])
        if evidence is None:
            raise NotFound("There is no such order.")
        # Without a name in any directory: it is gone with the process, however that ends.
        with tempfile.TemporaryFile(dir=self._recordings_dir) as pack:
            await asyncio.to_thread(write_pack, evidence, pack, self._recordings_dir, self._keys)
            response = web.StreamResponse(
                headers={
                    "Cache-Control": "no-store",
                    "Content-Disposition": 'attachment; filename="evidence.zip"',
                    "Content-Type": "application/zip",
                    "X-Content-Type-Options": "nosniff",
                }
            )
            response.content_length = pack.tell()
            await response.prepare(request)
            pack.seek(0)
            while piece := await asyncio.to_thread(pack.read, _PIECE_BYTES):
                await response.write(piece)
            await response.write_eof()
        return response

    async def _path_of(self, request: web.Request) -> str:
        path = await _read(self._archive.recording_path, request.match_info["id"])
        if path is None:
            raise NotFound("There is no such recording.")
        return path


async def _read(verb: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Use the store in a thread. Raises StoreError where it cannot be read."""
    try:
        return await asyncio.to_thread(verb, *arguments, **named)
    except DBAPIError as error:
        raise StoreError(f"The store cannot be read: {error.orig}.") from error


async def _page(request: web.Request, read: Callable[[str | None, int], Page]) -> web.Response:
    cursor, limit = request.query.get("cursor") or None, asked.number(request, "limit", 1, 200, 50)
    try:
        items, following = await _read(read, cursor, limit)
    except ValueError as error:
        raise asked.bad("The cursor is none of ours.") from error
    return web.json_response({"items": items, "next": following}, headers={"Cache-Control": "no-store"})
