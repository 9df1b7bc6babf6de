"""A desk that knows the orders a test gives it, as quickly as the test wants."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from gateway.api.order_status_routes import OrderStatusTest
from gateway.messaging.order_asker import shop_asker
from gateway.messaging.order_desk import KeptOrders, ShopOrderDesk
from gateway.messaging.outside import Outside
from gateway.telephony.order_status import NoStatus, Told
from gateway.telephony.prompts import PromptBook
from gateway.telephony.shop import ShopView
from gateway.telephony.status_prompts import sound_of


class FakeOrderDesk:
    """`known` are the orders by their digits; an answer takes `seconds`."""

    def __init__(self) -> None:
        self.known: dict[str, Told] = {}
        self.seconds = 0.0
        self.asked: list[tuple[str, str]] = []

    def look_up(self, digits: str, caller: str) -> asyncio.Future[Told]:
        self.asked.append((digits, caller))
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Told] = loop.create_future()
        answer = self.known.get(digits, NoStatus.NOT_FOUND)
        loop.call_later(self.seconds, found.set_result, answer)
        return found


def status_test(orders: KeptOrders, shop: ShopView) -> OrderStatusTest:
    """What the API needs to try order status out, by its orders and the shop's program on this machine."""
    desk = ShopOrderDesk(orders, shop=shop, ask=shop_asker(Outside(["127.0.0.1"]).ask), clock=lambda: datetime.now(UTC))
    return OrderStatusTest(desk=desk, sound=lambda keys: sound_of(keys, PromptBook(shop)))
