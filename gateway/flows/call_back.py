"""A courier is called back on the registered mobile; being reached there is the proof of who it is (flow C)."""

from __future__ import annotations

from gateway.flows.courier_menu import RELAX_SECONDS, courier_menu
from gateway.flows.to_outside import to_outside
from gateway.telephony.call import Call
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import CallBack, CourierMenu, RingBack, ToOutside
from gateway.telephony.flow import call_flow

CONFIRM_SECONDS = 4.0
QUIET_SECONDS = 0.8


@call_flow(RingBack)
async def ring_back(call: Call, settings: RingBack) -> None:
    """Turn the caller away before it costs anything, and ring the registered mobile."""
    call.caller.hangup(Cause.REJECTED)
    call.exchange.call_back(settings.courier.extension, None, RELAX_SECONDS)


@call_flow(CallBack)
async def call_back(call: Call, settings: CallBack) -> None:
    """Wait until somebody answers and presses 1, which no voicemail does; then the order's customer, or the prompt."""
    courier, order = settings.courier, settings.order
    if not await call.caller.up(within=courier.ring_seconds):
        call.caller.hangup(Cause.NO_ANSWER)
        return
    whispered = ["order", *(f"digit-{digit}" for digit in order.digits)] if order is not None else []
    for _ in range(2):
        if await call.whisper(call.caller, *whispered, "press-1-to-call", until="1", within=CONFIRM_SECONDS):
            break
    else:
        call.caller.hangup(Cause.NO_ANSWER)
        return
    if order is None:
        # Who types on after the 1 means an extension: of "101#" the rest would call the fire brigade.
        while await call.caller.next_key(within=QUIET_SECONDS) is not None:
            pass
        await courier_menu(call, CourierMenu(courier=courier, is_proven=True))
    else:
        call.proven[call.caller] = courier.extension
        await to_outside(call, ToOutside(text=order.phone))
