"""A regular customer calls: the own manager rings, then that person's mobile, a colleague, and then as for anybody."""

from __future__ import annotations

from gateway.telephony.call import Call
from gateway.telephony.causes import NEXT_WAY
from gateway.telephony.flow import call_flow, flow_for
from gateway.telephony.forwarding import plan_ringing
from gateway.telephony.leg import Leg
from gateway.telephony.numbers import Dialable
from gateway.telephony.routing import ManagerFirst


@call_flow(ManagerFirst)
async def to_manager(call: Call, settings: ManagerFirst) -> None:
    """Nobody is greeted: the caller hears it ring until a person answers, or the usual way begins (A5, A6)."""
    rules, as_called = call.exchange.shop().contacts, call.called
    call.is_routed_to(called=settings.manager, courier=None)
    person = await _at_phones(call, (settings.manager,), rules.manager_seconds)
    person = person or await _at_mobile(call, settings.manager, rules.mobile_seconds)
    colleagues = tuple(each for each in rules.colleagues if each != settings.manager)
    person = person or await _at_phones(call, colleagues, rules.colleague_seconds)
    if person is not None:
        await call.talk(person)
        return
    call.flow, usual = flow_for(settings.otherwise)
    call.is_routed_to(called=as_called, courier=None)
    await usual(call, settings.otherwise)


async def _at_phones(call: Call, extensions: tuple[str, ...], seconds: float) -> Leg | None:
    """Whoever answers there; a phone that does not want to ring is not rung."""
    rings = plan_ringing(call.exchange.shop(), extensions).rings
    if not rings:
        return None
    async with call.ringing(*call.phones(*rings)) as ringing:
        return await ringing.answered(within=seconds)


async def _at_mobile(call: Call, manager: str, seconds: float) -> Leg | None:
    """The manager, at the mobile, by the first way that carries it; the number passes the policy as any other."""
    phone = call.exchange.shop().phone(manager)
    number = call.exchange.policy().check(phone.mobile) if phone is not None and phone.mobile else None
    if not isinstance(number, Dialable) or number.emergency:
        return None
    for leg in call.ways_outside(number, extension=manager):
        async with call.ringing(leg) as ringing:
            person = await ringing.answered(within=seconds)
            why = ringing.cause
        if person is not None or why not in NEXT_WAY:
            return person
    return None
