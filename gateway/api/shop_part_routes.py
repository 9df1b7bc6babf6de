"""The shop piece by piece: lines, phones, couriers and providers, and what is so of the whole."""

from __future__ import annotations

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL
from gateway.api.emulated_routes import Emulated, EmulatedModemsRun
from gateway.api.line_routes import ACCEPTS_MENU
from gateway.api.problems import NotFound
from gateway.api.shop_seam import ShopFile
from gateway.telephony.shop_kinds import KEY_OF, changeable

_GENERAL = frozenset(("name", "language", "time_zone", "currency", "country", "recorded_calls", "recording_notice"))
_LONGEST_KEY = 64


class ShopPartRoutes:
    """The handlers."""

    def __init__(self, shop: ShopFile, emulated: Emulated | None) -> None:
        self._shop = shop
        self._emulated = emulated

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/shop/general", self._get_general),
            web.patch("/api/v1/shop/general", self._patch_general),
            web.get("/api/v1/shop/parts/{kind}", self._get_parts),
            web.put("/api/v1/shop/parts/{kind}/{key}", self._put_part),
            web.delete("/api/v1/shop/parts/{kind}/{key}", self._delete_part),
        ]

    async def _get_general(self, _request: web.Request) -> web.Response:
        return _fresh(self._shop.general())

    async def _patch_general(self, request: web.Request) -> web.Response:
        changes = await bodies.json_object(request, allowed=_GENERAL)
        await self._shop.change_general(changes, by=request[PRINCIPAL].name)
        return _fresh(self._shop.general())

    async def _get_parts(self, request: web.Request) -> web.Response:
        return _fresh({"items": self._shop.shop_parts(_kind(request))})

    async def _put_part(self, request: web.Request) -> web.Response:
        kind, key = _kind(request), _key(request)
        changes = await bodies.json_object(request, allowed=changeable(kind) | {ACCEPTS_MENU})
        accepts = changes.pop(ACCEPTS_MENU, False) is True
        if kind == "lines" and self._shop.current().line(key) is None:
            self._refuse_beside_emulated()
        await self._shop.change_part(kind, key, changes, by=request[PRINCIPAL].name, accepts_menu=accepts)
        found = next(each for each in self._shop.shop_parts(kind) if each[KEY_OF[kind]] == key)
        return _fresh(found)

    async def _delete_part(self, request: web.Request) -> web.Response:
        try:
            await self._shop.remove_part(_kind(request), _key(request), by=request[PRINCIPAL].name)
        except LookupError as error:
            raise NotFound("There is no such part of the shop.") from error
        return web.Response(status=204)

    def _refuse_beside_emulated(self) -> None:
        """A line of a real modem does not stand among emulated ones."""
        if self._emulated is not None and self._emulated.state in ("on", "starting"):
            raise EmulatedModemsRun("Emulated modems run: end them before a real one becomes a line.")


def _kind(request: web.Request) -> str:
    kind = request.match_info["kind"]
    if kind not in KEY_OF:
        raise NotFound("There is no such kind of parts.")
    return kind


def _key(request: web.Request) -> str:
    key = request.match_info["key"]
    if len(key) > _LONGEST_KEY:
        raise bodies.bad_request(f"The name is longer than {_LONGEST_KEY} characters.")
    return key


def _fresh(body: dict[str, object]) -> web.Response:
    return web.json_response(body, headers={"Cache-Control": "no-store"})
