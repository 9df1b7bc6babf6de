"""A machine that has no time refuses further calls with a word, keeps those that run, and calls for help (X-C1)."""

from __future__ import annotations

from dataclasses import replace

from gateway.events import CallEnded
from gateway.telephony.causes import CAUSES, Cause
from gateway.telephony.leg import LegState
from tests.fakes.exchange import scene
from tests.fakes.talks import CUSTOMER, OUTSIDE, SHOP


async def test_running_calls_go_on_and_new_ones_are_told_to_come_later() -> None:
    async with scene(replace(SHOP, trunks=())) as s:
        before = s.call_from_phone("101", OUTSIDE)
        await s.after(0.2)
        s.lines["red"].legs[0].answers()
        await s.after(0.5)
        s.is_overloaded = True
        refused = s.call_from_phone("102", OUTSIDE)
        customer = s.call_to_line("blue", CUSTOMER)
        await s.after(0.5)
        assert (refused.cause, customer.cause) == (Cause.CONGESTION, Cause.CONGESTION)
        assert CAUSES[Cause.CONGESTION].sip_status == 503
        assert before.state is LegState.UP
        ended = [event for event in s.events if isinstance(event, CallEnded)]
        assert [event.cause for event in ended] == [Cause.CONGESTION] * 2, "both are in the list of calls"
        for_help = s.call_from_phone("102", "112")
        await s.after(0.2)
        assert for_help.state is not LegState.ENDED
        s.is_overloaded = False
        inside = s.call_from_phone("103", "102")
        await s.after(0.2)
        assert inside.state is not LegState.ENDED
        for leg in (before, for_help, inside):
            leg.hangs_up()
        await s.after(0.5)
