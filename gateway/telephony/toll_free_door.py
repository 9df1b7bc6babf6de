"""Where a call to a toll-free number goes, when the guard does not let it through."""

from __future__ import annotations

from gateway.telephony.causes import Cause
from gateway.telephony.exchange import Exchange
from gateway.telephony.leg import Direction, Leg
from gateway.telephony.number_kind import NumberKind, kind_of_way
from gateway.telephony.routing import Announce, Destination, Refuse, to_dialled
from gateway.telephony.toll_free import TurnedAway, WhenSpent


async def at_the_door(exchange: Exchange, call_id: str, leg: Leg) -> Destination | None:
    """Where a caller goes who is not let through; None: the usual way. What is let through is committed by then."""
    shop = exchange.shop()
    if leg.direction is not Direction.INCOMING or kind_of_way(shop, leg.line) is not NumberKind.TOLL_FREE:
        return None
    caller = exchange.policy().normalise(leg.peer) or leg.peer
    is_known = exchange.people.known(caller) is not None or exchange.people.manager_of(caller) is not None
    turned_away = await exchange.toll_free.admit(call_id, leg.line or "", caller, leg_id=leg.id, is_known=is_known)
    if turned_away is None:
        return None
    rules = shop.toll_free
    if turned_away is TurnedAway.BUDGET and rules.when_spent is WhenSpent.FORWARD and rules.forward_to is not None:
        return to_dialled(shop, rules.forward_to)
    if turned_away is TurnedAway.BUDGET and rules.when_spent is WhenSpent.ANNOUNCE:
        return Announce(key="all-busy")
    return Refuse(cause=Cause.BUSY)
