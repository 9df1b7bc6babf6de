"""A phone of the shop calls a number of the outside world."""

from __future__ import annotations

from gateway.telephony.call import Call
from gateway.telephony.flow import call_flow
from gateway.telephony.routing import ToOutside


@call_flow(ToOutside)
async def to_outside(call: Call, settings: ToOutside) -> None:
    """Check the number against the policy, then dial it by a trunk, or else by the first free line."""
    number = call.exchange.policy().require(settings.text)
    async with call.ringing(call.outside(number, extension=call.payer)) as ringing:
        callee = await ringing.answered(within=settings.ring_seconds)
        why = ringing.cause
    if callee is not None:
        await call.talk(callee)
    else:
        await call.refuse(why)
