"""A caller from outside may dial an extension at the prompt, where the owner has switched that on for the line.

Only extensions of the shop are reached: phones, couriers by their registered mobiles, the status of orders. Whatever
is dialled, no number outside is (T-F6).
"""

from __future__ import annotations

import asyncio

from gateway.flows.ring_phones import ring_phones
from gateway.flows.to_courier import to_courier
from gateway.telephony.call import Call
from gateway.telephony.destinations import AskExtension, Receive, RingPhones, TellOrderStatus, ToCourier
from gateway.telephony.flow import call_flow, flow_for
from gateway.telephony.routing import to_dialled

KEY_SECONDS = 6.0
LONGEST_EXTENSION = 8
TRIES = 3
LONGEST_SECONDS = 60.0
"""So long at most the prompts hold a caller; then the call goes its usual way."""


@call_flow(AskExtension)
async def ask_extension(call: Call, settings: AskExtension) -> None:
    """Ask for an extension; who presses nothing, or thrice what is none, goes the usual way."""
    match await _dialled(call):
        case ToCourier() as courier:
            call.is_routed_to(called=courier.courier.extension, courier=courier.courier.extension)
            await to_courier(call, courier)
        case RingPhones() as phones:
            call.is_routed_to(called=phones.extensions[0], courier=None)
            await ring_phones(call, phones)
        case Receive() as queue:
            call.flow, received = flow_for(queue)
            call.is_routed_to(called=call.called, courier=None)
            await received(call, queue)
        case TellOrderStatus() as status:
            call.flow, told = flow_for(status)
            call.is_routed_to(called=call.exchange.shop().order_status.extension, courier=None)
            await told(call, status)
        case _:
            _, usual = flow_for(settings.usual)
            await usual(call, settings.usual)


async def _dialled(call: Call) -> ToCourier | RingPhones | Receive | TellOrderStatus | None:
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            for _ in range(TRIES):
                typed = await call.ask("enter-extension", most=LONGEST_EXTENSION, within=KEY_SECONDS)
                if not typed:
                    return None
                match to_dialled(call.exchange.shop(), typed):
                    case (ToCourier() | RingPhones() | Receive() | TellOrderStatus()) as found:
                        return found
                    case _:
                        await call.say("no-such-extension")
    except TimeoutError:
        pass
    return None
