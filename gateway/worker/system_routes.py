"""The worker's answers about the machine: versions, disk, findings of the doctor, and the log."""

from __future__ import annotations

import asyncio
import platform
import re
import shutil
from dataclasses import asdict
from datetime import UTC, datetime

from aiohttp import web

from gateway import __version__
from gateway.api import bodies
from gateway.clock import wire_time
from gateway.doctor import machine_state
from gateway.doctor.vitals import Vitals, read_vitals
from gateway.messages import finding_text, pick_language
from gateway.settings import Settings
from gateway.support.bundle import LOG_LINES, masked_log
from gateway.worker.backup_routes import backups_wire

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
        ]

    async def _get_system(self, request: web.Request) -> web.Response:
        language = pick_language(request.headers.get("Accept-Language", ""))
        state = await asyncio.to_thread(system_wire, self._settings, language)
        return web.json_response(state, headers={"Cache-Control": "no-store"})

    async def _get_log(self, request: web.Request) -> web.Response:
        limit = request.query.get("limit", str(SHOWN_LINES))
        if not re.fullmatch(r"[0-9]{1,4}", limit) or not 1 <= int(limit) <= LOG_LINES:
            raise bodies.bad_request(f"'limit' must be a number from 1 to {LOG_LINES}.")
        text = await asyncio.to_thread(masked_log, self._settings, int(limit))
        return web.json_response({"lines": text.splitlines()}, headers={"Cache-Control": "no-store"})


def system_wire(settings: Settings, language: str) -> dict[str, object]:
    """The schema `System`; looks at the disk and at the kernel's files."""
    now = datetime.now(UTC)
    disk = shutil.disk_usage(settings.data_dir)
    vitals = read_vitals()
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
        "vitals": vitals_wire(vitals),
        "findings": found,
        "backups": backups_wire(settings, now, language),
    }


def vitals_wire(vitals: Vitals) -> dict[str, object]:
    """The schema `Vitals`."""
    judged = {"busy": vitals.is_busy, "lacks_memory": vitals.lacks_memory, "hot": vitals.is_hot}
    return {**asdict(vitals), **judged}


def _system_name() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()
