"""The reception: what a stranger who calls the shop goes through until somebody answers (A7 to A13)."""

from __future__ import annotations

import asyncio
import logging
import math

from gateway.flows.after_hours import after_hours
from gateway.flows.overflow import Overflowing
from gateway.flows.promise import Promise
from gateway.flows.ring_phones import follow_forward, ring_phones
from gateway.telephony.call import Call
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import Receive, RingPhones
from gateway.telephony.flow import call_flow
from gateway.telephony.forwarding import forward_after
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.queue_prompts import place_prompts, wait_prompts
from gateway.telephony.queues import own_prompt
from gateway.telephony.receiving import UNANSWERED_SECONDS, Manner, Received, received
from gateway.telephony.reception import RING_SECONDS
from gateway.telephony.staff import Staff, ringing_staff
from gateway.telephony.waiting_line import WaitingLine

log = logging.getLogger(__name__)

LONGEST_OFFER_SECONDS = 60.0


@call_flow(Receive)
async def reception(call: Call, settings: Receive) -> None:
    """Staff ring from the start; the caller's leg is answered only when the greeting begins.

    When the shop is closed no staff is rung. A phone that is rung alone and forwards keeps its own ways.
    """
    shop = call.exchange.shop()
    exchange = call.exchange
    region = exchange.home_of(call.caller.peer) if settings.of_branches else None
    found = received(shop, call.caller.line, settings, region, exchange.clock())
    if found.choice is not None:
        log.info("The branch %s receives the call from %s.", found.choice.branch.name, call.caller.peer)
    if found.manner is Manner.CLOSED:
        await after_hours(call, found)
        return
    if found.manner is Manner.AS_PHONES_SAY:
        await ring_phones(call, RingPhones(extensions=found.extensions, forwarded_by=found.passed))
        return
    promise = Promise(call, found.extensions)
    only_people = found.manner is Manner.RINGING
    overflow = Overflowing(call, found, promise, may_answer=not only_people)
    call.is_queued_in(found.queue)

    def is_decided() -> bool:
        return promise.is_made or overflow.leads_away

    async with ringing_staff(call, found.rings, is_decided, found.rules, found.queue) as staff:
        with overflow.watching(staff):
            if only_people:
                agent = await staff.answered(within=UNANSWERED_SECONDS)
            else:
                agent = await _climb(call, staff, promise, found)
    forward = forward_after(shop, staff.ringing.legs, staff.ringing.cause)
    if agent is not None:
        await call.talk(agent)
    elif overflow.leads_away:
        await overflow.lead_away()
    elif promise.is_made:
        await promise.confirm()
    elif forward is not None:
        phones = RingPhones(extensions=found.extensions, forwarded_by=found.passed)
        await follow_forward(call, forward, phones)
    elif call.redirect is not None:
        await call.refuse(Cause.NO_ANSWER)
    else:
        if call.caller.state is LegState.UP:
            await call.say("no-free-line")
        call.caller.hangup(Cause.NO_ANSWER)


async def _climb(call: Call, staff: Staff, promise: Promise, found: Received) -> Leg | None:
    """Phase by phase; None: the caller wants to be called back, goes elsewhere, or has waited as long as one may."""
    rules = call.exchange.shop().reception
    agent = await staff.answered(within=rules.quiet_rings * RING_SECONDS)
    if agent is not None or any(leg.redirected_to for leg in staff.ringing.legs):
        return agent
    with promise.on_key(staff.ringing.wake):
        greeting = own_prompt("greeting", found.whose)
        call.is_at("greeting")
        agent = await staff.answered_during(greeting, within=rules.greeting_seconds)
        if agent is None:
            call.is_at("music")
            agent = await staff.answered_during_music(within=rules.music_rings * RING_SECONDS)
        if agent is None:
            call.is_at("offer")
            agent = await _wait(call, staff, promise, found)
    if agent is not None:
        call.exchange.line_up.waited(staff)
    return agent


async def _wait(call: Call, staff: Staff, promise: Promise, found: Received) -> Leg | None:
    """Offer and music, again and again, and now and then how it stands with the queue."""
    exchange, loop = call.exchange, asyncio.get_running_loop()
    rules, announce_seconds = exchange.shop().reception, found.rules.announce_seconds
    busy = own_prompt("all-busy", found.whose)
    patient_until = loop.time() + 60 * rules.patience_minutes
    next_news = loop.time() if announce_seconds else math.inf
    agent: Leg | None = None
    while agent is None and staff.is_waited_for and loop.time() < patient_until:
        offer = (busy, "press-1-call-back") if promise.can_be_made else (busy,)
        agent = await staff.answered_during(*offer, within=LONGEST_OFFER_SECONDS)
        music_until = loop.time() + rules.repeat_seconds
        while agent is None and staff.is_waited_for and loop.time() < music_until:
            if next_news <= loop.time():
                next_news = loop.time() + announce_seconds
                news = _news(exchange.line_up, staff)
                agent = await staff.answered_during(*news, within=LONGEST_OFFER_SECONDS) if news else None
            agent = agent or await staff.answered_during_music(within=min(music_until, next_news) - loop.time())
    return agent


def _news(line: WaitingLine, staff: Staff) -> tuple[str, ...]:
    """What a caller is told of the queue; whoever waits alone has no place to be told."""
    place = () if line.is_alone(staff) else place_prompts(line.place(staff))
    return (*place, *wait_prompts(line.estimate(staff)))
