"""An order as people and programs write it: every value is looked at before it is taken."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gateway.errors import OrdersInvalid
from gateway.ids import new_id
from gateway.telephony.delivery import read_day, read_hours
from gateway.telephony.numbers import Dialable, NumberPolicy
from gateway.telephony.orders import LAST_STAGES, Order, Stage
from gateway.telephony.shop import Shop
from gateway.telephony.stage_words import stage_of

_LONGEST = {"number": 32, "customer": 100, "note": 500, "phone": 64, "courier": 16, "stage": 40}
_LONGEST_DELIVERY = 40
_NUMBER = re.compile(r"[\w./-]*[0-9][\w./-]*")


def blank(number: str, expires_at: datetime | None, *, shop: Shop, now: datetime) -> Order:
    """A new order of which nothing but the number is known; it lives for `open_days` where no end is given."""
    expires_at = expires_at or now + timedelta(days=shop.orders.open_days)
    return Order(id=new_id(), number=number, phone="", created_at=now, changed_at=now, expires_at=expires_at)


def checked(order: Order, values: Mapping[str, str], *, shop: Shop, now: datetime) -> Order:
    """The order with these values put in. Raises OrdersInvalid."""
    for name, value in values.items():
        if len(value) > _LONGEST.get(name, _LONGEST_DELIVERY) or any(
            ord(character) < 32 and character != "\n" for character in value
        ):
            raise invalid(f"The {name} is too long, or holds characters that cannot be shown.")
    number = values.get("number", order.number)
    phone = order.phone
    if "phone" in values or not phone:
        verdict = NumberPolicy(shop.numbers).check(values.get("phone", ""))
        if not isinstance(verdict, Dialable) or verdict.emergency:
            raise invalid(f"The phone {values.get('phone', '')!r} is no number that may be called.")
        phone = verdict.digits
    if not _NUMBER.fullmatch(number):
        raise invalid(f"The number {number!r} must have a digit, and only letters, digits, dots, dashes, slashes.")
    courier = (values["courier"] or None) if "courier" in values else order.courier
    if courier is not None and shop.courier(courier) is None:
        raise invalid(f"There is no courier {courier!r}.")
    stage = order.stage
    if values.get("stage"):
        known = stage_of(values["stage"], shop.order_words)
        if known is None:
            raise invalid(
                f"The stage {values['stage']!r} must be one of: {', '.join(Stage)}; or a word that your table of"
                " stages knows."
            )
        stage = known
    is_over = stage in LAST_STAGES
    return replace(
        order,
        number=number,
        phone=phone,
        courier=courier,
        stage=stage,
        customer=values.get("customer", order.customer),
        note=values.get("note", order.note),
        changed_at=now,
        ended_at=(order.ended_at or now) if is_over else None,
        closed_at=order.closed_at if is_over else None,
        **_delivery(order, values, now, shop),
    )


def invalid(problem: str) -> OrdersInvalid:
    """The fault that says so."""
    return OrdersInvalid(problem, problem=problem)


def _delivery(order: Order, values: Mapping[str, str], now: datetime, shop: Shop) -> dict[str, Any]:
    """The day and the hours; what is not named stays, an empty text takes it away. Raises OrdersInvalid."""
    on, begins, ends = order.delivery_on, order.delivery_from, order.delivery_to
    try:
        if "delivery_on" in values:
            text = values["delivery_on"]
            on = read_day(text, now, ZoneInfo(shop.time_zone)) if text else None
        if "delivery_from" in values or "delivery_to" in values:
            first = values.get("delivery_from", f"{begins:%H:%M}" if begins is not None else "")
            last = values.get("delivery_to", f"{ends:%H:%M}" if ends is not None else "")
            begins, ends = read_hours(first, last)
    except ValueError as fault:
        raise invalid(
            "The day of delivery must be like 2026-11-25, 25.11.2026 or the days from today, its hours like 14:00."
        ) from fault
    return {"delivery_on": on, "delivery_from": begins, "delivery_to": ends}
