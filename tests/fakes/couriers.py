"""What the courier's page does, noted instead of done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.api.courier_routes import Couriers
from gateway.api.once import Answers
from gateway.store.charges import CourierDay, OrderTries
from gateway.store.orders import StoredOrders
from gateway.telephony.causes import Cause
from gateway.telephony.orders import Order
from gateway.telephony.shop import ShopView


class FakeCouriers:
    """`refusal` is what the next call comes to."""

    def __init__(self, shop: ShopView, orders: StoredOrders, answers: Answers) -> None:
        self._shop = shop
        self.called: list[tuple[str, str | None]] = []
        self.shifts: list[tuple[str, bool, str]] = []
        self.refusal: Cause | None = None
        self.day: list[CourierDay] = []
        self.order_tries: list[OrderTries] = []
        self.couriers = Couriers(
            shop=shop,
            orders=orders,
            call_back=self._call_back,
            set_shift=self._set_shift,
            answers=answers,
            charges=self,
        )

    async def days(self, since: datetime, until: datetime) -> Sequence[CourierDay]:
        return self.day

    async def tries(self, since: datetime, until: datetime) -> Sequence[OrderTries]:
        return self.order_tries

    def _call_back(self, extension: str, order: Order | None = None, after: float = 0.0) -> Cause | None:
        del after
        if self.refusal is None:
            self.called.append((extension, order.number if order is not None else None))
        return self.refusal

    async def _set_shift(self, extension: str, *, on_shift: bool, by: str) -> bool:
        self.shifts.append((extension, on_shift, by))
        return self._shop().courier(extension) is not None
