"""How a courier can be reached, and who is next when that fails: decisions of the flow and of the route test."""

from __future__ import annotations

from dataclasses import replace

from gateway.telephony.causes import Cause
from gateway.telephony.destinations import RingPhones, ToCourier
from gateway.telephony.exchange import Exchange
from gateway.telephony.routing import Arriving, to_dialled
from gateway.telephony.shop import Shop


def has_app(exchange: Exchange, extension: str, caller: Arriving) -> bool:
    """A phone of the courier's extension can be rung, and it is not the one that calls."""
    phone = exchange.shop().phone(extension)
    is_caller = caller.line is None and caller.peer == extension
    return phone is not None and not phone.do_not_disturb and not is_caller and exchange.phones.is_reachable(extension)


def holds_the_only_line(shop: Shop, held: str | None, settings: ToCourier, why: Cause) -> bool:
    """The customer of an order has called the SIM (`held`) by which alone the courier could be reached now."""
    allowed = settings.courier.lines
    is_line = held is not None and shop.line(held) is not None and (not allowed or held in allowed)
    return why is Cause.NO_FREE_LINE and settings.order is not None and is_line


def after_courier(shop: Shop, settings: ToCourier) -> ToCourier | RingPhones | None:
    """Who is next: another courier, or a phone such as the dispatcher's; nobody is asked twice."""
    courier = settings.courier
    passed = (*settings.passed, courier.extension)
    match to_dialled(shop, courier.then) if courier.then is not None else None:
        case ToCourier() as other if other.courier.extension not in passed:
            return replace(other, order=settings.order, passed=passed)
        case RingPhones() as phones if not set(phones.extensions) & set(passed):
            return replace(phones, forwarded_by=passed)
        case _:
            return None
