"""Orders: for the office and shops' own programs, and for the courier the own ones without any number."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL
from gateway.api.problems import NotFound
from gateway.api.taken_back import taken_back_wire
from gateway.clock import wire_time
from gateway.telephony.orders import Life, Order, Stage

_FIELDS = (
    "number", "phone", "customer", "courier", "stage", "note", "delivery_on", "delivery_from", "delivery_to",
)  # fmt: skip
_COURIERS_STAGES = frozenset({Stage.WITH_COURIER, Stage.DELIVERED})


class Orders(Protocol):
    """The orders of the shop; the store's StoredOrders is one."""

    def alive(self) -> Sequence[Order]:
        """Those that live now, the one that counts most first."""

    def life(self, order: Order) -> Life:
        """What an order is now."""

    def dialled_as(self, order: Order) -> str:
        """What its courier dials for it."""

    async def find(self, number: str) -> Order | None:
        """The order of that number."""

    async def page(
        self, *, search: str, courier: str | None, stage: str | None, after: str | None, limit: int
    ) -> Sequence[Order]:
        """Orders, the newest first."""

    async def add(
        self, values: Mapping[str, str], *, expires_at: datetime | None, by: str, callback_required: bool = False
    ) -> Order:
        """A new order; with `callback_required` its customer stands among those to be called.

        Raises OrdersInvalid, OrderExists.
        """

    async def change(
        self, number: str, values: Mapping[str, str], *, expires_at: datetime | None = None, by: str
    ) -> Order | None:
        """Other values for an order. Raises OrdersInvalid."""

    async def close(self, number: str, *, by: str) -> Order | None:
        """End an order at once."""

    async def put_back(self, number: str, *, by: str) -> Order | None:
        """Have an order as it was before its last change; None: it is too late. Raises OrdersInvalid."""

    async def import_text(self, text: str, *, by: str) -> Any:
        """Take a CSV file, all or nothing; it comes to `added`, `changed`, and its `id`. Raises OrdersInvalid."""

    async def take_back(self, table_id: str, *, by: str) -> Any:
        """Have all orders as before that table: how many are `restored`, the numbers `kept`. None: it is too late."""


