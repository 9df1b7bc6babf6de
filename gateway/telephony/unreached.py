"""An alert when the customer of a living order was called in vain again and again (B9)."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.events import AlertCleared, AlertRaised, LegAnswered, LegEnded, LegStarted, Publish, Published
from gateway.telephony.leg import Direction
from gateway.telephony.orders import OrderView
from gateway.telephony.promised import NOT_THE_CUSTOMER
from gateway.telephony.shop import ShopView

CODE = "customer-unreachable"


class UnreachedCustomers:
    """A subscriber of the bus. It forgets orders that live no more; a call by a way that failed is none in vain."""

    def __init__(
        self, *, shop: ShopView, orders: OrderView, publish: Publish, in_vain: Mapping[str, int] | None = None
    ) -> None:
        """`in_vain` is what has been counted before this start, by the numbers of living orders."""
        self._shop = shop
        self._orders = orders
        self._publish = publish
        self._legs: dict[str, str] = {}
        """The legs that ring a customer now, and the numbers of their orders."""
        self._in_vain = dict(in_vain or {})

    def __call__(self, published: Published) -> None:
        """Count what was in vain; an answer ends it."""
        match published.event:
            case LegStarted(direction=Direction.OUTGOING, line=str()) as event:
                order = next((each for each in self._orders() if each.phone == event.peer), None)
                if order is not None:
                    self._legs[event.leg_id] = order.number
            case LegAnswered(leg_id=leg_id) if leg_id in self._legs:
                number = self._legs.pop(leg_id)
                if self._in_vain.pop(number, 0) >= self._most:
                    self._publish(AlertCleared(code=CODE, subject=number))
            case LegEnded(leg_id=leg_id, cause=cause) if leg_id in self._legs:
                number = self._legs.pop(leg_id)
                if cause not in NOT_THE_CUSTOMER:
                    self._count(number)
            case _:
                pass

    def tell(self) -> None:
        """Raise the alerts that stand from before this start: alerts end with a daemon."""
        for number, tries in self._in_vain.items():
            if tries >= self._most:
                self._raise(number, tries)

    @property
    def _most(self) -> int:
        return self._shop().orders.alert_after

    def _count(self, number: str) -> None:
        living = {order.number for order in self._orders()}
        for gone in self._in_vain.keys() - living:
            if self._in_vain.pop(gone) >= self._most:
                self._publish(AlertCleared(code=CODE, subject=gone))
        self._in_vain[number] = tries = self._in_vain.get(number, 0) + 1
        if tries == self._most:
            self._raise(number, tries)

    def _raise(self, number: str, tries: int) -> None:
        self._publish(AlertRaised(code=CODE, subject=number, values={"order": number, "tries": str(tries)}))
