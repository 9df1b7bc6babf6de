"""The reception: what a stranger who calls the shop goes through until somebody answers (A7 to A13)."""

from __future__ import annotations

import asyncio

from gateway.flows.after_hours import after_hours
from gateway.flows.promise import Promise
from gateway.flows.ring_phones import follow_forward, ring_phones
from gateway.telephony.call import Call
from gateway.telephony.causes import Cause
from gateway.telephony.flow import call_flow
from gateway.telephony.forwarding import forward_after, plan_ringing
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.number_kind import NumberKind, kind_of_way
from gateway.telephony.reception import RING_SECONDS
from gateway.telephony.routing import Receive, RingPhones
from gateway.telephony.shop import Shop
from gateway.telephony.staff import Staff, ringing_staff

UNANSWERED_SECONDS = 90.0
"""How long it rings where nobody but a person may answer."""
LONGEST_OFFER_SECONDS = 60.0


@call_flow(Receive)
async def reception(call: Call, settings: Receive) -> None:
    """Staff ring from the start; the caller's leg is answered only when the greeting begins.

    When the shop is closed no staff is rung. A phone that is rung alone and forwards keeps its own ways.
    """
    shop = call.exchange.shop()
    opening = shop.schedule.state_at(call.exchange.clock())
    if not opening.is_open:
        await after_hours(call, settings, opening)
        return
    if _forwards(shop, settings.extensions):
        await ring_phones(call, RingPhones(extensions=settings.extensions))
        return
    promise = Promise(call, settings.extensions)
    rings = plan_ringing(shop, settings.extensions).rings
    async with ringing_staff(call, rings, lambda: promise.is_made) as staff:
        agent = await _climb(call, staff, promise)
    forward = forward_after(shop, staff.ringing.legs, staff.ringing.cause)
    if agent is not None:
        await call.talk(agent)
    elif promise.is_made:
        await promise.confirm()
    elif forward is not None:
        await follow_forward(call, forward, RingPhones(extensions=settings.extensions))
    else:
        if call.caller.state is LegState.UP:
            await call.say("no-free-line")
        call.caller.hangup(Cause.NO_ANSWER)


async def _climb(call: Call, staff: Staff, promise: Promise) -> Leg | None:
    """Phase by phase; None: the caller wants to be called back, or has waited as long as one may."""
    shop = call.exchange.shop()
    rules = shop.reception
    if kind_of_way(shop, call.caller.line) is NumberKind.TOLL_FREE:
        return await staff.answered(within=UNANSWERED_SECONDS)  # the shop pays: only a person answers (rule 9)
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


def _forwards(shop: Shop, extensions: tuple[str, ...]) -> bool:
    """Nobody of them wants to be rung, or a phone alone says by itself where its calls go."""
    alone = shop.phone(extensions[0]) if len(extensions) == 1 else None
    has_wishes = alone is not None and (alone.forward_busy or alone.forward_no_answer)
    return bool(has_wishes) or not plan_ringing(shop, extensions).rings
