"""Reach a courier: the extension rings as the mobile, by the best line that can carry the call."""

from __future__ import annotations

from dataclasses import replace

from gateway.telephony.call import Call
from gateway.telephony.causes import Cause
from gateway.telephony.courier_texts import missed_text
from gateway.telephony.flow import call_flow, flow_for
from gateway.telephony.leg import Leg
from gateway.telephony.routing import RingPhones, ToCourier, to_dialled

CONFIRM_SECONDS = 8.0
_NEXT_LINE = frozenset({Cause.NO_FREE_LINE, Cause.MODEM_LOST, Cause.BUDGET_SPENT, Cause.NETWORK_LOST})
"""The line failed, not the courier: another line may do better."""


@call_flow(ToCourier)
async def to_courier(call: Call, settings: ToCourier) -> None:
    """Dial the courier's mobile; when a line fails before the answer, try the next one.

    Where the courier is not reached, an SMS says that somebody called, and the call goes on to whoever is next.
    """
    courier = settings.courier
    number = call.exchange.policy().require(courier.mobile)
    why, has_talked, is_told = Cause.UNREACHABLE, False, False
    free = call.exchange.free_lines(courier.lines, besides=call.caller.line, operator=courier.operator)
    lines = free if courier.on_shift else iter(())
    if courier.on_shift:
        why = Cause.NO_FREE_LINE
    try:
        for line in lines:
            async with call.ringing(call.mobile(line, number, extension=courier.extension)) as ringing:
                mobile = await ringing.answered(within=courier.ring_seconds)
                why = ringing.cause
                if mobile is not None and not await _takes(call, mobile, settings):
                    mobile.hangup()
                    mobile, why = None, Cause.NO_ANSWER
            if mobile is not None:
                has_talked = True
                call.proven[mobile] = courier.extension
                await call.talk(mobile)
                return
            if why not in _NEXT_LINE:
                break
    finally:
        # Also when the caller has given up: that is what the courier wants to know.
        if courier.texts_missed and courier.on_shift and not has_talked:
            text = missed_text(call.exchange.shop().language, settings.order)
            call.exchange.send_text(courier.mobile, text, courier.extension)
            is_told = True
    await _go_on(call, settings, why, is_told=is_told)


async def _takes(call: Call, mobile: Leg, settings: ToCourier) -> bool:
    """Tell the courier which order it is; where a key is asked for, a voicemail that answers never presses it."""
    whispered = ["order", *(f"digit-{digit}" for digit in settings.order.digits)] if settings.order is not None else []
    if not settings.courier.confirms:
        await call.whisper(mobile, *whispered)
        return True
    for _ in range(2):
        if await call.whisper(mobile, *whispered, "press-1-to-take", until="1", within=CONFIRM_SECONDS / 2):
            return True
    return False


async def _go_on(call: Call, settings: ToCourier, why: Cause, *, is_told: bool) -> None:
    """Whoever is next: another courier, or a phone such as the dispatcher's; nobody is asked twice."""
    courier = settings.courier
    passed = (*settings.passed, courier.extension)
    match to_dialled(call.exchange.shop(), courier.then) if courier.then is not None else None:
        case ToCourier() as other if other.courier.extension not in passed:
            call.is_routed_to(called=other.courier.extension, courier=other.courier.extension)
            await to_courier(call, replace(other, order=settings.order, passed=passed))
        case RingPhones() as phones:
            call.is_routed_to(called=phones.extensions[0], courier=None)
            _, ring_phones = flow_for(phones)
            await ring_phones(call, phones)
        case _ if is_told and call.caller.line is not None:
            await call.say("courier-told")
            call.caller.hangup(why)
        case _:
            await call.refuse(why)
