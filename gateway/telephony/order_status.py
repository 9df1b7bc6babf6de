"""The status of an order, told by telephone: the owner's rules, and what is known of an order (A18, A19)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum
from typing import Protocol, TypeAlias

from gateway.telephony.orders import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStatusRules:
    """Where the status of orders is told; nowhere, until the owner gives it a number of its own (A10)."""

    extension: str = ""
    """What a phone of the shop dials for it, or hands a caller over to; empty: nothing."""
    ways: tuple[str, ...] = ()
    """Lines and providers whose numbers belong to it: who calls one is asked for the order at once."""
    tries: int = 3
    """So many numbers without an order; then the staff."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSource:
    """Where the shop's own program answers for an order; paths are dotted: `order.delivery.date`, `items.0.status`."""

    url: str = ""
    """With `{number}` in the place of the digits that the caller has pressed; empty: there is none."""
    private: bool = False
    """The program may stand in a private network; otherwise no private address is asked, whatever the name means."""
    stage: str = "status"
    phone: str = "phone"
    delivery_on: str = ""
    delivery_from: str = ""
    delivery_to: str = ""


PATHS = ("stage", "phone", "delivery_on", "delivery_from", "delivery_to")
"""The fields that are found by a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHeader:
    """A header of the question, such as `Authorization`."""

    name: str
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStatus:
    """What is known of an order. `phone` is the customer's, E.164; empty: unknown."""

    number: str
    stage: Stage
    phone: str = ""
    delivery_on: date | None = None
    delivery_from: time | None = None
    delivery_to: time | None = None


class NoStatus(StrEnum):
    """Why nothing can be said."""

    NOT_FOUND = "not-found"
    AWAY = "away"
    """Nobody knows now: the shop's program does not answer, or not in a way that is understood."""


Told: TypeAlias = OrderStatus | NoStatus


class OrderDesk(Protocol):
    """Knows how far orders are."""

    def look_up(self, digits: str, caller: str) -> asyncio.Future[Told]:
        """Begin to look, at once; the end is never more than some seconds away and raises nothing.

        Of several orders with these digits the one of `caller` (E.164) is meant, else the one that changed last.
        """


class NoOrderDesk:
    """Knows nothing."""

    def look_up(self, digits: str, caller: str) -> asyncio.Future[Told]:  # noqa: ARG002  # the verb's form
        """There is no order."""
        found: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        found.set_result(NoStatus.NOT_FOUND)
        return found
