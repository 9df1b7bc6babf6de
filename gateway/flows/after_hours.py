"""The shop is closed: on to whoever has duty, or a greeting that offers to call back or takes a message (A4, D6)."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from gateway.errors import NumberBarred
from gateway.flows.promise import Promise
from gateway.telephony.call import Call
from gateway.telephony.causes import NEXT_WAY, Cause
from gateway.telephony.hours_prompts import opens_prompts
from gateway.telephony.number_kind import NumberKind, kind_of_way
from gateway.telephony.routing import Receive
from gateway.telephony.schedule import Opening
from gateway.telephony.voicemail import take_message

KEY_SECONDS = 8.0
"""For the key, after the offer."""
CONFIRM_SECONDS = 8.0


async def after_hours(call: Call, settings: Receive, opening: Opening) -> None:
    """No phone of the staff rings. A toll-free number is answered by whoever has duty, or not at all."""
    exchange = call.exchange
    rules = exchange.shop().reception
    call.flow = "after-hours"
    call.is_routed_to(called=call.called, courier=None)
    if rules.night_to and await _reach_duty(call, settings):
        return
    if kind_of_way(exchange.shop(), call.caller.line) is NumberKind.TOLL_FREE:
        call.caller.hangup(Cause.UNREACHABLE)
        return
    promise = Promise(call, settings.extensions, due_at=opening.opens_at)
    offers = opening.opens_at is not None and promise.can_be_made
    hours = opens_prompts(opening, exchange.clock(), ZoneInfo(exchange.shop().time_zone)) if rules.night_hours else ()
    await call.answer()
    with promise.on_key(lambda: None):
        for key in ("after-hours", *hours, *(("press-1-when-open",) if offers else ())):
            if not promise.is_made:
                await call.say(key, interruptible=True)
        while offers and not promise.is_made and await call.caller.next_key(within=KEY_SECONDS) is not None:
            pass
    if promise.is_made:
        await promise.confirm()
        return
    if rules.night_message:
        await take_message(call, mailbox="")
    await call.say("goodbye")
    call.caller.hangup()


async def _reach_duty(call: Call, settings: Receive) -> bool:
    """Ring whoever has duty, by the same policy and budget as a call of our own; True: they have talked."""
    exchange = call.exchange
    rules = exchange.shop().reception
    phone = exchange.shop().phone(rules.night_to)
    if phone is not None:
        ways = iter(call.phones(phone.extension))
    else:
        try:
            number = exchange.policy().require(rules.night_to)
        except NumberBarred:
            return False
        payer = settings.extensions[0] if settings.extensions else None
        ways = call.ways_outside(number, extension=payer)
    call.flow = "night"
    call.is_routed_to(called=rules.night_to, courier=None)
    for leg in ways:
        async with call.ringing(leg) as ringing:
            duty = await ringing.answered(within=rules.night_seconds)
            why = ringing.cause
            if duty is not None and rules.night_confirms:
                taken = await call.whisper(duty, "press-1-to-take", until="1", within=CONFIRM_SECONDS)
                if not taken:
                    duty.hangup()
                    duty, why = None, Cause.NO_ANSWER
        if duty is not None:
            await call.talk(duty)
            return True
        if why not in NEXT_WAY:
            break
    return False
