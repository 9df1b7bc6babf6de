"""Hold, pick-up, take-over and early media between phones, SIM lines and trunks, in virtual time."""

from __future__ import annotations

import pytest

from gateway.audio.frame import SILENCE
from gateway.audio.player import ClipSource
from gateway.events import LegHeld, LegResumed
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import PickUp
from gateway.telephony.feature_codes import FeatureCodes
from gateway.telephony.leg import Direction, LegState
from gateway.telephony.routing import to_pick_up
from gateway.telephony.shop import Shop
from tests.fakes.exchange import scene
from tests.fakes.legs import FakeLeg
from tests.fakes.talks import CUSTOMER, OUTSIDE, SHOP, hear_each_other, talking

# Hold.


@pytest.mark.parametrize("holder_is_caller", [True, False])
async def test_who_is_held_hears_music_and_is_not_recorded_until_the_other_comes_back(holder_is_caller: bool) -> None:
    async with scene(SHOP) as s:
        caller = s.call_from_phone("102", "101")
        callee = await talking(s, caller, "101")
        holder, held = (caller, callee) if holder_is_caller else (callee, caller)
        assert [each.keeps for each in s.recordings.made] == [True]
        holder.holds()
        assert isinstance(held.fake_port.played[-1], ClipSource)
        assert [each.keeps for each in s.recordings.made] == [False]
        await s.after(5)
        holder.resumes()
        assert [each.keeps for each in s.recordings.made] == [True], "one file for the whole call"
        told = [event for event in s.events if isinstance(event, LegHeld | LegResumed)]
        names = {"call_id": caller.call_id, "leg_id": holder.id}
        assert told == [LegHeld(**names), LegResumed(**names)]
        assert hear_each_other(caller, callee)
        caller.hangs_up()
        await s.after(0.1)


async def test_who_brings_music_of_its_own_is_heard_while_it_holds() -> None:
    async with scene(SHOP) as s:
        caller = s.call_to_trunk("provider", CUSTOMER, "+74951234567")
        callee = await talking(s, caller, "101")
        caller.holds(brings_music=True)
        assert callee.fake_port.played == []
        heard = callee.port.counters.frames_out
        caller.fake_port.speak(SILENCE)
        assert callee.port.counters.frames_out == heard + 1
        caller.hangs_up()
        await s.after(0.1)


# Pick-up and take-over.


@pytest.mark.parametrize("code", ["*8", "**101"])
async def test_a_call_that_rings_elsewhere_is_picked_up(code: str) -> None:
    async with scene(SHOP) as s:
        customer = s.call_to_line("red", CUSTOMER)
        await s.after(1)
        picker = s.call_from_phone("103", code)
        await s.after(0.5)
        assert picker.state is LegState.UP
        assert s.phones.legs["101"][0].told[-1] == f"hangup {Cause.ANSWERED_ELSEWHERE}"
        assert hear_each_other(customer, picker)
        assert len(s.switchboard.calls()) == 1
        picker.hangs_up()
        await s.after(0.1)
        assert customer.state is LegState.ENDED


@pytest.mark.parametrize("code", ["*8", "**102", "**"])
async def test_where_nothing_rings_nothing_is_picked_up(code: str) -> None:
    async with scene(SHOP) as s:
        picker = s.call_from_phone("103", code)
        await s.after(0.5)
        assert picker.state is LegState.ENDED
        assert picker.told in ([f"hangup {Cause.NO_SUCH_NUMBER}"], [f"hangup {Cause.NUMBER_BARRED}"])


async def test_what_somebody_of_ours_calls_outside_is_not_picked_up() -> None:
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", OUTSIDE)
        await s.after(0.5)
        picker = s.call_from_phone("103", "*8")
        await s.after(0.5)
        assert picker.told == [f"hangup {Cause.NO_SUCH_NUMBER}"]
        caller.hangs_up()
        await s.after(0.1)


def test_the_codes_are_the_owners() -> None:
    assert to_pick_up(SHOP, "*8") == PickUp()
    assert to_pick_up(SHOP, "**102") == PickUp(extension="102")
    off = Shop(codes=FeatureCodes(pick_up="", pick_up_at="*9"))
    assert to_pick_up(off, "*8") is None
    assert to_pick_up(off, "") is None
    assert to_pick_up(off, "*9101") == PickUp(extension="101")


async def test_a_ringing_leg_is_replaced_by_who_picks_it_up() -> None:
    """INVITE with Replaces of an early dialog: what a busy-lamp key sends."""
    async with scene(SHOP) as s:
        customer = s.call_to_line("red", CUSTOMER)
        await s.after(1)
        picker = FakeLeg(direction=Direction.INCOMING, peer="103", called="101")
        picker.replaces = s.phones.legs["101"][0]
        s.switchboard.incoming(picker)
        await s.after(0.5)
        assert hear_each_other(customer, picker)
        customer.hangs_up()
        await s.after(0.1)


@pytest.mark.parametrize("extension", ["101", "102"])
async def test_a_talking_leg_is_replaced_by_another_phone_of_the_same_extension_only(extension: str) -> None:
    async with scene(SHOP) as s:
        customer = s.call_to_line("red", CUSTOMER)
        desk = await talking(s, customer, "101")
        mobile = FakeLeg(direction=Direction.INCOMING, peer=extension, called="101")
        mobile.replaces = desk
        s.switchboard.incoming(mobile)
        await s.after(0.5)
        if extension == "101":
            assert desk.told[-1] == f"hangup {Cause.TRANSFERRED}"
            assert hear_each_other(customer, mobile)
        else:
            assert mobile.told == [f"hangup {Cause.NUMBER_BARRED}"]
            assert hear_each_other(customer, desk)
        customer.hangs_up()
        await s.after(0.1)


async def test_a_caller_is_replaced_and_the_call_goes_on() -> None:
    async with scene(SHOP) as s:
        desk = s.call_from_phone("101", "102")
        callee = await talking(s, desk, "102")
        mobile = FakeLeg(direction=Direction.INCOMING, peer="101", called="102")
        mobile.replaces = desk
        s.switchboard.incoming(mobile)
        await s.after(0.5)
        assert desk.state is LegState.ENDED
        assert hear_each_other(mobile, callee)
        mobile.hangs_up()
        await s.after(0.1)
        assert callee.state is LegState.ENDED


# Early media.


async def test_a_phone_hears_the_network_before_the_answer_and_a_sim_caller_only_after_it() -> None:
    async with scene(SHOP) as s:
        phone = s.call_from_phone("101", OUTSIDE)
        await s.after(0.1)
        (leg,) = s.trunks["provider"].legs
        leg.brings_early_media()
        assert phone.told == ["ringing", "early"]
        leg.fake_port.speak(SILENCE)
        assert phone.port.counters.frames_out == 1
        assert phone.state is LegState.RINGING
        leg.hangs_up(Cause.BUSY)
        await s.after(0.1)

    async with scene(SHOP) as s:
        customer = s.call_to_line("red", CUSTOMER)
        customer.speaks_early = False
        await s.after(0.1)
        (leg,) = s.phones.legs["101"]
        leg.brings_early_media()
        leg.fake_port.speak(SILENCE)
        assert customer.port.counters.frames_out == 0
        leg.answers()
        await s.after(0.5)
        assert hear_each_other(customer, leg)
        customer.hangs_up()
        await s.after(0.1)
