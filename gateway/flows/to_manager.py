"""A regular customer calls: the own manager rings, then that person's mobile, a colleague, and then as for anybody."""

from __future__ import annotations

from gateway.telephony.call import Call
from gateway.telephony.causes import NEXT_WAY
from gateway.telephony.destinations import ManagerFirst
from gateway.telephony.flow import call_flow, flow_for
from gateway.telephony.leg import Leg
from gateway.telephony.numbers import Dialable
from gateway.telephony.regular_way import Rung, before_the_usual_way


@call_flow(ManagerFirst)
async def to_manager(call: Call, settings: ManagerFirst) -> None:
    """Nobody is greeted: the caller hears it ring until a person answers, or the usual way begins (A5, A6)."""
    as_called = call.called
    call.is_routed_to(called=settings.manager, courier=None)
    person = None
    for rung in before_the_usual_way(call.exchange.shop(), settings.manager):
        person = person or await _at(call, rung, settings.manager)
    if person is not None:
        await call.talk(person)
        return
    call.flow, usual = flow_for(settings.otherwise)
    call.is_routed_to(called=as_called, courier=None)
    await usual(call, settings.otherwise)


async def _at(call: Call, rung: Rung, manager: str) -> Leg | None:
    """Whoever answers there; who pauses, or rests after a call, is not rung."""
    if rung.number is not None:
        return await _at_mobile(call, rung.number, manager, rung.seconds)
    extensions = [each for each in rung.extensions if call.exchange.duty.is_free(each)]
    if not extensions:
        return None
    async with call.ringing(*call.phones(*extensions)) as ringing:
        return await ringing.answered(within=rung.seconds)


async def _at_mobile(call: Call, number: Dialable, manager: str, seconds: float) -> Leg | None:
    """The manager, at the mobile, by the first way that carries it."""
    for leg in call.ways_outside(number, extension=manager):
        async with call.ringing(leg) as ringing:
            person = await ringing.answered(within=seconds)
            why = ringing.cause
        if person is not None or why not in NEXT_WAY:
            return person
    return None
