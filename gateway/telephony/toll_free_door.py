"""Where a call to a toll-free number goes, when the guard does not let it through."""

from __future__ import annotations

from datetime import datetime

from gateway.telephony.causes import Cause
from gateway.telephony.destinations import Announce, Destination, Refuse
from gateway.telephony.exchange import Exchange
from gateway.telephony.leg import Direction, Leg
from gateway.telephony.number_kind import NumberKind, kind_of_way
from gateway.telephony.routing import to_dialled
from gateway.telephony.shop import Shop
from gateway.telephony.toll_free import TurnedAway, WhenSpent


async def at_the_door(exchange: Exchange, call_id: str, leg: Leg) -> Destination | None:
    """Where a caller goes who is not let through; None: the usual way. What is let through is committed by then."""
    shop = exchange.shop()
    if leg.direction is not Direction.INCOMING or kind_of_way(shop, leg.line) is not NumberKind.TOLL_FREE:
        return None
    caller = exchange.policy().normalise(leg.peer) or leg.peer
    is_known = is_known_at_the_door(exchange, caller, exchange.clock())
    turned_away = await exchange.toll_free.admit(call_id, leg.line or "", caller, leg_id=leg.id, is_known=is_known)
    return None if turned_away is None else away_from_the_door(shop, turned_away)


def is_known_at_the_door(exchange: Exchange, caller: str, at: datetime) -> bool:
    """A contact or a regular customer, who is always let through."""
    return exchange.people.known(caller) is not None or exchange.people.manager_of(caller, at) is not None


def away_from_the_door(shop: Shop, turned_away: TurnedAway) -> Destination:
    """What those meet who are not let through."""
    rules = shop.toll_free
    if turned_away is TurnedAway.BUDGET and rules.when_spent is WhenSpent.FORWARD and rules.forward_to is not None:
        return to_dialled(shop, rules.forward_to)
    if turned_away is TurnedAway.BUDGET and rules.when_spent is WhenSpent.ANNOUNCE:
        return Announce(key="all-busy")
    return Refuse(cause=Cause.BUSY)
