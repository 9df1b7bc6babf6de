"""A promised call-back: whoever of the two was rung first is there, and now the other one is (A13)."""

from __future__ import annotations

from gateway.flows.to_outside import to_outside
from gateway.telephony.call import Call
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import ReturnCall, ToOutside
from gateway.telephony.flow import call_flow
from gateway.telephony.forwarding import plan_ringing
from gateway.telephony.reception import CallBackFirst
from gateway.telephony.staff import ringing_staff

CUSTOMER_SECONDS = 40.0
STAFF_SECONDS = 60.0


@call_flow(ReturnCall)
async def return_call(call: Call, settings: ReturnCall) -> None:
    """The employee hears whom it is about, then the customer is called; or the customer hears us, then staff ring."""
    if settings.first is CallBackFirst.EMPLOYEE:
        await call.whisper(call.caller, "call-back-begins")
        await to_outside(call, ToOutside(text=settings.number, ring_seconds=CUSTOMER_SECONDS))
        return
    if not await call.caller.up(within=CUSTOMER_SECONDS):
        call.caller.hangup(Cause.NO_ANSWER)
        return
    rings = plan_ringing(call.exchange.shop(), settings.extensions).rings
    async with ringing_staff(call, rings, lambda: False) as staff:
        agent = await staff.answered_during("call-back-hello", within=STAFF_SECONDS)
        agent = agent or await staff.answered_during_music(within=STAFF_SECONDS)
    if agent is not None:
        await call.talk(agent)
    else:
        await call.say("no-free-line")
        call.caller.hangup(Cause.NO_ANSWER)