class OrderRoutes:
    """The handlers."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/orders", self._get_orders),
            web.post("/api/v1/orders", self._post_order),
            web.post("/api/v1/orders/import", self._post_import),
            web.post("/api/v1/orders/imports/{id}/take-back", self._post_take_back),
            web.get("/api/v1/orders/{number}", self._get_order),
            web.put("/api/v1/orders/{number}", self._put_order),
            web.post("/api/v1/orders/{number}/close", self._post_close),
            web.post("/api/v1/orders/{number}/put-back", self._post_put_back),
            web.get("/api/v1/courier/orders", self._get_own),
            web.put("/api/v1/courier/orders/{number}", self._put_own),
        ]

    async def _get_orders(self, request: web.Request) -> web.Response:
        query = request.query
        limit = query.get("limit", "50")
        if not re.fullmatch(r"[0-9]{1,3}", limit) or not 1 <= int(limit) <= 200:
            raise bodies.bad_request("'limit' must be a number from 1 to 200.")
        stage = query.get("stage") or None
        if stage is not None and stage not in tuple(Stage):
            raise bodies.bad_request(f"'stage' must be one of: {', '.join(Stage)}.")
        found = await self._orders.page(
            search=query.get("search", "").strip()[:64],
            courier=query.get("courier") or None,
            stage=stage,
            after=query.get("cursor") or None,
            limit=int(limit),
        )
        following = found[-1].id if len(found) == int(limit) else None
        return _answer({"items": [self._wire(order) for order in found], "next": following})

    async def _post_order(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({*_FIELDS, "expires_at", "callback_required"}))
        expires_at = bodies.moment(body, "expires_at")
        callback_required = bodies.flag(body, "callback_required", default=True)
        order = await self._orders.add(
            _values(body), expires_at=expires_at, by=request[PRINCIPAL].name, callback_required=callback_required
        )
        return _answer(self._wire(order), status=201)

    async def _post_import(self, request: web.Request) -> web.Response:
        text = await bodies.text(request, media_type="text/csv")
        taken = await self._orders.import_text(text, by=request[PRINCIPAL].name)
        return _answer({"import": taken.id, "added": taken.added, "changed": taken.changed})

    async def _post_take_back(self, request: web.Request) -> web.Response:
        done = await self._orders.take_back(request.match_info["id"], by=request[PRINCIPAL].name)
        return _answer(taken_back_wire(done))

    async def _get_order(self, request: web.Request) -> web.Response:
        return _answer(self._wire(_found(await self._orders.find(request.match_info["number"]))))

    async def _put_order(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({*_FIELDS, "expires_at"}) - {"number"})
        order = await self._orders.change(
            request.match_info["number"],
            _values(body),
            expires_at=bodies.moment(body, "expires_at"),
            by=request[PRINCIPAL].name,
        )
        return _answer(self._wire(_found(order)))

    async def _post_close(self, request: web.Request) -> web.Response:
        order = await self._orders.close(request.match_info["number"], by=request[PRINCIPAL].name)
        return _answer(self._wire(_found(order)))

    async def _post_put_back(self, request: web.Request) -> web.Response:
        """Only the change that is named is taken back, not one that somebody else has made since."""
        body = await bodies.json_object(request, allowed=frozenset({"changed_at"}))
        meant = bodies.moment(body, "changed_at")
        if meant is None:
            raise bodies.bad_request("The field 'changed_at' must say which change is meant.")
        number = request.match_info["number"]
        is_last = wire_time(_found(await self._orders.find(number)).changed_at) == wire_time(meant)
        order = await self._orders.put_back(number, by=request[PRINCIPAL].name) if is_last else None
        if order is None:
            raise NotFound("That change cannot be taken back any more.")
        return _answer(self._wire(order))

    async def _get_own(self, request: web.Request) -> web.Response:
        courier = request[PRINCIPAL].courier
        mine = [order for order in self._orders.alive() if courier is not None and order.courier == courier]
        return _answer({"items": [self._wire_for_courier(order) for order in mine]})

    async def _put_own(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"stage"}))
        stage = bodies.string(body, "stage", longest=16)
        who = request[PRINCIPAL]
        number = request.match_info["number"]
        if not any(order.number == number and order.courier == who.courier for order in self._orders.alive()):
            raise NotFound("There is no such order.")  # whose it is, is not told (T-W6)
        if stage not in _COURIERS_STAGES:
            raise bodies.bad_request(f"A courier's stage must be one of: {', '.join(sorted(_COURIERS_STAGES))}.")
        order = _found(await self._orders.change(number, {"stage": stage}, by=who.name))
        return _answer(self._wire_for_courier(order))

    def _wire(self, order: Order) -> dict[str, object]:
        return {
            "number": order.number,
            "dial": self._orders.dialled_as(order),
            "phone": order.phone,
            "customer": order.customer,
            "courier": order.courier,
            "stage": str(order.stage),
            "note": order.note,
            "life": str(self._orders.life(order)),
            "created_at": wire_time(order.created_at),
            "changed_at": wire_time(order.changed_at),
            "expires_at": wire_time(order.expires_at),
            "ended_at": wire_time(order.ended_at) if order.ended_at is not None else None,
            "delivery_on": order.delivery_on.isoformat() if order.delivery_on is not None else None,
            "delivery_from": f"{order.delivery_from:%H:%M}" if order.delivery_from is not None else None,
            "delivery_to": f"{order.delivery_to:%H:%M}" if order.delivery_to is not None else None,
            "callback_required": order.callback_required,
        }

    def _wire_for_courier(self, order: Order) -> dict[str, object]:
        """What a courier may know of an order: nothing by which the customer could be called past the shop."""
        return {
            "number": order.number,
            "dial": self._orders.dialled_as(order),
            "customer": order.customer,
            "stage": str(order.stage),
            "note": order.note,
            "life": str(self._orders.life(order)),
        }


def _values(body: dict[str, object]) -> dict[str, str]:
    """The fields that are named; null is as an empty text."""
    return {name: "" if body[name] is None else _text(body, name) for name in _FIELDS if name in body}


def _text(body: dict[str, object], name: str) -> str:
    return (bodies.prose if name == "note" else bodies.string)(body, name, longest=500).strip()


def _found(order: Order | None) -> Order:
    if order is None:
        raise NotFound("There is no such order.")
    return order


def _answer(content: object, *, status: int = 200) -> web.Response:
    return web.json_response(content, status=status, headers={"Cache-Control": "no-store"})
