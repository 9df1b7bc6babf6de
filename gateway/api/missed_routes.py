"""Missed customers: a person says that nobody need call one back."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL
from gateway.api.problems import NotFound

LONGEST_REASON = 200


class Missed(Protocol):
    """The list; the store's StoredMissed is one."""

    async def close(self, number: str = "", *, reason: str, by: str, call_id: str | None = None) -> bool:
        """Say why nobody need call that number back, or the caller of that call; False: it is not on the list."""


class MissedRoutes:
    """The handlers."""

    def __init__(self, missed: Missed) -> None:
        self._missed = missed

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [web.post("/api/v1/missed/close", self._post_close)]

    async def _post_close(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"number", "call_id", "reason"}))
        if ("number" in body) is ("call_id" in body):
            raise bodies.bad_request("One of 'number' and 'call_id' must say who it is.")
        whom = {name: bodies.string(body, name, shortest=1, longest=36) for name in body.keys() - {"reason"}}
        reason = bodies.string(body, "reason", shortest=1, longest=LONGEST_REASON).strip()
        if not reason:
            raise bodies.bad_request("The field 'reason' must say why nobody need call back.")
        if not await self._missed.close(**whom, reason=reason, by=request[PRINCIPAL].name):
            raise NotFound("Nobody of that number, or of that call, waits to be called back.")
        return web.Response(status=204)
