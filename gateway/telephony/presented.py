"""What number the called party sees, by the way that the call takes: one truth table for all (B5, B6).

| way | what is seen |
|---|---|
| a provider | its `number`, or nothing with `withholds_number`; without a `number` what the provider puts there |
| an account at the PBX | what the PBX puts there: the gateway cannot know |
| a SIM line | the SIM's number, or nothing with `hide_number`; GSM lets nobody show another one |

Nobody who calls has a say in it: neither a courier nor a phone can have another number shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.telephony.shop import PBX_PREFIX, Shop


class ShownBy(StrEnum):
    """The kind of way."""

    TRUNK = "trunk"
    PBX = "pbx"
    SIM = "sim"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """What a party sees that is called by `way`. `number` is None where it is withheld, or not known to us."""

    way: str
    by: ShownBy
    number: str | None = None
    is_withheld: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedRoute:
    """Who calls, and what the party sees by each way that may be taken, the first one first.

    `caller` is the extension of a courier, or None for the phones of the shop; `to_courier` that of the courier
    who is called, None where it is a number outside.
    """

    caller: str | None
    to_courier: str | None
    ways: tuple[Presented, ...]


def presented(shop: Shop, way: str) -> Presented:
    """What the called party sees by the way of that name: a trunk, PBX account or line; of others nothing is known."""
    trunk = shop.trunk(way)
    if trunk is not None and way.startswith(PBX_PREFIX):
        return Presented(way=way, by=ShownBy.PBX)
    if trunk is not None:
        number = None if trunk.withholds_number else trunk.number
        return Presented(way=way, by=ShownBy.TRUNK, number=number, is_withheld=trunk.withholds_number)
    line = shop.line(way)
    if line is None:
        return Presented(way=way, by=ShownBy.SIM)
    number = None if line.hide_number else line.number
    return Presented(way=way, by=ShownBy.SIM, number=number, is_withheld=line.hide_number)


def presented_routes(shop: Shop) -> tuple[PresentedRoute, ...]:
    """Every route outside: phones and each courier to a customer, and whoever it is to each courier."""
    trunks = tuple(presented(shop, trunk.name) for trunk in shop.trunks)
    lines = tuple(presented(shop, line.name) for line in shop.lines)
    routes = [PresentedRoute(caller=None, to_courier=None, ways=trunks + lines)]
    accounts = {account.name for account in shop.pbx_accounts}
    for courier in shop.couriers:
        account = PBX_PREFIX + courier.extension
        own = (presented(shop, account),) if account in accounts else ()
        routes.append(PresentedRoute(caller=courier.extension, to_courier=None, ways=own + trunks + lines))
    for courier in shop.couriers:
        allowed = tuple(line for line in lines if not courier.lines or line.way in courier.lines)
        in_order = sorted(allowed, key=lambda each: courier.lines.index(each.way) if courier.lines else 0)
        routes.append(PresentedRoute(caller=None, to_courier=courier.extension, ways=tuple(in_order)))
    return tuple(routes)
