"""The shop's PBX: where couriers are registered as extensions, and which of them are."""

from __future__ import annotations

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL
from gateway.api.problems import NotFound
from gateway.api.shop_seam import ShopFile

_FIELDS = frozenset({"host", "port", "transport", "passwords"})
_LONGEST_HOST = 255
_LONGEST_PASSWORD = 200


class PbxRoutes:
    """The handlers."""

    def __init__(self, shop: ShopFile) -> None:
        self._shop = shop

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/shop/pbx", self._get_pbx),
            web.put("/api/v1/shop/pbx", self._put_pbx),
            web.delete("/api/v1/shop/pbx", self._delete_pbx),
        ]

    async def _get_pbx(self, _request: web.Request) -> web.Response:
        return self._answer()

    async def _put_pbx(self, request: web.Request) -> web.Response:
        changes = await bodies.json_object(request, allowed=_FIELDS)
        passwords = _passwords(changes.pop("passwords", None))
        if changes.get("host") is not None:
            bodies.string(changes, "host", longest=_LONGEST_HOST)
        await self._shop.change_pbx(changes, passwords, by=request[PRINCIPAL].name)
        return self._answer()

    async def _delete_pbx(self, request: web.Request) -> web.Response:
        try:
            await self._shop.remove_pbx(by=request[PRINCIPAL].name)
        except LookupError as error:
            raise NotFound("The shop has no PBX.") from error
        return web.Response(status=204)

    def _answer(self) -> web.Response:
        return web.json_response(self._shop.pbx(), headers={"Cache-Control": "no-store"})


def _passwords(told: object) -> dict[str, str | None]:
    """By extension; None takes the password away."""
    if told is None:
        return {}
    if not isinstance(told, dict):
        raise bodies.bad_request("The field 'passwords' must be an object: a password for each extension.")
    return {
        extension: None if password is None else bodies.string(told, extension, longest=_LONGEST_PASSWORD)
        for extension, password in told.items()
    }
