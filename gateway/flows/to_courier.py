"""Reach a courier: the extension rings as the mobile, by the best line that can carry the call, and as the SIP app.

A courier may have a SIP phone of the same extension, such as an app on the mobile: both ring, or one after the other,
as the owner chooses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from gateway.telephony.call import COURIER_AWAY, Call
from gateway.telephony.causes import NEXT_WAY, Cause
from gateway.telephony.courier_texts import missed_text
from gateway.telephony.courier_ways import after_courier, has_app, holds_the_only_line
from gateway.telephony.destinations import RingPhones, ToCourier
from gateway.telephony.flow import call_flow, flow_for
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.line import Line
from gateway.telephony.shop import FollowMe

CONFIRM_SECONDS = 8.0


@call_flow(ToCourier)
async def to_courier(call: Call, settings: ToCourier) -> None:
    """Ring the courier's app and dial the mobile; when a line fails before the answer, try the next one.

    Where the courier is not reached, an SMS says that somebody called, and the call goes on to whoever is next.
    """
    courier = settings.courier
    reached, why, is_told = None, Cause.UNREACHABLE, False
    try:
        if courier.on_shift:
            reached, why = await _reach(call, settings)
    finally:
        # Also when the caller has given up: that is what the courier wants to know.
        wants_text = courier.texts_missed or holds_the_only_line(call.exchange.shop(), call.caller.line, settings, why)
        if courier.on_shift and reached is None and wants_text:
            text = missed_text(call.exchange.shop().language, settings.order)
            call.exchange.send_text(courier.mobile, text, courier.extension)
            is_told = True
    if reached is not None:
        await call.talk(reached)
    else:
        await _go_on(call, settings, why, is_told=is_told)


async def _reach(call: Call, settings: ToCourier) -> tuple[Leg | None, Cause]:
    """The leg by which the courier has taken the call; else why there is none."""
    courier = settings.courier
    lines = call.exchange.free_lines(courier.lines, besides=call.caller.line, operator=courier.operator)
    if not has_app(call.exchange, courier.extension, call.caller) or courier.follow is FollowMe.MOBILE:
        return await _by_mobile(call, settings, lines)
    if courier.follow is FollowMe.BOTH:
        return await _by_both(call, settings, lines)
    async with call.ringing(*call.phones(courier.extension)) as ringing:
        app = await ringing.answered(within=courier.app_seconds)
        if app is not None:
            await _takes(call, app, settings)
    if app is not None and app.state is LegState.UP:
        return app, Cause.HUNG_UP
    return await _by_mobile(call, settings, lines)


async def _by_mobile(call: Call, settings: ToCourier, lines: Iterator[Line]) -> tuple[Leg | None, Cause]:
    courier, why = settings.courier, Cause.NO_FREE_LINE
    number = call.exchange.policy().require(courier.mobile)
    for line in lines:
        async with call.ringing(call.mobile(line, number, extension=courier.extension)) as ringing:
            mobile = await ringing.answered(within=courier.ring_seconds)
            why = ringing.cause
            if mobile is not None and not await _takes(call, mobile, settings):
                mobile.hangup()
                mobile, why = None, Cause.NO_ANSWER
        if mobile is not None or why not in NEXT_WAY:
            return mobile, why
    return None, why


async def _by_both(call: Call, settings: ToCourier, lines: Iterator[Line]) -> tuple[Leg | None, Cause]:
    """The app rings on whatever becomes of the mobile, and of its lines."""
    courier, loop = settings.courier, asyncio.get_running_loop()
    number = call.exchange.policy().require(courier.mobile)
    until = loop.time() + courier.ring_seconds
    taken: Leg | None = None
    async with call.ringing(*call.phones(courier.extension)) as ringing:
        for line in lines:
            mobile = call.mobile(line, number, extension=courier.extension)
            call.ring_too(mobile, ringing)
            taken = await ringing.answered(within=until - loop.time(), until=_has_ended(mobile))
            if taken is not None or mobile.cause not in NEXT_WAY:
                break
        if taken is not None and not await _takes(call, taken, settings):
            taken.hangup()
            taken = None
        if taken is None:
            taken = await ringing.answered(within=until - loop.time())
            if taken is not None and not await _takes(call, taken, settings):
                return None, Cause.NO_ANSWER
        return taken, ringing.cause


def _has_ended(leg: Leg) -> Callable[[], bool]:
    return lambda: leg.state is LegState.ENDED


async def _takes(call: Call, leg: Leg, settings: ToCourier) -> bool:
    """Tell the courier which order it is; where a key is asked for, a voicemail that answers never presses it.

    Who hangs up meanwhile has not taken the call. Who is at the mobile is a courier from then on, by proof.
    """
    whispered = ["order", *(f"digit-{digit}" for digit in settings.order.digits)] if settings.order is not None else []
    if leg.line is None or not settings.courier.confirms:
        await call.whisper(leg, *whispered)
    else:
        for _ in range(2):
            if await call.whisper(leg, *whispered, "press-1-to-take", until="1", within=CONFIRM_SECONDS / 2):
                break
        else:
            return False
    if leg.line is not None:
        call.proven[leg] = settings.courier.extension
    return leg.state is LegState.UP


async def _go_on(call: Call, settings: ToCourier, why: Cause, *, is_told: bool) -> None:
    """Whoever is next: another courier, or a phone such as the dispatcher's; nobody is asked twice."""
    courier = settings.courier
    match after_courier(call.exchange.shop(), settings):
        case ToCourier() as other:
            call.is_routed_to(called=other.courier.extension, courier=other.courier.extension)
            await to_courier(call, other)
        case RingPhones() as phones:
            call.is_routed_to(called=phones.extensions[0], courier=None)
            _, ring_phones = flow_for(phones)
            await ring_phones(call, phones)
        case _ if is_told and call.caller.line is not None:
            if settings.order is not None and holds_the_only_line(
                call.exchange.shop(), call.caller.line, settings, why
            ):
                call.exchange.call_back_later(courier.extension, settings.order, call.id)
            try:
                await call.say("courier-told")
            finally:
                call.caller.hangup(why)
        case _:
            await call.refuse(why, otherwise=COURIER_AWAY)
