"""`**` codes on a courier's mobile: hold, hand over, conference, pause; what is no code reaches the other party."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gateway.audio.frame import SILENCE
from gateway.events import CallTransferred, LegHeld, LegResumed, PartyJoined
from gateway.telephony.causes import Cause
from gateway.telephony.courier_codes import CodeReader, CodeWish
from gateway.telephony.feature_codes import FeatureCodes
from gateway.telephony.leg import LegState
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg
from tests.fakes.talks import COURIER, CUSTOMER, OUTSIDE, SHOP, hear_each_other


@asynccontextmanager
async def a_courier_talks(codes: FeatureCodes | None = None) -> AsyncIterator[tuple[Scene, FakeLeg, FakeLeg]]:
    """The front desk has called courier 2001, who is at the mobile."""
    async with scene(replace(SHOP, codes=codes or FeatureCodes())) as s:
        desk = s.call_from_phone("101", "2001")
        await s.after(0.2)
        (mobile,) = s.lines["blue"].legs
        mobile.answers()
        await s.after(1)
        assert hear_each_other(desk, mobile)
        yield s, desk, mobile
        for leg in (desk, *s.all_legs()):
            if leg.state is not LegState.ENDED:
                leg.hangs_up()
        await s.after(0.1)


# The reader alone.


@pytest.mark.parametrize(
    ("keys", "acted", "passed"),
    [
        ("**1", [("1", "")], ""),
        ("**2101#", [("2", "101")], ""),
        ("**3102#5", [("3", "102")], "5"),
        ("**4**1", [("4", ""), ("1", "")], ""),
        ("12*3#", [], "12*3#"),
        ("*1", [], "*1"),
        ("5**1", [("1", "")], "5"),
        ("*5**1", [("1", "")], "*5"),
        ("**9", [], ""),
        ("**2*", [], ""),
        ("**2123456789#", [], "#"),
        ("**2#", [("2", "")], ""),
        ("*", [], "*"),
        ("**", [], ""),
        ("**21", [], ""),
    ],
)
async def test_what_is_a_code_and_what_goes_on(keys: str, acted: list[tuple[str, str]], passed: str) -> None:
    told: list[tuple[str, str]] = []
    gone: list[str] = []
    reader = CodeReader("**", lambda wish, target: told.append((wish, target)), gone.append)
    for key in keys:
        reader.press(key)
    await asyncio.sleep(3.5)
    assert (told, "".join(gone)) == ([(CodeWish(wish), target) for wish, target in acted], passed)


# In a call.


async def test_the_courier_holds_and_comes_back() -> None:
    async with a_courier_talks() as (s, desk, mobile):
        mobile.presses("**1")
        await s.after(2)
        assert desk.keys_sent == "", "the other party hears no keys of a code"
        played = len(desk.fake_port.heard)
        mobile.fake_port.speak(SILENCE)
        assert len(desk.fake_port.heard) == played, "who waits hears music and not the courier"
        heard = len(mobile.fake_port.heard)
        desk.fake_port.speak(SILENCE)
        assert len(mobile.fake_port.heard) == heard, "and the courier does not hear who waits"
        assert [each.keeps for each in s.recordings.made] == [False]
        mobile.presses("**1")
        await s.after(2)
        assert hear_each_other(desk, mobile)
        assert [type(event) for event in s.events if isinstance(event, LegHeld | LegResumed)] == [LegHeld, LegResumed]


async def test_the_courier_hands_the_call_over() -> None:
    async with a_courier_talks() as (s, desk, mobile):
        mobile.presses("**2102#")
        await s.after(0.2)
        (store,) = s.phones.legs["102"]
        store.answers()
        await s.after(0.5)
        assert mobile.state is LegState.ENDED
        assert hear_each_other(desk, store)
        (event,) = [event for event in s.events if isinstance(event, CallTransferred)]
        assert event.to == "102"


async def test_a_hand_over_that_fails_gives_the_call_back() -> None:
    async with a_courier_talks() as (s, desk, mobile):
        mobile.presses("**2102#")
        await s.after(0.2)
        s.phones.legs["102"][0].hangs_up(Cause.BUSY)
        await s.after(2)
        assert "busy" in s.prompts_played
        assert hear_each_other(desk, mobile)


@pytest.mark.parametrize("target", [OUTSIDE.removeprefix("+")[-8:], "112", "999", ""])
async def test_no_code_leads_outside(target: str) -> None:
    """T-F5: whoever has the mobile in his hands reaches extensions by it, and no number."""
    async with a_courier_talks() as (s, desk, mobile):
        mobile.presses(f"**2{target}#")
        await s.after(2)
        assert s.trunks["provider"].dialled == []
        assert [line.dialled for line in s.lines.values()] == [[], [(COURIER, "2001")]]
        assert s.prompts_played[-1] == "no-such-extension"
        assert hear_each_other(desk, mobile)


async def test_a_phone_joins_and_stays_when_the_courier_goes() -> None:
    async with a_courier_talks() as (s, desk, mobile):
        mobile.presses("**3102#")
        await s.after(0.2)
        (store,) = s.phones.legs["102"]
        store.answers()
        await s.after(0.2)
        (joined,) = [event for event in s.events if isinstance(event, PartyJoined)]
        assert (joined.peer, joined.role, joined.by) == ("102", "speak", "2001")
        mobile.hangs_up()
        await s.after(0.2)
        assert hear_each_other(desk, store)


async def test_the_recording_pauses_and_goes_on() -> None:
    async with a_courier_talks() as (s, _, mobile):
        mobile.presses("**4")
        await s.after(1.5)
        assert s.recordings.made[0].is_paused_for_card
        mobile.presses("**4")
        await s.after(1.5)
        assert not s.recordings.made[0].is_paused_for_card


async def test_other_keys_reach_the_other_party_in_their_order() -> None:
    async with a_courier_talks() as (s, desk, mobile):
        mobile.presses("1*2#")
        await s.after(0.1)
        assert desk.keys_sent == "1*2#"
        mobile.presses("*")
        await s.after(3.5)
        assert desk.keys_sent == "1*2#*"


async def test_without_a_prefix_every_key_goes_on() -> None:
    async with a_courier_talks(FeatureCodes(courier="")) as (s, desk, mobile):
        mobile.presses("**1")
        await s.after(0.1)
        assert desk.keys_sent == "**1"


async def test_the_number_of_a_courier_alone_opens_no_code() -> None:
    """T-F8: a stranger who shows the courier's number, and is put through to a phone, is no courier."""
    shop = replace(SHOP, couriers=(replace(SHOP.couriers[0], pin=None),))
    async with scene(shop) as s:
        stranger = s.call_to_line("blue", COURIER)
        await s.after(0.2)
        phone = next(leg for legs in s.phones.legs.values() for leg in legs)
        phone.answers()
        await s.after(1)
        stranger.presses("**2102#")
        await s.after(1)
        assert phone.keys_sent == "**2102#"
        assert not any(isinstance(event, CallTransferred) for event in s.events)
        stranger.hangs_up()
        await s.after(0.1)


async def test_a_courier_who_has_called_the_customer_has_the_codes_too() -> None:
    shop = replace(SHOP, couriers=(replace(SHOP.couriers[0], pin="482913"),))
    async with scene(shop) as s:
        mobile = s.call_to_line("blue", COURIER)
        await s.after(0.5)
        mobile.presses("482913#")
        await s.after(1.5)
        mobile.presses(f"{OUTSIDE}#".removeprefix("+"))
        await s.after(0.5)
        (customer,) = s.trunks["provider"].legs
        customer.answers()
        await s.after(1)
        mobile.presses("**2101#")
        await s.after(0.3)
        s.phones.legs["101"][-1].answers()
        await s.after(0.5)
        assert mobile.state is LegState.ENDED
        assert hear_each_other(customer, s.phones.legs["101"][-1])
        customer.hangs_up()
        await s.after(0.1)
        assert CUSTOMER not in str(s.events)
