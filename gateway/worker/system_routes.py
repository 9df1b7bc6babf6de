"""The worker's answers about the machine: versions, disk, findings of the doctor, backups, and the log."""

from __future__ import annotations

import asyncio
import platform
import shutil
from datetime import UTC, datetime

from aiohttp import web

from gateway import __version__
from gateway.api.devices import wire_time
from gateway.api.problems import NotFound
from gateway.backup.passphrase import passphrase_origin
from gateway.backup.state import backup_state
from gateway.doctor import machine_state
from gateway.messages import finding_text, pick_language
from gateway.settings import Settings
from gateway.support.bundle import masked_log

SHOWN_LINES = 300


class SystemRoutes:
    """The handlers."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/system", self._get_system),
            web.get("/api/v1/system/log", self._get_log),
            web.get("/api/v1/backups/{name}", self._get_backup),
        ]

    async def _get_system(self, request: web.Request) -> web.Response:
        language = pick_language(request.headers.get("Accept-Language", ""))
        state = await asyncio.to_thread(system_wire, self._settings, language)
        return web.json_response(state, headers={"Cache-Control": "no-store"})

    async def _get_log(self, _request: web.Request) -> web.Response:
        text = await asyncio.to_thread(masked_log, self._settings, SHOWN_LINES)
        return web.json_response({"lines": text.splitlines()}, headers={"Cache-Control": "no-store"})

    async def _get_backup(self, request: web.Request) -> web.FileResponse:
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


def system_wire(settings: Settings, language: str) -> dict[str, object]:
    """The schema `System`; looks at the disk and at the kernel's files."""
    now = datetime.now(UTC)
    disk = shutil.disk_usage(settings.data_dir)
    backups = backup_state(settings, now)
    found = []
    for finding in machine_state(settings):
        title, advice = finding_text(finding.code, language, finding.values)
        severity = finding.severity.lower()
        found.append({"severity": severity, "code": finding.code, "title": title, "advice": advice})
    return {
        "simbridge": __version__,
        "python": platform.python_version(),
        "system": f"{_system_name()} ({platform.machine()})",
        "time": wire_time(now),
        "disk": {"free_bytes": disk.free, "total_bytes": disk.total},
        "findings": found,
        "backups": {
            "state": backups.verdict,
            "reason": backups.reason,
            "passphrase": passphrase_origin(settings),
            "items": [
                {"name": each.name, "made_at": wire_time(each.made_at), "size_bytes": each.size_bytes}
                for each in backups.kept
            ],
        },
    }


def _system_name() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()
