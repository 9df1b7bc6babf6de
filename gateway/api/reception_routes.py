"""The reception: its rules with their line of time and what is to be thought over, and the promised call-backs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Protocol

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL
from gateway.api.problems import NotFound
from gateway.api.shop_seam import ShopFile
from gateway.clock import wire_time
from gateway.telephony.promised import PromisedCall
from gateway.telephony.reception import Reception, phases
from gateway.telephony.reception_advice import advice_on

MOST_OVER = 100
"""Of those that are over, the last ones are listed."""
_RULES = frozenset(each.name for each in fields(Reception))


class CallBackList(Protocol):
    """The promised call-backs."""

    def waiting(self) -> Sequence[PromisedCall]:
        """Those that are open, the one that is due first first."""

    async def over(self, *, limit: int) -> Sequence[PromisedCall]:
        """Those that are over, the last changed first."""

    def cancel(self, promise_id: str) -> bool:
        """Take one off; False when it is not open."""


class ReceptionRoutes:
    """The handlers."""

    def __init__(self, shop: ShopFile, call_backs: CallBackList) -> None:
        self._shop = shop
        self._call_backs = call_backs

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/reception", self._get_reception),
            web.patch("/api/v1/reception", self._patch_reception),
            web.get("/api/v1/call-backs", self._get_call_backs),
            web.post("/api/v1/call-backs/{id}/cancel", self._post_cancel),
        ]

    async def _get_reception(self, _request: web.Request) -> web.Response:
        return self._answer()

    async def _patch_reception(self, request: web.Request) -> web.Response:
        changes = await bodies.json_object(request, allowed=_RULES)
        await self._shop.change_reception(changes, by=request[PRINCIPAL].name)
        return self._answer()

    def _answer(self) -> web.Response:
        shop = self._shop.current()
        return _json(
            {
                "rules": asdict(shop.reception),
                "phases": [asdict(phase) for phase in phases(shop.reception)],
                "advice": [asdict(advice) for advice in advice_on(shop)],
            }
        )

    async def _get_call_backs(self, _request: web.Request) -> web.Response:
        waiting, over = self._call_backs.waiting(), await self._call_backs.over(limit=MOST_OVER)
        return _json({"waiting": [_wire(each) for each in waiting], "over": [_wire(each) for each in over]})

    async def _post_cancel(self, request: web.Request) -> web.Response:
        if not self._call_backs.cancel(request.match_info["id"]):
            raise NotFound("No such call-back is waiting.")
        return web.Response(status=204)


def _wire(promise: PromisedCall) -> dict[str, object]:
    times = {name: wire_time(getattr(promise, name)) for name in ("promised_at", "due_at", "expires_at", "changed_at")}
    return {
        "id": promise.id, "number": promise.number, "name": promise.name, "called": promise.called,
        "extensions": list(promise.extensions), "call_id": promise.call_id, "state": str(promise.state),
        "attempts": promise.attempts, "last_cause": promise.last_cause, "visit_id": promise.visit_id, **times,
    }  # fmt: skip


def _json(content: object) -> web.Response:
    return web.json_response(content, headers={"Cache-Control": "no-store"})
