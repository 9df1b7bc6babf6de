"""What the shop was before its last changes, and the way back there."""

from __future__ import annotations

import re

from aiohttp import web

from gateway.api.auth import PRINCIPAL
from gateway.api.problems import NotFound
from gateway.api.shop_seam import ShopFile, Version
from gateway.clock import wire_time


class ShopVersionRoutes:
    """The handlers."""

    def __init__(self, versions: ShopFile) -> None:
        self._versions = versions

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/shop/versions", self._get),
            web.post("/api/v1/shop/versions/{number}/restore", self._post_restore),
        ]

    async def _get(self, _request: web.Request) -> web.Response:
        items = [_wire(each) for each in await self._versions.versions()]
        return web.json_response({"items": items}, headers={"Cache-Control": "no-store"})

    async def _post_restore(self, request: web.Request) -> web.Response:
        number, by = request.match_info["number"], request[PRINCIPAL].name
        is_number = re.fullmatch(r"[0-9]{1,9}", number) is not None
        if not is_number or not await self._versions.restore_version(int(number), by=by):
            raise NotFound("That version of the shop is not kept.")
        return web.Response(status=204)


def _wire(version: Version) -> dict[str, object]:
    return {
        "number": version.number,
        "saved_at": wire_time(version.saved_at),
        "saved_by": version.saved_by,
        "changed": None if version.changed is None else list(version.changed),
    }
