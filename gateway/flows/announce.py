"""A phrase before the answer, for a caller who must not cost anything."""

from __future__ import annotations

from gateway.telephony.call import Call
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import Announce
from gateway.telephony.flow import call_flow


@call_flow(Announce)
async def announce(call: Call, settings: Announce) -> None:
    """Say it in the early media (183); where that cannot be, the caller hears that it is busy."""
    await call.say(settings.key, early=True)
    call.caller.hangup(Cause.BUSY)
