"""What the dashboard shows of the calls of today and of the machine."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Protocol

from aiohttp import web

from gateway.doctor.vitals import read_vitals
from gateway.store.overview import Overview
from gateway.store.recording_room import days_left
from gateway.worker.report_routes import read
from gateway.worker.system_routes import vitals_wire


class OverviewArchive(Protocol):
    """Where the figures are; the store's Reports is one."""

    def overview(self) -> Overview:
        """Blocks; it is called in a thread."""


class OverviewRoutes:
    """The handler. The disk that is told of is that of `recordings_dir`."""

    def __init__(self, archive: OverviewArchive, recordings_dir: Path) -> None:
        self._archive = archive
        self._recordings_dir = recordings_dir

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [web.get("/api/v1/overview", self._get_overview)]

    async def _get_overview(self, _request: web.Request) -> web.Response:
        overview = await read(self._archive.overview)
        machine = await asyncio.to_thread(self._machine, overview)
        return web.json_response({**overview.wire(), **machine}, headers={"Cache-Control": "no-store"})

    def _machine(self, overview: Overview) -> dict[str, object]:
        """`storage` and `vitals` of the schema `Overview`."""
        directory = self._recordings_dir
        while not directory.exists():
            directory = directory.parent
        disk = shutil.disk_usage(directory)
        left = days_left(overview.rate, free_bytes=disk.free, total_bytes=disk.total, keep_days=overview.keep_days)
        return {
            "storage": {
                "free_bytes": disk.free,
                "total_bytes": disk.total,
                "recordings_bytes": overview.rate.kept_bytes,
                "bytes_per_day": overview.rate.bytes_per_day,
                "keep_days": overview.keep_days,
                "days_left": None if left is None else round(left, 1),
            },
            "vitals": vitals_wire(read_vitals()),
        }
