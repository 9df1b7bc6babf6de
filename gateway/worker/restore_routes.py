"""The worker's part of a restore: takes the file, opens and judges it, and lets it wait for the daemon's next start."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from datetime import datetime
from urllib.parse import unquote

from aiohttp import web

from gateway.backup.contents import Manifest
from gateway.backup.sealed_file import BackupUnusable
from gateway.backup.waiting import make_ready
from gateway.clock import wire_time
from gateway.settings import Settings

SPARE_BYTES = 200_000_000
"""So much of the disk is left to the running gateway, whatever is sent."""
_PIECE_BYTES = 1 << 20


class RestoreRoutes:
    """The handlers; one restore at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._busy = asyncio.Lock()

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [web.put(path, self._put) for path in ("/api/v1/restore", "/api/v1/setup/restore")]

    async def _put(self, request: web.Request) -> web.Response:
        passphrase = unquote(request.headers.get("X-Backup-Passphrase", ""))
        async with self._busy:
            with tempfile.TemporaryFile(dir=self._settings.data_dir) as file:
                async for piece in request.content.iter_chunked(_PIECE_BYTES):
                    if shutil.disk_usage(self._settings.data_dir).free < SPARE_BYTES:
                        raise BackupUnusable("The disk has no room for this backup.")
                    await asyncio.to_thread(file.write, piece)
                file.seek(0)
                manifest = await asyncio.to_thread(make_ready, self._settings, file, passphrase)
        return web.json_response(restored_wire(manifest), headers={"Cache-Control": "no-store"})


def restored_wire(manifest: Manifest) -> dict[str, object]:
    """The schema `Restored`."""
    return {
        "made_at": wire_time(datetime.fromisoformat(manifest.made_at)),
        "simbridge": manifest.simbridge,
        "files": len(manifest.files),
        "left_out": [name for name in manifest.files if name.startswith("settings/secrets/")],
    }
