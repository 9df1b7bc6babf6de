"""Couriers: what customers see of their calls, shifts, and the courier's own page: one tap calls a customer."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL
from gateway.api.once import Answers, carried_out_once
from gateway.api.order_routes import Orders
from gateway.api.problems import NotFound, NotNow
from gateway.errors import NoFreeLine
from gateway.telephony.causes import Cause
from gateway.telephony.orders import Order
from gateway.telephony.presented import Presented, presented_routes
from gateway.telephony.shop import CourierSettings, ShopView

LONGEST_TIME = timedelta(days=32)


class CallBack(Protocol):
    """The verb of the switchboard."""

    def __call__(self, extension: str, order: Order | None = None, after: float = 0.0) -> Cause | None:
        """Ring a courier's mobile, then the order's customer; None: it is being done, else why not."""


class CourierDayRow(Protocol):
    """What a courier's calls of a time came to."""

    @property
    def courier(self) -> str:
        """The extension."""

    @property
    def calls(self) -> int:
        """How many there were."""

    @property
    def reached(self) -> int:
        """In how many of them two people talked."""

    @property
    def talk_seconds(self) -> float:
        """For how long."""

    @property
    def cost(self) -> int | None:
        """In hundredths of the currency; None: not known."""


class TriesRow(Protocol):
    """How often people of an order tried to reach each other."""

    @property
    def order(self) -> str:
        """The order's number."""

    @property
    def courier(self) -> str | None:
        """The extension."""

    @property
    def tries(self) -> int:
        """How often."""

    @property
    def reached(self) -> int:
        """How often they did."""


class Charges(Protocol):
    """Where calls are counted; the store's Charges is one."""

    async def days(self, since: datetime, until: datetime) -> Sequence[CourierDayRow]:
        """By courier, of the calls that began in that time."""

    async def tries(self, since: datetime, until: datetime) -> Sequence[TriesRow]:
        """By order, those that were reached least first."""


class SetShift(Protocol):
    """The store's verb."""

    def __call__(self, extension: str, *, on_shift: bool, by: str) -> Awaitable[bool]:
        """Commit whether a courier is on shift; False: there is no such courier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Couriers:
    """What these routes need."""

    shop: ShopView
    orders: Orders
    call_back: CallBack
    set_shift: SetShift
    charges: Charges
    answers: Answers


class CourierRoutes:
    """The handlers."""

    def __init__(self, couriers: Couriers) -> None:
        self._couriers = couriers

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/presented", self._get_presented),
            web.get("/api/v1/couriers/day", self._get_day),
            web.put("/api/v1/couriers/{extension}/shift", self._put_shift),
            web.get("/api/v1/courier/self", self._get_self),
            web.put("/api/v1/courier/shift", self._put_own_shift),
            web.post("/api/v1/courier/orders/{number}/call", self._post_call),
        ]

    async def _get_presented(self, _request: web.Request) -> web.Response:
        routes = presented_routes(self._couriers.shop())
        return _answer(
            {
                "items": [
                    {
                        "caller": route.caller,
                        "to_courier": route.to_courier,
                        "ways": [_way_wire(way) for way in route.ways],
                    }
                    for route in routes
                ]
            }
        )

    async def _get_day(self, request: web.Request) -> web.Response:
        since, until = (bodies.moment(request.query, name) for name in ("since", "until"))
        if since is None or until is None or not since < until <= since + LONGEST_TIME:
            raise bodies.bad_request("'since' and 'until' must be times, at most 32 days apart.")
        days = await self._couriers.charges.days(since, until)
        tries = await self._couriers.charges.tries(since, until)
        return _answer(
            {
                "items": [
                    {
                        "courier": day.courier,
                        "calls": day.calls,
                        "reached": day.reached,
                        "talk_seconds": day.talk_seconds,
                        "cost": None if day.cost is None else day.cost / 100,
                    }
                    for day in days
                ],
                "orders": [
                    {"order": row.order, "courier": row.courier, "tries": row.tries, "reached": row.reached}
                    for row in tries
                ],
            }
        )

    async def _put_shift(self, request: web.Request) -> web.Response:
        return await self._change_shift(request, request.match_info["extension"])

    async def _put_own_shift(self, request: web.Request) -> web.Response:
        return await self._change_shift(request, self._own(request).extension)

    async def _change_shift(self, request: web.Request, extension: str) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"on_shift"}))
        on_shift = bodies.flag(body, "on_shift")
        if not await self._couriers.set_shift(extension, on_shift=on_shift, by=request[PRINCIPAL].name):
            raise NotFound("There is no such courier.")
        return _answer({"on_shift": on_shift})

    async def _get_self(self, request: web.Request) -> web.Response:
        courier = self._own(request)
        shop = self._couriers.shop()
        return _answer(
            {
                "extension": courier.extension,
                "name": courier.name,
                "on_shift": courier.on_shift,
                "shop": shop.name,
            }
        )

    async def _post_call(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset())
        courier, number = self._own(request), request.match_info["number"]

        async def call() -> tuple[int, object]:
            mine = (order for order in self._couriers.orders.alive() if order.courier == courier.extension)
            order = next((order for order in mine if order.number == number), None)
            if order is None:
                raise NotFound("There is no such order.")  # whose it is, is not told (T-W6)
            refusal = self._couriers.call_back(courier.extension, order)
            if refusal is Cause.NO_FREE_LINE:
                raise NoFreeLine("No line that may carry this call is free.")
            if refusal is not None:
                raise NotNow("You are being called, or talk, already.")
            return 202, {"order": order.number}

        return await carried_out_once(request, body, self._couriers.answers, call)

    def _own(self, request: web.Request) -> CourierSettings:
        extension = request[PRINCIPAL].courier
        courier = self._couriers.shop().courier(extension) if extension is not None else None
        if courier is None:
            raise NotFound("Whoever asks is no courier of the shop.")
        return courier


def _way_wire(way: Presented) -> dict[str, object]:
    return {"way": way.way, "by": str(way.by), "number": way.number, "withheld": way.is_withheld}


def _answer(content: object) -> web.Response:
    return web.json_response(content, headers={"Cache-Control": "no-store"})
