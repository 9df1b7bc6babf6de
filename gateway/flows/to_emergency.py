"""A call to an emergency number: past every limit, by any modem that answers, and the owner is told.

The SIMs come first, since there the network knows where the caller is: those that are free, then those that no network
has taken or that are abroad (an emergency call needs no subscription, 3GPP TS 22.101 section 10), then one whose
running call is ended for it, never another emergency call; the providers come last.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from gateway.errors import NoFreeLine
from gateway.telephony.call import Call
from gateway.telephony.causes import Cause
from gateway.telephony.emergency import tell_of_emergency
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.line import Line, LineState
from gateway.telephony.numbers import Dialable

CLEAR_SECONDS = 6.0
"""A modem whose call is ended is free again within so many."""
RING_SECONDS = 120.0
_LOOK_SECONDS = 0.1
_ANSWERS = frozenset({Cause.BUSY, Cause.NO_ANSWER, Cause.REJECTED, Cause.HUNG_UP})
"""The other end was reached: another way would reach the same."""


async def to_emergency(call: Call, number: Dialable) -> None:
    """Dial it by one way after the other until somebody is reached; where nobody can be, say so."""
    tell_of_emergency(call.exchange.publish, caller=call.caller.peer, number=number.digits)
    why = Cause.NO_FREE_LINE
    async for leg in _ways(call, number):
        async with call.ringing(leg) as ringing:
            callee = await ringing.answered(within=RING_SECONDS)
            why = ringing.cause
        if callee is not None:
            await call.talk(callee)
            return
        if why in _ANSWERS:
            break
    else:
        if call.redirect is None:
            await call.say("use-another-phone")
            call.caller.hangup(why)
    await call.refuse(why)


async def _ways(call: Call, number: Dialable) -> AsyncIterator[Leg]:
    """New legs, each dialled when it is asked for."""
    exchange, own = call.exchange, call.caller.line
    for line in exchange.free_lines((), besides=own, emergency=True):
        yield call.mobile(line, number, extension=call.payer)
    others = [line for name, line in exchange.lines.items() if name != own and line.can_speak]
    for line in others:
        if line.state in (LineState.SEARCHING, LineState.ROAMING):
            leg = _dialled(call, line, number)
            if leg is not None:
                yield leg
    for line in others:
        if line.state is LineState.BUSY and await _cleared(call, line):
            leg = _dialled(call, line, number)
            if leg is not None:
                yield leg
    for trunk in exchange.usable_trunks(payer=call.payer, besides=own, emergency=True):
        yield trunk.dial(number, caller_id="", call_id=call.id, extension=call.payer)


def _dialled(call: Call, line: Line, number: Dialable) -> Leg | None:
    """None: the modem does not take it."""
    try:
        return call.mobile(line, number, extension=call.payer)
    except NoFreeLine:
        return None


async def _cleared(call: Call, line: Line) -> bool:
    """End the call that a line carries; whether the line is free then."""
    policy = call.exchange.policy()
    for other in call.exchange.calls():
        for leg in other.legs:
            if other is call or leg.line != line.name or leg.state is LegState.ENDED:
                continue
            called = policy.check(leg.peer)
            if isinstance(called, Dialable) and called.emergency:
                return False
            leg.hangup(Cause.CONGESTION)
    for _ in range(round(CLEAR_SECONDS / _LOOK_SECONDS)):
        if line.state is LineState.READY:
            return True
        await asyncio.sleep(_LOOK_SECONDS)
    return False
