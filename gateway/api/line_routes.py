"""The rules of a line, one by one: what else stands in shop.toml of it ties it to a modem, and is changed there."""

from __future__ import annotations

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL
from gateway.api.problems import NotFound
from gateway.api.shop_seam import ShopFile
from gateway.telephony.shop import LINE_RULES

ACCEPTS_MENU = "accepts_menu_first"
"""In a change of a line or provider: callers are meant to be asked for digits before anybody rings."""


class LineRoutes:
    """The handlers."""

    def __init__(self, shop: ShopFile) -> None:
        self._shop = shop

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/lines/{name}/rules", self._get_rules),
            web.patch("/api/v1/lines/{name}/rules", self._patch_rules),
        ]

    async def _get_rules(self, request: web.Request) -> web.Response:
        return self._answer(request.match_info["name"])

    async def _patch_rules(self, request: web.Request) -> web.Response:
        changes = await bodies.json_object(request, allowed=frozenset(LINE_RULES) | {ACCEPTS_MENU})
        name, accepts = request.match_info["name"], changes.pop(ACCEPTS_MENU, False) is True
        await self._shop.change_line(name, changes, by=request[PRINCIPAL].name, accepts_menu=accepts)
        return self._answer(name)

    def _answer(self, name: str) -> web.Response:
        rules = self._shop.line_rules(name)
        if rules is None:
            raise NotFound("There is no such line.")
        return web.json_response(rules, headers={"Cache-Control": "no-store"})
