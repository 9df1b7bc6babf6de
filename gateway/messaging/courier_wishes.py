"""A courier writes "1001" to a SIM of the shop: the registered mobile is rung, and the order's customer after a key.

The sender's number authorises nothing (T-F9): whoever forges it makes that mobile ring, five times an hour at most.
Nobody is answered by SMS.
"""

from __future__ import annotations

import logging

from gateway.events import Published, SmsReceived
from gateway.telephony.exchange import CallBackVerb
from gateway.telephony.numbers import NumberPolicy
from gateway.telephony.orders import OrderView, order_of_courier
from gateway.telephony.shop import ShopView

log = logging.getLogger(__name__)

RELAX_SECONDS = 1.0
_LONGEST_WISH = 20


class CourierWishes:
    """A subscriber of the bus. Only couriers for whom the owner has allowed it (`by_sms`) are heard."""

    def __init__(self, *, shop: ShopView, orders: OrderView, call_back: CallBackVerb) -> None:
        self._shop = shop
        self._orders = orders
        self._call_back = call_back

    def __call__(self, published: Published) -> None:
        """Ring the courier if that is what the SMS asks for."""
        event, shop = published.event, self._shop()
        if not isinstance(event, SmsReceived) or not event.sender or not event.text:
            return
        wish = event.text.strip()
        if len(wish) > _LONGEST_WISH or not any(courier.by_sms for courier in shop.couriers):
            return
        sender = NumberPolicy(shop.numbers).normalise(event.sender) or event.sender
        courier = shop.courier_by_mobile(sender)
        if courier is None or not courier.by_sms:
            return
        order = order_of_courier(self._orders(), courier.extension, wish)
        if order is None:
            log.info("Courier %s has asked by SMS for an order that is none of the own living ones.", courier.extension)
            return
        refusal = self._call_back(courier.extension, order, RELAX_SECONDS)
        if refusal is not None:
            log.info("Courier %s has asked by SMS to be called, but: %s.", courier.extension, refusal)
