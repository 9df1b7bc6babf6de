"""How far is my order? The caller dials its number and hears it, and nobody of the staff is rung (A18)."""

from __future__ import annotations

import asyncio
import hmac
from zoneinfo import ZoneInfo

from gateway.telephony.call import Call
from gateway.telephony.destinations import TellOrderStatus
from gateway.telephony.flow import call_flow, flow_for
from gateway.telephony.number_kind import NumberKind, kind_of_way
from gateway.telephony.order_status import NoStatus, OrderStatus, Told
from gateway.telephony.status_prompts import status_prompts

KEY_SECONDS = 4.0
LONGEST_NUMBER = 16
PROOF_DIGITS = 4
"""So many of the customer's telephone number, its last ones, prove that the order is the caller's."""
SILENT_SECONDS = 0.7
"""An answer that comes within them needs no "please wait"."""
LOOK_UP_SECONDS = 4.0
"""Longer nobody is kept waiting, whatever the shop's program does."""
LONGEST_SECONDS = 120.0
"""So long at most the prompts hold a caller."""


@call_flow(TellOrderStatus)
async def order_status(call: Call, settings: TellOrderStatus) -> None:
    """Ask for the number and say how far the order is; who is not helped by that goes to the staff.

    On a toll-free number only a person answers (rule 9).
    """
    is_costly = kind_of_way(call.exchange.shop(), call.caller.line) is NumberKind.TOLL_FREE
    if not is_costly:
        call.has_reached(call.exchange.shop().order_status.extension)
    # One of the staff who asks is not put through to the staff.
    if not is_costly and (await _is_told(call) or call.caller.line is None):
        await call.say("goodbye")
        call.caller.hangup()
        return
    as_called = call.called
    call.flow, otherwise = flow_for(settings.otherwise)
    call.is_routed_to(called=as_called, courier=None)
    await otherwise(call, settings.otherwise)


async def _is_told(call: Call) -> bool:
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            for _ in range(call.exchange.shop().order_status.tries):
                digits = await call.ask("status-enter-order", most=LONGEST_NUMBER, within=KEY_SECONDS)
                if not (digits.isascii() and digits.isdigit()):
                    continue
                found = await _look_up(call, digits)
                if found is NoStatus.AWAY:
                    break
                if isinstance(found, OrderStatus) and await _is_the_caller_s(call, found):
                    await _tell(call, found, digits)
                    return True
                await call.say("status-not-found")
    except TimeoutError:
        pass
    if call.caller.line is not None:
        await call.say("status-to-staff")
    return False


async def _look_up(call: Call, digits: str) -> Told:
    """What is known; a caller who must wait for it is told so."""
    looking = call.exchange.order_desk.look_up(digits, _own_number(call))
    await asyncio.wait({looking}, timeout=SILENT_SECONDS)
    if not looking.done():
        await call.say("please-wait")
        await asyncio.wait({looking}, timeout=LOOK_UP_SECONDS - SILENT_SECONDS)
    return looking.result() if looking.done() else NoStatus.AWAY


async def _is_the_caller_s(call: Call, order: OrderStatus) -> bool:
    """The customer calls from the number of the order, or knows its last digits.

    Whose order it is, and that there is such an order, is nothing for strangers: a wrong answer is as no order.
    """
    if order.phone and order.phone == _own_number(call):
        return True
    typed = await call.ask("status-enter-phone", most=PROOF_DIGITS, within=KEY_SECONDS)
    guesses, now = call.exchange.proof_guesses, asyncio.get_running_loop().time()
    if len(order.phone) <= PROOF_DIGITS or not guesses.may_try(order.number, now):
        return False
    if hmac.compare_digest(typed.encode(), order.phone[-PROOF_DIGITS:].encode()):
        return True
    guesses.was_wrong(order.number, now)
    return False


async def _tell(call: Call, order: OrderStatus, digits: str) -> None:
    exchange = call.exchange
    call.is_routed_to(called=order.number, courier=None, order=order.number)
    for key in status_prompts(order, digits, exchange.clock(), ZoneInfo(exchange.shop().time_zone)):
        await call.say(key)


def _own_number(call: Call) -> str:
    return call.exchange.policy().normalise(call.caller.peer) or call.caller.peer
