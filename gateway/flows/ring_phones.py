"""Ring phones of the shop: an internal call, or a stranger who calls a SIM."""

from __future__ import annotations

from gateway.telephony.call import Call
from gateway.telephony.flow import call_flow
from gateway.telephony.routing import RingPhones


@call_flow(RingPhones)
async def ring_phones(call: Call, settings: RingPhones) -> None:
    """Ring them all; the first to answer talks."""
    async with call.ringing(*call.phones(*settings.extensions)) as staff:
        agent = await staff.answered(within=settings.ring_seconds)
        why = staff.cause
    if agent is not None:
        await call.talk(agent)
    else:
        await call.refuse(why)
