"""Two things that happen in the same moment: whichever the loop sees first, nobody is lost or left in silence."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.events import CallEnded
from gateway.telephony import switchboard
from gateway.telephony.causes import Cause
from gateway.telephony.company import Role
from gateway.telephony.leg import Direction, LegState
from gateway.telephony.ringing import ring
from tests.fakes.exchange import scene
from tests.fakes.legs import FakeLeg
from tests.fakes.talks import CUSTOMER, OUTSIDE, SHOP, hear_each_other, records, talking, wish
from tests.flows.test_courier_orders import COURIER, courier, order


async def test_who_answers_as_the_ringing_ends_has_the_call() -> None:
    leg = FakeLeg(direction=Direction.OUTGOING, peer="101")
    loop = asyncio.get_running_loop()
    loop.call_at(loop.time() + 20.0, leg.answers)  # the timer of the wait is due then as well, and comes after it
    async with ring((leg,)) as ringing:
        assert await ringing.answered(within=20.0) is leg
    assert leg.state is LegState.UP
    leg.hangup()


async def test_a_key_that_is_pressed_as_the_wait_ends_counts() -> None:
    leg = FakeLeg(direction=Direction.INCOMING, peer=CUSTOMER)
    leg.answers()
    loop = asyncio.get_running_loop()
    loop.call_at(loop.time() + 4.0, leg.presses, "1")
    assert await leg.next_key(within=4.0) == "1"
    leg.hangup()


async def test_a_transfer_to_somebody_who_has_just_hung_up_leaves_nobody_in_silence() -> None:
    """The phone that transfers called the customer: the new party would have been the caller, and had ended already."""
    async with scene(SHOP) as s:
        agent = s.call_from_phone("101", OUTSIDE)
        await s.after(0.2)
        (customer,) = s.trunks["provider"].legs
        customer.answers()
        await s.after(0.5)
        agent.holds()
        consulting = s.call_from_phone("101", "102")
        colleague = await talking(s, consulting, "102")
        refusal, told = wish(agent, "102", consulting)
        assert refusal is None
        colleague.hangs_up()
        await s.after(0.5)
        assert customer.state is LegState.UP
        again = s.phones.legs["102"][-1]
        assert again is not colleague, "the colleague is rung for the customer"
        again.answers()
        await s.after(0.1)
        assert told.said == ["succeeded"]
        assert hear_each_other(customer, again)
        customer.hangs_up()
        await s.after(0.1)
        assert len(records(s)) == 2


async def test_keys_reach_a_guest_once_who_took_the_place_of_whoever_wanted_a_transfer() -> None:
    async with scene(SHOP) as s:
        agent = s.call_from_phone("101", OUTSIDE)
        await s.after(0.2)
        (customer,) = s.trunks["provider"].legs
        customer.answers()
        await s.after(0.5)
        call_id = s.switchboard.calls()[0].id
        assert s.switchboard.bring_in(call_id, "103", Role.SPEAKS, by="anna") is None
        await s.after(0.2)
        guest = s.phones.legs["103"][-1]
        guest.answers()
        await s.after(0.2)
        refusal, _ = wish(agent, "102")
        assert refusal is None
        agent.hangs_up()
        await s.after(0.5)
        customer.presses("5")
        assert guest.keys_sent == "5"
        customer.hangs_up()
        await s.after(0.1)


@pytest.mark.parametrize("confirms", [True, False])
async def test_a_courier_who_hangs_up_while_the_order_is_said_was_not_reached(confirms: bool) -> None:
    async with scene(replace(courier(confirms=confirms, texts_missed=True, then="101"))) as s:
        s.orders = [order()]
        caller = s.call_to_line("red", CUSTOMER)
        await s.after(0.2)
        (mobile,) = s.lines["blue"].legs
        mobile.answers()
        await s.after(1)
        mobile.hangs_up()
        await s.after(0.2)
        assert [text[0] for text in s.texts] == [COURIER], "the courier reads of it"
        assert s.phones.legs["101"][-1].state is LegState.NEW, "whoever is next rings"
        assert caller.state is LegState.RINGING, "and the customer pays nothing"
        caller.hangs_up()


async def test_a_fault_before_the_flow_ends_that_call_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", "103")
        callee = await talking(s, caller, "103")
        with monkeypatch.context() as patched:
            patched.setattr(switchboard, "route", lambda *_: 1 / 0)
            other = s.call_from_phone("102", "103")
            await s.after(0.1)
        assert other.cause is Cause.FAULT
        assert "division by zero" in caplog.text
        assert hear_each_other(caller, callee), "nobody else notices"
        assert [event.cause for event in s.events if isinstance(event, CallEnded)] == [Cause.FAULT]
        caller.hangs_up()
        await s.after(0.1)
