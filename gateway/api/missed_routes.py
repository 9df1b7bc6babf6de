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

    async def close(self, number: str = "", *, reason: str, by: str, call_id: str | None = None) -> str | None:
        """Say why nobody need call that number back, or the caller of that call; None: it is not on the list.

        What is returned is the id by which it is taken back.
        """

    async def reopen(self, closure_id: str, *, by: str) -> bool:
        """Take back what was said; False: nothing of that id was."""


class MissedRoutes:
    """The handlers."""

    def __init__(self, missed: Missed) -> None:
        self._missed = missed

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.post("/api/v1/missed/close", self._post_close),
            web.delete("/api/v1/missed/closures/{id}", self._delete_closure),
        ]

    async def _post_close(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"number", "call_id", "reason"}))
        if ("number" in body) is ("call_id" in body):
            raise bodies.bad_request("One of 'number' and 'call_id' must say who it is.")
        whom = {name: bodies.string(body, name, shortest=1, longest=36) for name in body.keys() - {"reason"}}
        reason = bodies.string(body, "reason", shortest=1, longest=LONGEST_REASON).strip()
        if not reason:
            raise bodies.bad_request("The field 'reason' must say why nobody need call back.")
        closure_id = await self._missed.close(**whom, reason=reason, by=request[PRINCIPAL].name)
        if closure_id is None:
            raise NotFound("Nobody of that number, or of that call, waits to be called back.")
        return web.json_response({"id": closure_id}, status=201)

    async def _delete_closure(self, request: web.Request) -> web.Response:
        if not await self._missed.reopen(request.match_info["id"], by=request[PRINCIPAL].name):
            raise NotFound("Nothing of that id was said.")
        return web.Response(status=204)
