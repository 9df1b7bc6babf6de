"""Reach a courier: the extension rings as the mobile, by the first line that can carry the call."""

from __future__ import annotations

from gateway.telephony.call import Call
from gateway.telephony.causes import Cause
from gateway.telephony.flow import call_flow
from gateway.telephony.routing import ToCourier

_NEXT_LINE = frozenset({Cause.NO_FREE_LINE, Cause.MODEM_LOST, Cause.BUDGET_SPENT, Cause.NETWORK_LOST})
"""The line failed, not the courier: another line may do better."""


@call_flow(ToCourier)
async def to_courier(call: Call, settings: ToCourier) -> None:
    """Dial the courier's mobile; when a line fails before the answer, try the next one."""
    courier = settings.courier
    number = call.exchange.policy().require(courier.mobile)
    why = Cause.NO_FREE_LINE
    for line in call.exchange.free_lines(courier.lines, besides=call.caller.line):
        async with call.ringing(call.mobile(line, number, extension=courier.extension)) as ringing:
            mobile = await ringing.answered(within=settings.ring_seconds)
            why = ringing.cause
        if mobile is not None:
            await call.talk(mobile)
            return
        if why not in _NEXT_LINE:
            break
    await call.refuse(why)
