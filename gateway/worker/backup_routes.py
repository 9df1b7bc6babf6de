"""The worker's answers about backups: which there are, how far one is that is being made, and the files themselves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Protocol

from aiohttp import web

from gateway.api.problems import NotFound
from gateway.backup.make import read_passphrase
from gateway.backup.on_demand import Progress
from gateway.backup.passphrase import passphrase_origin
from gateway.backup.state import backup_state
from gateway.clock import wire_time
from gateway.messages import pick_language, retold
from gateway.settings import Settings


class OnDemand(Protocol):
    """Makes backups that somebody asks for; BackupOnDemand is one."""

    @property
    def progress(self) -> Progress | None:
        """How far one is; None: none is being made."""

    def begin(self) -> None:
        """Have one made, unless one is under way. Returns at once."""


class BackupRoutes:
    """The handlers. Without `on_demand` no backup is made."""

    def __init__(self, settings: Settings, on_demand: OnDemand | None) -> None:
        self._settings = settings
        self._on_demand = on_demand

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        routes = [web.get("/api/v1/backups", self._get_all), web.get("/api/v1/backups/{name}", self._get_one)]
        return routes if self._on_demand is None else [*routes, web.post("/api/v1/backups", self._post)]

    async def _get_all(self, request: web.Request) -> web.Response:
        return await self._told(request, 200)

    async def _post(self, request: web.Request) -> web.Response:
        """One that is made already is told of in the same way. Raises BackupUnusable where there is no passphrase."""
        await asyncio.to_thread(read_passphrase, self._settings.backup_passphrase)
        if self._on_demand is not None:
            self._on_demand.begin()
        return await self._told(request, 202)

    async def _told(self, request: web.Request, status: int) -> web.Response:
        language = pick_language(request.headers.get("Accept-Language", ""))
        progress = self._on_demand.progress if self._on_demand is not None else None
        answer = await asyncio.to_thread(backups_wire, self._settings, datetime.now(UTC), language)
        answer["making"] = None if progress is None else _progress_wire(progress)
        return web.json_response(answer, status=status, headers={"Cache-Control": "no-store"})

    async def _get_one(self, request: web.Request) -> web.FileResponse:
        name = request.match_info["name"]
        state = await asyncio.to_thread(backup_state, self._settings, datetime.now(UTC))
        if name not in {each.name for each in state.kept}:
            raise NotFound("There is no such backup.")
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Type": "application/octet-stream",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        return web.FileResponse(self._settings.backup_dir / name, headers=headers)


def backups_wire(settings: Settings, now: datetime, language: str) -> dict[str, object]:
    """What stands of them on the disk: the schema `Backups` without `making`."""
    state = backup_state(settings, now)
    return {
        "state": state.verdict,
        "reason": None if state.reason is None else retold(state.reason, language),
        "passphrase": passphrase_origin(settings),
        "items": [
            {"name": each.name, "made_at": wire_time(each.made_at), "size_bytes": each.size_bytes}
            for each in state.kept
        ],
    }


def _progress_wire(progress: Progress) -> dict[str, object]:
    return {"step": progress.step, "done_bytes": progress.done_bytes, "all_bytes": progress.all_bytes}
