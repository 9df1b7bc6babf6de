"""A phone of ours answers a call that rings elsewhere."""

from __future__ import annotations

from gateway.telephony.call import Call
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import PickUp
from gateway.telephony.flow import call_flow


@call_flow(PickUp)
async def pick_up(call: Call, settings: PickUp) -> None:
    """Take the call that has rung longest; the caller hears that there is none."""
    for other in call.exchange.calls():
        if other is not call and _rings_at(other, settings.extension) and call.pick_up(other):
            return
    await call.refuse(Cause.NO_SUCH_NUMBER)


def _rings_at(call: Call, extension: str | None) -> bool:
    """Only what rings at a phone of ours is picked up, not what somebody of ours is calling outside."""
    ringing = call.ringing_now
    phones = [leg.peer for leg in ringing.legs if leg.line is None and leg.cause is None] if ringing is not None else []
    return extension in phones or (extension is None and bool(phones))
