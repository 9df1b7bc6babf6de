"""The machine: its state, its backups and its log come from the worker.

The support bundle is packed by a process of its own, which sees what the daemon sees.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL
from gateway.api.passwords import LONGEST, check_password
from gateway.api.relay import Relay
from gateway.clock import utc_now

log = logging.getLogger(__name__)

SHORTEST_PASSPHRASE = 12

MakeBundle = Callable[[], Awaitable[bytes]]
"""A support bundle, whole. Raises TryLater when none can be made now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """What the API has the daemon do with itself. `start_again`: end everything and begin anew."""

    start_again: Callable[[], None]
    make_bundle: MakeBundle
    keep_passphrase: Callable[[str, str], Awaitable[None]]
    """Seals later backups with a passphrase, by the name of who wants it. Raises GatewayError."""
    note: Callable[[str, str], Awaitable[None]]
    """Has it on record that somebody, by name, did something to the gateway itself. Raises StoreError."""


class SystemRoutes:
    """The handlers."""

    def __init__(self, relay: Relay, upkeep: Upkeep) -> None:
        self._relay = relay
        self._upkeep = upkeep
        self._busy = asyncio.Lock()

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/system", self._relay.pass_on),
            web.get("/api/v1/system/log", self._relay.pass_on),
            web.get("/api/v1/backups", self._relay.pass_on),
            web.post("/api/v1/backups", self._post_backup),
            web.get("/api/v1/backups/{name}", self._relay.pass_on),
            web.get("/api/v1/support-bundle", self._get_bundle),
            web.put("/api/v1/backups/passphrase", self._put_passphrase),
        ]

    async def _get_bundle(self, request: web.Request) -> web.Response:
        async with self._busy:
            content = await self._upkeep.make_bundle()
        log.info("%s took a support bundle.", request[PRINCIPAL].name)
        name = f"simbridge-support-{utc_now():%Y%m%d-%H%M%S}.tar.gz"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return web.Response(body=content, content_type="application/gzip", headers=headers)

    async def _post_backup(self, request: web.Request) -> web.Response:
        """Made by the worker, in its own time; it is on record whose wish it was."""
        answer = await self._relay.answer_to(request)
        if answer.status == 202:
            await self._upkeep.note(request[PRINCIPAL].name, "backup.asked-for")
        return answer

    async def _put_passphrase(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"passphrase"}))
        passphrase = bodies.string(body, "passphrase", longest=LONGEST, shortest=SHORTEST_PASSPHRASE)
        who = request[PRINCIPAL]
        check_password(passphrase, name=who.name)
        await self._upkeep.keep_passphrase(passphrase, who.name)
        return web.Response(status=204)
