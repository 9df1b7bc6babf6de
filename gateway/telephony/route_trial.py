"""The route test: "number X calls Y at time Z", told step by step by the same decisions that a call follows.

It tells what happens if nobody answers and nobody presses a key. Phones, lines and minutes count as they are now;
hours, holidays, orders and the guard as they are at the moment that is asked about.
"""

from __future__ import annotations

from gateway.errors import NoSuchWay
from gateway.telephony.blocked import when_blocked
from gateway.telephony.destinations import CourierMenu, Destination, ManagerFirst, RingBack, ToCourier
from gateway.telephony.exchange import Exchange
from gateway.telephony.number_kind import NumberKind, kind_of_way
from gateway.telephony.route_steps import RouteAnswer, RouteQuestion, StepCode
from gateway.telephony.route_story import Story, Thought
from gateway.telephony.route_teller import follow
from gateway.telephony.routing import route
from gateway.telephony.shop import LineSettings, Shop, TrunkSettings
from gateway.telephony.toll_free_door import away_from_the_door, is_known_at_the_door


def try_route(exchange: Exchange, question: RouteQuestion) -> RouteAnswer:
    """What would become of the call. Raises NoSuchWay for a called number that is none of ours."""
    shop = exchange.shop()
    story = Story(exchange, _thought(exchange, question), question)
    caller = story.caller
    if caller.line is None:
        story.tell(StepCode.DIALS, caller=caller.peer, called=caller.called)
    else:
        code = StepCode.COMES_BY if caller.peer else StepCode.COMES_WITHHELD
        story.tell(code, caller=caller.peer, way=caller.line, number=caller.called)
        story.tell(_KINDS[kind_of_way(shop, caller.line)])
    destination = _at_the_door(story)
    if destination is None:
        manager = exchange.people.manager_of(caller.peer, story.now) if caller.line is not None else None
        destination = route(shop, caller, exchange.orders_at(story.now), manager)
        _tell_who(story, destination)
    follow(story, destination)
    return RouteAnswer(question=question, steps=tuple(story.steps))


def _thought(exchange: Exchange, question: RouteQuestion) -> Thought:
    """The call as it would come in. A phone of ours dials; whoever is outside calls a number of ours."""
    shop, policy = exchange.shop(), exchange.policy()
    if shop.phone(question.caller) is not None:
        return Thought(line=None, peer=question.caller, called=question.called)
    caller = policy.normalise(question.caller) or question.caller
    way = _way_of(shop, question.called) or _way_of(shop, policy.normalise(question.called) or "")
    if way is None:
        raise NoSuchWay(f"{question.called!r} is no line, provider or number of this shop.", called=question.called)
    found = shop.line(way) or shop.trunk(way)
    return Thought(line=way, peer=caller, called=(found.number if found is not None else None) or way)


def _way_of(shop: Shop, called: str) -> str | None:
    ways: tuple[LineSettings | TrunkSettings, ...] = (*shop.lines, *shop.trunks, *shop.pbx_accounts)
    return next((way.name for way in ways if called and called in (way.name, way.number)), None)


def _at_the_door(story: Story) -> Destination | None:
    """Where a blocked caller goes, or whom the guard of toll-free numbers stops; None: this one is let through."""
    exchange, way = story.exchange, story.caller.line
    blocked = when_blocked(exchange, story.caller)
    if blocked is not None:
        story.tell(StepCode.BLOCKED)
        return blocked
    if kind_of_way(story.shop, way) is not NumberKind.TOLL_FREE or way is None:
        return None
    caller = exchange.policy().normalise(story.caller.peer) or story.caller.peer
    if is_known_at_the_door(exchange, caller, story.now):
        story.tell(StepCode.GUARD_KNOWN)
        return None
    turned_away = exchange.toll_free.verdict(way, caller, at=story.now)
    if turned_away is None:
        story.tell(StepCode.GUARD_PASSES)
        return None
    story.tell(StepCode(f"guard-{turned_away}"))
    return away_from_the_door(story.shop, turned_away)


def _tell_who(story: Story, destination: Destination) -> None:
    """What the shop makes of the caller: a courier, the customer of an order, a regular one, or a stranger."""
    if story.caller.line is None:
        return
    match destination:
        case ToCourier(order=None) as at_pbx:
            story.tell(StepCode.AT_PBX, courier=at_pbx.courier.extension)
        case ToCourier(order=order) as of_order if order is not None:
            story.tell(StepCode.OF_ORDER, order=order.number, courier=of_order.courier.extension)
        case RingBack(courier=courier):
            story.tell(StepCode.COURIER_CALLED_BACK, courier=courier.extension)
        case CourierMenu(courier=courier):
            story.tell(StepCode.COURIER_ASKED_FOR_PIN, courier=courier.extension)
        case ManagerFirst(manager=manager):
            story.tell(StepCode.NO_ORDER)
            story.tell(StepCode.REGULAR, phone=manager)
        case _:
            story.tell(StepCode.NO_ORDER)
            story.tell(StepCode.NOT_REGULAR)


_KINDS = {
    NumberKind.CITY: StepCode.KIND_CITY,
    NumberKind.MOBILE: StepCode.KIND_MOBILE,
    NumberKind.TOLL_FREE: StepCode.KIND_TOLL_FREE,
    NumberKind.INTERNAL: StepCode.KIND_INTERNAL,
    NumberKind.OTHER: StepCode.KIND_OTHER,
}
