"""The status of orders by telephone: its rules, and a test that shows and speaks what a caller would be told."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL
from gateway.api.problems import NotFound
from gateway.api.shop_seam import ShopFile
from gateway.clock import WallClock, utc_now
from gateway.telephony.order_reading import TriedOut
from gateway.telephony.order_status import OrderStatus
from gateway.telephony.status_prompts import said, status_prompts

_PARTS = frozenset({"order_words", "order_source", "order_headers", "order_status"})
MOST_KEYS = 40


class TryOut(Protocol):
    """Looks an order up as for a caller; the OrderDesk of messaging is one."""

    async def try_out(self, digits: str) -> TriedOut:
        """What would be told of an order now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStatusTest:
    """What the test needs. `sound` gives prompts one after the other as a WAV file. It raises KeyError."""

    desk: TryOut
    sound: Callable[[Sequence[str]], bytes]
    clock: WallClock = utc_now


class OrderStatusRoutes:
    """The handlers."""

    def __init__(self, shop: ShopFile, test: OrderStatusTest) -> None:
        self._shop = shop
        self._test = test

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/order-status", self._get_rules),
            web.put("/api/v1/order-status", self._put_rules),
            web.post("/api/v1/order-status/test", self._post_test),
            web.get("/api/v1/order-status/phrase", self._get_phrase),
        ]

    async def _get_rules(self, _request: web.Request) -> web.Response:
        return self._answer()

    async def _put_rules(self, request: web.Request) -> web.Response:
        table = await bodies.json_object(request, allowed=_PARTS)
        await self._shop.change_order_status(table, by=request[PRINCIPAL].name)
        return self._answer()

    def _answer(self) -> web.Response:
        shop = self._shop.current()
        return _json(
            {
                "order_words": [{"word": each.word, "stage": str(each.stage)} for each in shop.order_words],
                "order_source": asdict(shop.order_source),
                "order_headers": [
                    {"name": header.name, "has_secret": header.secret is not None} for header in shop.order_headers
                ],
                "order_status": asdict(shop.order_status),
                "ways": [
                    *({"name": trunk.name, "number": trunk.number} for trunk in shop.trunks),
                    *({"name": line.name, "number": line.number} for line in shop.lines),
                ],
            }
        )

    async def _post_test(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"number"}))
        digits = re.sub(r"[^0-9]", "", bodies.string(body, "number", shortest=1, longest=32))
        if not digits:
            raise bodies.bad_request("The field 'number' must have a digit.")
        tried = await self._test.desk.try_out(digits)
        shop, told, reading = self._shop.current(), tried.told, tried.reading
        keys: tuple[str, ...] = ()
        if isinstance(told, OrderStatus):
            keys = status_prompts(told, digits, self._test.clock(), ZoneInfo(shop.time_zone))
        return _json(
            {
                "told": "status" if isinstance(told, OrderStatus) else str(told),
                "stage": str(told.stage) if isinstance(told, OrderStatus) else None,
                "phone": told.phone if isinstance(told, OrderStatus) else "",
                "asked": reading is not None,
                "trouble": str(reading.trouble) if reading is not None and reading.trouble is not None else None,
                "found": dict(reading.found) if reading is not None else {},
                "phrase": await asyncio.to_thread(said, keys, shop.language) if keys else "",
                "keys": list(keys),
            }
        )

    async def _get_phrase(self, request: web.Request) -> web.Response:
        keys = request.query.get("keys", "").split(",")
        if len(keys) > MOST_KEYS:
            raise bodies.bad_request(f"'keys' must be {MOST_KEYS} at most.")
        try:
            sound = await asyncio.to_thread(self._test.sound, keys)
        except KeyError as fault:
            raise NotFound("There is no such prompt.") from fault
        return web.Response(body=sound, content_type="audio/wav", headers={"Cache-Control": "no-store"})


def _json(content: object) -> web.Response:
    return web.json_response(content, headers={"Cache-Control": "no-store"})
