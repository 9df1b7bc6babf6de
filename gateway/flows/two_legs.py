"""Click to call: the employee's phone rings; once it is answered the other party is called (C6)."""

from __future__ import annotations

from gateway.flows.reception import reception
from gateway.flows.ring_phones import ring_phones
from gateway.flows.to_courier import to_courier
from gateway.flows.to_outside import to_outside
from gateway.telephony.call import Call
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import Receive, RingPhones, ToCourier, ToOutside, TwoLegs
from gateway.telephony.flow import call_flow
from gateway.telephony.routing import to_dialled

EMPLOYEE_SECONDS = 30.0


@call_flow(TwoLegs)
async def two_legs(call: Call, settings: TwoLegs) -> None:
    """Who is not there costs nothing: the other party is not called. From the answer on it is as if dialled by hand."""
    if not await call.caller.up(within=EMPLOYEE_SECONDS):
        call.caller.hangup(Cause.NO_ANSWER)
        return
    match to_dialled(call.exchange.shop(), settings.text):
        case RingPhones() as phones:
            await ring_phones(call, phones)
        case ToCourier() as courier:
            call.is_routed_to(called=settings.text, courier=courier.courier.extension)
            await to_courier(call, courier)
        case ToOutside() as outside:
            await to_outside(call, outside)
        case Receive() as queue:
            await reception(call, queue)
        case _:
            await call.refuse(Cause.UNREACHABLE)
