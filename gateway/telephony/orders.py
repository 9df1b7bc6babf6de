"""Orders: what ties a customer and a courier, for as long as the order lives (B1, B2).

While an order lives the customer reaches the courier by calling any number of the shop, and the courier reaches
the customer by the order's number; neither learns the number of the other. An order is open until it is delivered,
cancelled or past its time, then in grace for a while (a forgotten bag), then closed: from there on its customer is a
caller like any other. Who wins where several orders could is decided by `alive`, in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeAlias


class Stage(StrEnum):
    """How far an order is."""

    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    PACKED = "packed"
    SHIPPED = "shipped"
    IN_TRANSIT = "in-transit"
    WITH_COURIER = "with-courier"
    DELIVERED = "delivered"
    RETURNED = "returned"
    CANCELLED = "cancelled"


LAST_STAGES = frozenset({Stage.DELIVERED, Stage.RETURNED, Stage.CANCELLED})
"""With these the order is over, and its grace begins."""


class Life(StrEnum):
    """Whether an order ties its people together."""

    OPEN = "open"
    GRACE = "grace"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order. `phone` is the customer's number, E.164; `courier` an extension."""

    id: str
    number: str
    phone: str
    customer: str = ""
    courier: str | None = None
    stage: Stage = Stage.ACCEPTED
    note: str = ""
    created_at: datetime
    changed_at: datetime
    expires_at: datetime
    """When it is over by itself."""
    ended_at: datetime | None = None
    """When it came to its last stage."""
    closed_at: datetime | None = None
    """When somebody closed it, without grace."""
    delivery_on: date | None = None
    """The day on which it is to be delivered, by the shop's calendar."""
    delivery_from: time | None = None
    delivery_to: time | None = None
    """Between which hours of that day."""
    callback_required: bool = False
    """Somebody of the shop has to call the customer about it (C7)."""

    def life(self, now: datetime, grace: timedelta) -> Life:
        """What it is at that moment."""
        if self.closed_at is not None:
            return Life.CLOSED
        end = min(self.expires_at, self.ended_at) if self.ended_at is not None else self.expires_at
        if now < end:
            return Life.OPEN
        return Life.GRACE if now < end + grace else Life.CLOSED

    @property
    def digits(self) -> str:
        """What a courier dials for it: the digits of its number."""
        return "".join(character for character in self.number if character in "0123456789")


OrderView: TypeAlias = Callable[[], Sequence[Order]]
"""Gives the orders that live now, in the order of `alive`."""


def alive(orders: Iterable[Order], now: datetime, grace: timedelta) -> tuple[Order, ...]:
    """Those that live, the one that counts most first: open before grace, with the courier before the rest.

    Then the one that was changed last counts. So a customer with two orders reaches the courier who is on the way, and
    of two with the same digits a courier reaches the customer of the later one.
    """
    living = [(order, life) for order in orders if (life := order.life(now, grace)) is not Life.CLOSED]
    living.sort(key=lambda pair: pair[0].changed_at, reverse=True)
    living.sort(key=lambda pair: (pair[1] is not Life.OPEN, pair[0].stage is not Stage.WITH_COURIER))
    return tuple(order for order, _ in living)


def order_of_customer(orders: Sequence[Order], number: str) -> Order | None:
    """The order whose courier a caller with that number (E.164) reaches; a withheld number reaches nobody."""
    return next((order for order in orders if number and order.courier and order.phone == number), None)


def order_of_courier(orders: Sequence[Order], courier: str, dialled: str) -> Order | None:
    """The order of that courier which these digits mean; nobody reaches the customer of another one's order."""
    return next((order for order in orders if dialled and order.courier == courier and order.digits == dialled), None)
