"""The reception: what a stranger who calls the shop goes through until somebody answers (A7 to A13)."""

from __future__ import annotations

import asyncio

from gateway.flows.after_hours import after_hours
from gateway.flows.promise import Promise
from gateway.flows.ring_phones import follow_forward, ring_phones
from gateway.telephony.call import Call
from gateway.telephony.causes import Cause
from gateway.telephony.flow import call_flow
from gateway.telephony.forwarding import forward_after
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.receiving import UNANSWERED_SECONDS, Manner, received
from gateway.telephony.reception import RING_SECONDS
from gateway.telephony.routing import Receive, RingPhones
from gateway.telephony.staff import Staff, ringing_staff

LONGEST_OFFER_SECONDS = 60.0


@call_flow(Receive)
async def reception(call: Call, settings: Receive) -> None:
    """Staff ring from the start; the caller's leg is answered only when the greeting begins.

    When the shop is closed no staff is rung. A phone that is rung alone and forwards keeps its own ways.
    """
    shop = call.exchange.shop()
    found = received(shop, call.caller.line, settings.extensions, call.exchange.clock())
    if found.manner is Manner.CLOSED:
        await after_hours(call, found)
        return
    if found.manner is Manner.AS_PHONES_SAY:
        await ring_phones(call, RingPhones(extensions=found.extensions))
        return
    promise = Promise(call, found.extensions)
    async with ringing_staff(call, found.rings, lambda: promise.is_made) as staff:
        if found.manner is Manner.RINGING:
            agent = await staff.answered(within=UNANSWERED_SECONDS)
        else:
            agent = await _climb(call, staff, promise)
    forward = forward_after(shop, staff.ringing.legs, staff.ringing.cause)
    if agent is not None:
        await call.talk(agent)
    elif promise.is_made:
        await promise.confirm()
    elif forward is not None:
        await follow_forward(call, forward, RingPhones(extensions=found.extensions))
    else:
        if call.caller.state is LegState.UP:
            await call.say("no-free-line")
        call.caller.hangup(Cause.NO_ANSWER)


async def _climb(call: Call, staff: Staff, promise: Promise) -> Leg | None:
    """Phase by phase; None: the caller wants to be called back, or has waited as long as one may."""
    rules = call.exchange.shop().reception
    agent = await staff.answered(within=rules.quiet_rings * RING_SECONDS)
    if agent is not None or any(leg.redirected_to for leg in staff.ringing.legs):
        return agent
    loop = asyncio.get_running_loop()
    patient_until = loop.time() + 60 * rules.patience_minutes
    with promise.on_key(staff.ringing.wake):
        agent = await staff.answered_during("greeting", within=rules.greeting_seconds)
        agent = agent or await staff.answered_during_music(within=rules.music_rings * RING_SECONDS)
        while agent is None and not promise.is_made and loop.time() < patient_until:
            offer = ("all-busy", "press-1-call-back") if promise.can_be_made else ("all-busy",)
            agent = await staff.answered_during(*offer, within=LONGEST_OFFER_SECONDS)
            agent = agent or await staff.answered_during_music(within=rules.repeat_seconds)
    return agent
