"""A desk that knows the orders a test gives it, as quickly as the test wants."""

from __future__ import annotations

import asyncio

from gateway.telephony.order_status import NoStatus, Told


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
        loop.call_later(self.seconds, lambda: found.done() or found.set_result(answer))
        return found
