"""The shop is closed: on to whoever has duty, or a greeting that offers to call back or takes a message (A4, D6)."""

from __future__ import annotations

from gateway.flows.promise import Promise
from gateway.telephony.call import Call
from gateway.telephony.causes import NEXT_WAY, Cause
from gateway.telephony.receiving import Closed, Received, when_closed
from gateway.telephony.voicemail import SHOP_BOX, take_message

KEY_SECONDS = 8.0
"""For the key, after the offer."""
CONFIRM_SECONDS = 8.0


async def after_hours(call: Call, found: Received) -> None:
    """No phone of the staff rings. A toll-free number is answered by whoever has duty, or not at all."""
    exchange = call.exchange
    call.flow = "after-hours"
    call.is_routed_to(called=call.called, courier=None)
    promise = Promise(call, found.extensions, due_at=found.opening.opens_at)
    closed = when_closed(exchange.shop(), call.caller.line, found, exchange.clock(), can_promise=promise.can_be_made)
    if await _reach_duty(call, found, closed):
        return
    if not closed.is_answered:
        call.caller.hangup(Cause.UNREACHABLE)
        return
    await call.answer()
    with promise.on_key(lambda: None):
        for key in closed.prompts:
            if not promise.is_made:
                await call.say(key, interruptible=True)
        while closed.offers and not promise.is_made and await call.caller.next_key(within=KEY_SECONDS) is not None:
            pass
    if promise.is_made:
        await promise.confirm()
        return
    if closed.takes_message:
        await take_message(call, mailbox=SHOP_BOX)
    await call.say("goodbye")
    call.caller.hangup()


async def _reach_duty(call: Call, found: Received, closed: Closed) -> bool:
    """Ring whoever has duty, by the same policy and budget as a call of our own; True: they have talked."""
    rules = call.exchange.shop().reception
    if closed.duty_phone is not None:
        ways = iter(call.phones(closed.duty_phone))
    elif closed.duty_number is not None:
        payer = found.extensions[0] if found.extensions else None
        ways = call.ways_outside(closed.duty_number, extension=payer)
    else:
        return False
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
