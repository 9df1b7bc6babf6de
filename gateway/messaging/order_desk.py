"""Knows how far orders are: from the shop's own program where there is one, else from the orders that are kept here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self

from gateway.clock import WallClock
from gateway.errors import StoreError
from gateway.messaging.order_asker import AskShop
from gateway.telephony.order_reading import Reading, SourceTrouble, TriedOut, read_answer
from gateway.telephony.order_status import NoStatus, OrderStatus, Told
from gateway.telephony.orders import Order
from gateway.telephony.shop import ShopView

log = logging.getLogger(__name__)

KEPT_SECONDS = 30.0
"""So long an answer of the shop's program is used again."""
MOST_KEPT = 500


class KeptOrders(Protocol):
    """The orders that are kept here."""

    async def dialled(self, digits: str) -> Sequence[Order]:
        """Those whose numbers have these digits, the last changed first. Raises StoreError."""


class ShopOrderDesk:
    """An OrderDesk. `async with` it: look-ups that still run at the exit are given up."""

    def __init__(self, orders: KeptOrders, *, shop: ShopView, ask: AskShop, clock: WallClock) -> None:
        self._orders = orders
        self._shop = shop
        self._ask = ask
        self._clock = clock
        self._looking: set[asyncio.Task[Told]] = set()
        self._kept: dict[tuple[object, ...], tuple[float, bytes | SourceTrouble]] = {}

    async def __aenter__(self) -> Self:
        """Nothing is begun before the first question."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give up what is still under way."""
        for task in self._looking:
            task.cancel()
        await asyncio.gather(*self._looking, return_exceptions=True)

    def look_up(self, digits: str, caller: str) -> asyncio.Future[Told]:
        """See OrderDesk."""
        looking = asyncio.get_running_loop().create_task(self._told(digits, caller), name=f"order {digits}")
        self._looking.add(looking)
        looking.add_done_callback(self._looking.discard)
        return looking

    async def try_out(self, digits: str) -> TriedOut:
        """What would be told of an order now; the program is asked anew."""
        self._kept.clear()
        reading = await self._reading(digits)
        return TriedOut(told=await self._judged(reading, digits, ""), reading=reading)

    async def _told(self, digits: str, caller: str) -> Told:
        return await self._judged(await self._reading(digits), digits, caller)

    async def _judged(self, reading: Reading | None, digits: str, caller: str) -> Told:
        """The program's word first; what it does not say, or say now, the orders that are kept here do."""
        status = reading.status if reading is not None else None
        if status is not None and status.phone:
            return status
        try:
            kept = await self._kept_order(digits, caller)
        except StoreError as fault:
            log.warning("The orders cannot be read: %s", fault)
            return status if status is not None else NoStatus.AWAY
        if status is not None:
            return replace(status, phone=kept.phone) if kept is not None else status
        if kept is not None:
            return kept
        knows_not = reading is None or reading.trouble is SourceTrouble.NOT_FOUND
        return NoStatus.NOT_FOUND if knows_not else NoStatus.AWAY

    async def _reading(self, digits: str) -> Reading | None:
        shop = self._shop()
        source = shop.order_source
        if not source.url:
            return None
        now, question = asyncio.get_running_loop().time(), (source.url, source.private, shop.order_headers, digits)
        asked_at, answer = self._kept.get(question, (now - KEPT_SECONDS, SourceTrouble.UNREACHABLE))
        if now - asked_at >= KEPT_SECONDS:
            answer = await self._ask(source, shop.order_headers, digits)
            if isinstance(answer, bytes) or answer is SourceTrouble.NOT_FOUND:
                self._keep(question, now, answer)
        if isinstance(answer, SourceTrouble):
            if answer is not SourceTrouble.NOT_FOUND:
                log.info("The shop's program has not answered for an order (%s).", answer)
            return Reading(trouble=answer)
        return read_answer(answer, digits, shop, self._clock())

    def _keep(self, question: tuple[object, ...], now: float, answer: bytes | SourceTrouble) -> None:
        while len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept.pop(question, None)
        self._kept[question] = (now, answer)

    async def _kept_order(self, digits: str, caller: str) -> OrderStatus | None:
        found = await self._orders.dialled(digits)
        own = [order for order in found if caller and order.phone == caller]
        order = next(iter([*own, *found]), None)
        if order is None:
            return None
        return OrderStatus(
            number=order.number, stage=order.stage, phone=order.phone, delivery_on=order.delivery_on,
            delivery_from=order.delivery_from, delivery_to=order.delivery_to,
        )  # fmt: skip
