"""What a courier hears before the other one answers: that it rings there, by our tone or by the network's (B5, B7)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np
import pytest

from gateway.audio.frame import FRAME_SAMPLES, Frame
from gateway.audio.tones import Tone, TonePlan, ToneSource
from gateway.events import CallAnswered
from gateway.telephony.leg import LegState
from gateway.telephony.shop import PhoneSettings
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg
from tests.flows.test_courier_orders import SHOP, in_the_menu, order

RINGING = ToneSource(Tone.RINGBACK, TonePlan.RU).next_frame()
SPOKEN = np.full(FRAME_SAMPLES, 7_000, dtype=np.int16)


def heard(leg: FakeLeg) -> list[Frame]:
    return leg.fake_port.heard[-50:]


def hears_ringing(leg: FakeLeg) -> bool:
    """The first frame of the tone is among what was heard."""
    assert RINGING is not None
    return any(np.array_equal(frame, RINGING) for frame in leg.fake_port.heard)


async def by_pin(s: Scene) -> FakeLeg:
    """The courier has called the SIM and dials the order."""
    caller = await in_the_menu(s)
    caller.fake_port.heard.clear()
    caller.presses("1001#")
    return caller


async def called_back(s: Scene) -> FakeLeg:
    """The courier was rung, and has pressed 1."""
    assert s.switchboard.call_back("2001", s.orders[0]) is None
    await s.after(0.1)
    (mobile,) = s.lines["red"].legs
    mobile.answers()
    await s.after(6.5)
    mobile.fake_port.heard.clear()
    mobile.presses("1")
    return mobile


@pytest.mark.parametrize("reached", [by_pin, called_back])
async def test_the_courier_hears_it_ring_at_the_customer(reached: Callable[[Scene], Awaitable[FakeLeg]]) -> None:
    async with scene(SHOP) as s:
        s.orders = [order()]
        courier = await reached(s)
        await s.after(1)
        (customer,) = s.trunks["provider"].legs
        customer.rings()
        await s.after(5)
        assert hears_ringing(courier)
        customer.answers()
        await s.after(1)
        courier.fake_port.heard.clear()
        customer.fake_port.speak(SPOKEN)
        await s.after(1)
        assert not hears_ringing(courier)
        assert any(np.array_equal(frame, SPOKEN) for frame in heard(courier))
        customer.hangs_up()


async def test_what_the_network_says_before_the_answer_is_heard_in_the_place_of_our_tone() -> None:
    """ "The subscriber is not available", which no cause tells as well."""
    async with scene(SHOP) as s:
        s.orders = [order()]
        courier = await by_pin(s)
        await s.after(1)
        (customer,) = s.trunks["provider"].legs
        customer.brings_early_media()
        courier.fake_port.heard.clear()
        for _ in range(5):
            customer.fake_port.speak(SPOKEN)
            await s.after(0.02)
        assert any(np.array_equal(frame, SPOKEN) for frame in heard(courier))
        assert not hears_ringing(courier)
        courier.hangs_up()


@pytest.mark.parametrize("extension", ["101", "0"])
async def test_a_short_number_rings_inside_and_costs_nothing(extension: str) -> None:
    reception = PhoneSettings(extension="0", name="Reception", password="a-long-password")
    async with scene(replace(SHOP, phones=(*SHOP.phones, reception))) as s:
        caller = await in_the_menu(s)
        caller.presses(f"{extension}#")
        await s.after(2)
        assert set(s.phones.legs) == {extension}
        assert hears_ringing(caller)
        s.phones.legs[extension][0].answers()
        await s.after(1)
        assert [event.answered_by for event in s.events if isinstance(event, CallAnswered)] == [extension]
        assert all(not line.dialled for line in s.lines.values()), "no minute of any line"
        assert s.trunks["provider"].dialled == []
        assert caller.state is LegState.UP
        caller.hangs_up()
