"""The guard of toll-free numbers: its rules, what today has cost so far, and who is blocked."""

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
from gateway.telephony.number_kind import NumberKind, kind_of_way
from gateway.telephony.shop import LineSettings, TrunkSettings
from gateway.telephony.toll_free import ALARM_SHARE, Block, TollFreeRules, Usage

_RULES = frozenset(each.name for each in fields(TollFreeRules))


class Guard(Protocol):
    """What it has counted."""

    def usage(self, way: str) -> Usage:
        """Of the number of that line or provider, today."""

    def blocks(self) -> Sequence[Block]:
        """Who is blocked now, the one that is free last first."""

    async def lift(self, caller: str, *, by: str) -> bool:
        """Let a blocked caller through again; False: nobody of that number is blocked. Raises StoreError."""


class TollFreeRoutes:
    """The handlers."""

    def __init__(self, shop: ShopFile, guard: Guard) -> None:
        self._shop = shop
        self._guard = guard

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/toll-free", self._get_toll_free),
            web.patch("/api/v1/toll-free", self._patch_toll_free),
            web.post("/api/v1/toll-free/blocks/{caller}/lift", self._post_lift),
        ]

    async def _get_toll_free(self, _request: web.Request) -> web.Response:
        return self._answer()

    async def _patch_toll_free(self, request: web.Request) -> web.Response:
        changes = await bodies.json_object(request, allowed=_RULES)
        await self._shop.change_toll_free(changes, by=request[PRINCIPAL].name)
        return self._answer()

    async def _post_lift(self, request: web.Request) -> web.Response:
        if not await self._guard.lift(request.match_info["caller"], by=request[PRINCIPAL].name):
            raise NotFound("Nobody of that number is blocked.")
        return web.Response(status=204)

    def _answer(self) -> web.Response:
        shop = self._shop.current()
        all_ways: tuple[TrunkSettings | LineSettings, ...] = (*shop.trunks, *shop.lines)
        ways = [way for way in all_ways if kind_of_way(shop, way.name) is NumberKind.TOLL_FREE]
        content = {
            "rules": asdict(shop.toll_free),
            "currency": shop.currency,
            "alarm_share": ALARM_SHARE,
            "numbers": [
                {"way": way.name, "number": way.number or "", **asdict(self._guard.usage(way.name))} for way in ways
            ],
            "blocks": [{"caller": each.caller, "until": wire_time(each.until)} for each in self._guard.blocks()],
        }
        return web.json_response(content, headers={"Cache-Control": "no-store"})
