"""Asks the shop's own program for an order by HTTP, with short patience, by the one way out (T-W5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from gateway.messaging.outside import AddressBarred, AddressUnusable, Ask, Question, ServerAway
from gateway.telephony.order_reading import SourceTrouble
from gateway.telephony.order_status import OrderHeader, OrderSource

PATIENCE_SECONDS = 2.0

AskShop: TypeAlias = Callable[[OrderSource, Sequence[OrderHeader], str], Awaitable[bytes | SourceTrouble]]
"""The answer for an order, within some seconds, or why there is none."""


def shop_asker(ask: Ask) -> AskShop:
    """What asks for an order; its last argument are digits and nothing else."""

    async def ask_shop(source: OrderSource, headers: Sequence[OrderHeader], digits: str) -> bytes | SourceTrouble:
        asked = {"Accept": "application/json"}
        asked |= {header.name: header.secret for header in headers if header.secret}
        try:
            address = source.url.replace("{number}", digits)
            answer = await ask(Question("GET", address, headers=asked, seconds=PATIENCE_SECONDS))
        except ServerAway as away:
            return SourceTrouble.TOO_SLOW if away.values["is_slow"] else SourceTrouble.UNREACHABLE
        except AddressBarred:
            return SourceTrouble.PRIVATE_ADDRESS
        except AddressUnusable:
            return SourceTrouble.UNREACHABLE
        if answer.status != 200:
            return _TROUBLES.get(answer.status, SourceTrouble.FAILED)
        return SourceTrouble.TOO_LARGE if answer.is_cut else answer.body

    return ask_shop


_TROUBLES = {
    401: SourceTrouble.REFUSED,
    403: SourceTrouble.REFUSED,
    404: SourceTrouble.NOT_FOUND,
    410: SourceTrouble.NOT_FOUND,
}
