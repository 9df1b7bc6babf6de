"""The gateway rings a courier's registered mobile: after a call that was turned away, or on a tap."""

from __future__ import annotations

import pytest

from gateway.events import CallShown, CallStarted
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.line import LineState
from gateway.telephony.orders import order_of_courier
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg
from tests.flows.test_courier_orders import COURIER, CUSTOMER, SHOP, courier, order


async def tapped(s: Scene) -> FakeLeg:
    """The courier has tapped on the order, and the mobile rings."""
    s.orders = [order()]
    found = order_of_courier(s.exchange.orders(), "2001", "1001")
    assert s.switchboard.call_back("2001", found) is None
    await s.after(0.1)
    (mobile,) = s.lines["red"].legs
    return mobile


async def test_a_tap_rings_the_courier_and_then_the_customer() -> None:
    async with scene(SHOP) as s:
        mobile = await tapped(s)
        assert s.lines["red"].dialled == [(COURIER, "2001")]
        mobile.rings()
        await s.after(5)
        assert s.trunks["provider"].dialled == [], "the customer is not rung before the courier is there"
        mobile.answers()
        await s.after(7)
        assert s.prompts_played[-6:] == ["order", "digit-1", "digit-0", "digit-0", "digit-1", "press-1-to-call"]
        mobile.presses("1")
        await s.after(0.5)
        assert s.trunks["provider"].dialled == [(CUSTOMER, "2001")]
        (customer,) = s.trunks["provider"].legs
        customer.answers()
        await s.after(10)
        customer.hangs_up()
        await s.after(0.1)
        (started,) = [event for event in s.events if isinstance(event, CallStarted)]
        assert (started.direction, started.called, started.courier, started.order) == (
            "outgoing", "1001", "2001", "1001"
        )  # fmt: skip
        shown = [event for event in s.events if isinstance(event, CallShown)]
        assert (shown[-1].number, shown[-1].way) == ("+74951234567", "provider")
        assert s.ended().talk_seconds == pytest.approx(9, abs=2)


async def test_a_voicemail_of_the_courier_rings_no_customer() -> None:
    async with scene(SHOP) as s:
        mobile = await tapped(s)
        mobile.answers()
        await s.after(40)
        assert mobile.state is LegState.ENDED
        assert s.trunks["provider"].dialled == []


async def test_nobody_rings_twice() -> None:
    async with scene(SHOP) as s:
        mobile = await tapped(s)
        assert s.switchboard.call_back("2001", s.orders[0]) is Cause.BUSY
        mobile.answers()
        await s.after(1)
        assert s.switchboard.call_back("2001", s.orders[0]) is Cause.BUSY
        assert len(s.lines["red"].legs) + len(s.lines["blue"].legs) == 1
        mobile.hangs_up()
        await s.after(0.1)
        assert s.switchboard.call_back("2001", s.orders[0]) is None
        assert s.switchboard.call_back("2009") is Cause.UNREACHABLE
        await s.after(0.1)
        s.lines["red"].legs[1].hangs_up()


async def test_without_a_line_it_is_said_at_once() -> None:
    async with scene(SHOP) as s:
        for line in s.lines.values():
            line.state = LineState.SEARCHING
        assert s.switchboard.call_back("2001") is Cause.NO_FREE_LINE


async def test_a_call_is_turned_away_free_of_charge_and_called_back() -> None:
    """Being reached on the registered mobile is the proof: no PIN is asked for."""
    async with scene(courier(calls_back=True, pin=None)) as s:
        s.orders = [order()]
        caller = s.call_to_line("red", COURIER)
        await s.after(0.1)
        assert caller.told == [f"hangup {Cause.REJECTED}"], "never answered: the courier pays nothing"
        s.lines["red"].state = LineState.READY
        await s.after(3.1)
        (mobile,) = s.lines["red"].legs
        assert s.lines["red"].dialled == [(COURIER, "2001")]
        mobile.answers()
        await s.after(2)
        mobile.presses("1")
        await s.after(1.5)
        assert s.prompts_played == ["press-1-to-call", "enter-number"]
        mobile.presses("1001#")
        await s.after(0.5)
        assert s.trunks["provider"].dialled == [(CUSTOMER, "2001")]
        mobile.hangs_up()
        await s.after(0.1)


async def test_keys_that_are_typed_on_after_the_1_dial_nothing() -> None:
    """Of "101#" the first key says that a person is there; "01" is the fire brigade in Russia."""
    async with scene(SHOP) as s:
        assert s.switchboard.call_back("2001") is None
        await s.after(0.1)
        (mobile,) = s.lines["red"].legs
        mobile.answers()
        await s.after(1)
        for key in "101#":
            mobile.presses(key)
            await s.after(0.3)
        await s.after(2)
        assert s.prompts_played[-1] == "enter-number"
        assert s.all_legs() == [mobile]
        mobile.presses("101#")
        await s.after(0.5)
        assert set(s.phones.legs) == {"101"}
        mobile.hangs_up()


async def test_a_forged_number_makes_a_mobile_ring_five_times_an_hour_at_most() -> None:
    """T-F8: 0 calls to anything but the registered mobile."""
    async with scene(courier(calls_back=True)) as s:
        for _ in range(20):
            s.call_to_line("red", COURIER)
            s.lines["red"].state = LineState.READY
            await s.after(4)
            for leg in s.all_legs():
                if leg.state is not LegState.ENDED:
                    leg.hangs_up(Cause.REJECTED)
            await s.after(1)
        assert s.lines["red"].dialled == [(COURIER, "2001")] * 5
        assert s.lines["blue"].dialled == []
        await s.after(3600)
        s.call_to_line("red", COURIER)
        s.lines["red"].state = LineState.READY
        await s.after(4)
        assert len(s.lines["red"].dialled) == 6
        s.lines["red"].legs[-1].hangs_up()


@pytest.mark.parametrize("half_seconds", range(0, 20, 2))
async def test_the_courier_hangs_up_here_after_a_tap(half_seconds: int) -> None:
    async with scene(SHOP) as s:
        mobile = await tapped(s)
        for step in range(20):
            if step == half_seconds and mobile.state is not LegState.ENDED:
                mobile.hangs_up()
            if mobile.state is not LegState.ENDED:
                if step == 2:
                    mobile.answers()
                if step == 8:
                    mobile.presses("1")
                if step == 14:
                    for leg in s.trunks["provider"].legs:
                        leg.answers()
            await s.after(0.5)
        if mobile.state is not LegState.ENDED:
            mobile.hangs_up()
        await s.after(0.1)
