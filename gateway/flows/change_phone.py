"""A phone dials a code: do not disturb or forwarding, on or off."""

from __future__ import annotations

from gateway.telephony.call import Call
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import ChangePhone, ToOutside
from gateway.telephony.flow import call_flow
from gateway.telephony.forwarding import Feature
from gateway.telephony.routing import to_dialled


@call_flow(ChangePhone)
async def change_phone(call: Call, settings: ChangePhone) -> None:
    """Keep the change, then say so. A number that may not be called is not kept: the phone learns it at once."""
    change = settings.change
    if change.target is not None:
        if change.target == settings.extension:
            await call.refuse(Cause.NO_SUCH_NUMBER)
            return
        outside = isinstance(to_dialled(call.exchange.shop(), change.target), ToOutside)
        if outside and call.exchange.policy().require(change.target).emergency:
            await call.refuse(Cause.NUMBER_BARRED)  # a person must call an emergency number
            return
    await call.exchange.change_phone(settings.extension, change)
    name = "do-not-disturb" if change.feature is Feature.DO_NOT_DISTURB else "forwarding"
    await call.say(f"{name}-{'on' if change.is_on else 'off'}")
