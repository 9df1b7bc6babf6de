"""A courier calls the SIM: the PIN proves who it is, then an extension or a number may be dialled."""

from __future__ import annotations

import hmac

from gateway.flows.reception import reception
from gateway.flows.ring_phones import ring_phones
from gateway.flows.to_courier import to_courier
from gateway.flows.to_outside import to_outside
from gateway.telephony.call import Call
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import CourierMenu, Receive, RingPhones, ToCourier, ToOutside
from gateway.telephony.flow import call_flow
from gateway.telephony.numbers import Dialable
from gateway.telephony.orders import order_of_courier
from gateway.telephony.routing import may_mean_order, to_dialled

KEY_SECONDS = 10.0
RELAX_SECONDS = 3.0
"""A modem whose call has just ended dials badly at once."""
LONGEST_PIN = 12
LONGEST_NUMBER = 20


@call_flow(CourierMenu)
async def courier_menu(call: Call, settings: CourierMenu) -> None:
    """Ask for the PIN, then for whom to call; the caller's number alone opens nothing (T-F8).

    An extension of the shop and an emergency number go before the courier's own orders, these before other numbers
    outside; `*` and digits mean an order alone.
    """
    knows = True if settings.is_proven else await _knows_pin(call, settings)
    if not knows:
        await call.say("goodbye")
        call.caller.hangup()
        if knows is None:
            call.exchange.call_back(settings.courier.extension, None, RELAX_SECONDS)
        return
    call.proven[call.caller] = settings.courier.extension
    for _ in range(settings.tries):
        dialled = await call.ask("enter-number", most=LONGEST_NUMBER, within=KEY_SECONDS)
        order = order_of_courier(call.exchange.orders(), settings.courier.extension, dialled.removeprefix("*"))
        match to_dialled(call.exchange.shop(), dialled) if dialled else None:
            case ToOutside() if order is not None and may_mean_order(call.exchange.shop(), dialled):
                call.is_routed_to(called=order.number, courier=settings.courier.extension, order=order.number)
                await to_outside(call, ToOutside(text=order.phone))
                return
            case RingPhones() as phones:
                call.is_routed_to(called=dialled, courier=settings.courier.extension)
                await ring_phones(call, phones)
                return
            case ToCourier() as courier:
                call.is_routed_to(called=dialled, courier=settings.courier.extension)
                await to_courier(call, courier)
                return
            case Receive() as queue:
                call.is_routed_to(called=dialled, courier=settings.courier.extension)
                await reception(call, queue)
                return
            case ToOutside() as outside if isinstance(call.exchange.policy().check(dialled), Dialable):
                call.is_routed_to(called=dialled, courier=settings.courier.extension)
                await to_outside(call, outside)
                return
            case _:
                await call.say("no-such-extension")
    await call.refuse(Cause.NO_SUCH_NUMBER)


async def _knows_pin(call: Call, settings: CourierMenu) -> bool | None:
    """Up to `tries` attempts; digits are compared in constant time and never logged (T-F7).

    None: too much was guessed today, and no PIN is looked at; the registered mobile can still be rung.
    """
    pin = settings.courier.pin
    if pin is None:
        return False
    for _ in range(settings.tries):
        typed = await call.ask("enter-pin", most=LONGEST_PIN, within=KEY_SECONDS)
        key = await call.exchange.pin_entry.begin(call.caller.peer)
        if key is None:
            return None
        if hmac.compare_digest(typed.encode(), pin.encode()):
            await call.exchange.pin_entry.was_right(key)
            return True
        await call.say("wrong-pin")
    return False
