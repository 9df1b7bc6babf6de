"""A phone of ours takes the place of another leg (RFC 3891): it picks a call up, or carries its own over."""

from __future__ import annotations

from gateway.telephony.call import Call
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import TakePlace
from gateway.telephony.flow import call_flow
from gateway.telephony.leg import LegState


@call_flow(TakePlace)
async def take_place(call: Call, settings: TakePlace) -> None:
    """A call that rings at a phone of ours may be picked up; one that talks only by a phone of the same extension."""
    place = settings.place
    other = call.exchange.call_of(place)
    if other is None or other is call:
        await call.refuse(Cause.NETWORK_LOST)
    elif place.line is not None or (place.state is LegState.UP and place.peer != call.caller.peer):
        await call.refuse(Cause.NUMBER_BARRED)
    elif place.state is not LegState.UP:
        if not call.pick_up(other):
            await call.refuse(Cause.NETWORK_LOST)
    else:
        await call.answer()
        if not call.take_place(place, other):
            await call.refuse(Cause.NETWORK_LOST)
