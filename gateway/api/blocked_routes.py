"""Blocked numbers: the list, one more, and one less."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL
from gateway.api.problems import NotFound
from gateway.clock import wire_time
from gateway.telephony.blocked import BlockedNumber

LONGEST_REASON = 200
MOST_DAYS = 3650


class Blocked(Protocol):
    """The numbers; the store's StoredBlocked is one. `block` raises NumberNotBlockable."""

    def listed(self) -> Sequence[BlockedNumber]:
        """Those that are blocked now, the newest first."""

    async def block(self, number: str, *, by: str, why: str = "", days: int | None = None) -> BlockedNumber:
        """Block a number for so many days, or until it is unblocked."""

    async def unblock(self, number: str, *, by: str) -> bool:
        """Let the number through again; False: it was not blocked."""


class BlockedRoutes:
    """The handlers."""

    def __init__(self, blocked: Blocked) -> None:
        self._blocked = blocked

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/blocked", self._get_blocked),
            web.post("/api/v1/blocked", self._post_blocked),
            web.delete("/api/v1/blocked/{number}", self._delete_blocked),
        ]

    async def _get_blocked(self, _request: web.Request) -> web.Response:
        items = [_wire(each) for each in self._blocked.listed()]
        return web.json_response({"items": items}, headers={"Cache-Control": "no-store"})

    async def _post_blocked(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"number", "why", "days"}))
        number = bodies.string(body, "number", shortest=1, longest=64)
        why = bodies.string({"why": body.get("why") or ""}, "why", longest=LONGEST_REASON).strip()
        days = body.get("days")
        if days is not None and (isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MOST_DAYS):
            raise bodies.bad_request(f"The field 'days' must be a number from 1 to {MOST_DAYS}, or null.")
        blocked = await self._blocked.block(number, by=request[PRINCIPAL].name, why=why, days=days)
        return web.json_response(_wire(blocked), status=201)

    async def _delete_blocked(self, request: web.Request) -> web.Response:
        if not await self._blocked.unblock(request.match_info["number"], by=request[PRINCIPAL].name):
            raise NotFound("That number is not blocked.")
        return web.Response(status=204)


def _wire(blocked: BlockedNumber) -> dict[str, object]:
    until = blocked.until
    return {
        "number": blocked.number, "by": blocked.by, "at": wire_time(blocked.at), "why": blocked.why,
        "until": None if until is None else wire_time(until),
    }  # fmt: skip
