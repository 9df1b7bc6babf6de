"""A phone of the shop calls a number of the outside world."""

from __future__ import annotations

from gateway.flows.to_emergency import to_emergency
from gateway.telephony.call import Call
from gateway.telephony.causes import NEXT_WAY, Cause
from gateway.telephony.destinations import ToOutside
from gateway.telephony.flow import call_flow

MOST_REDIRECTS = 3
"""So often a provider may say that the party is to be found at another number (302)."""


@call_flow(ToOutside)
async def to_outside(call: Call, settings: ToOutside) -> None:
    """Check the number against the policy, then dial it by the first way that carries it: trunks, then SIM lines.

    Where a provider sends the call to another number, that one is checked as if it had been dialled, and paid
    for as well (T-F4).
    """
    text, why = settings.text, Cause.NO_FREE_LINE
    for _ in range(1 + MOST_REDIRECTS):
        number = call.exchange.policy().require(text)
        if number.emergency:
            await to_emergency(call, number)
            return
        text = ""
        for leg in call.ways_outside(number, extension=call.payer):
            async with call.ringing(leg) as ringing:
                callee = await ringing.answered(within=settings.ring_seconds)
                why = ringing.cause
            if callee is not None:
                await call.talk(callee)
                return
            text = leg.redirected_to
            if why not in NEXT_WAY:
                break
        if not text:
            break
    await call.refuse(why)
