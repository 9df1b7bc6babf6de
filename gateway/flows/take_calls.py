"""A phone of the shop pauses, with a reason from the owner's list, or takes calls of the queue again."""

from __future__ import annotations

from gateway.telephony.call import Call
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import TakeCalls
from gateway.telephony.flow import call_flow


@call_flow(TakeCalls)
async def take_calls(call: Call, settings: TakeCalls) -> None:
    """Keep it, then say so; a reason that is not in the list is none."""
    duty, reasons = call.exchange.duty, call.exchange.shop().queue.pause_reasons
    extension = settings.extension
    if not settings.pauses:
        await duty.resume(extension, by=extension)
        await call.say("pause-off")
        return
    if settings.reason is not None and settings.reason > len(reasons):
        await call.refuse(Cause.NO_SUCH_NUMBER)
        return
    await duty.pause(extension, reasons[settings.reason - 1] if settings.reason is not None else "", by=extension)
    await call.say("pause-on")
