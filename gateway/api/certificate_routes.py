"""The panel's own certificate: an owner's to change, judged by the worker, and on record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.api.auth import PRINCIPAL
from gateway.api.relay import Relay
from gateway.errors import OwnersOnly


class CertificateRoutes:
    """The handlers. `note` has it on record that somebody did something to the gateway itself."""

    def __init__(self, relay: Relay, note: Callable[[str, str], Awaitable[None]]) -> None:
        self._relay = relay
        self._note = note

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.post("/api/v1/certificate/read", self._relay.answer_to),
            web.put("/api/v1/certificate", self._put),
            web.delete("/api/v1/certificate", self._delete),
        ]

    async def _put(self, request: web.Request) -> web.Response:
        return await self._change(request, "certificate.changed")

    async def _delete(self, request: web.Request) -> web.Response:
        return await self._change(request, "certificate.removed")

    async def _change(self, request: web.Request, action: str) -> web.Response:
        who = request[PRINCIPAL]
        if who.role != "owner":
            raise OwnersOnly("Whose certificate the panel shows is for an owner to say.")
        answer = await self._relay.answer_to(request)
        if answer.status < 300:
            await self._note(who.name, action)
        return answer
