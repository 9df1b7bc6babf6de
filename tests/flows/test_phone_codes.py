"""`**` codes on any phone in the midst of a call: hold, hand over, conference, and consultation (D1, D2, D3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.events import CallTransferred
from gateway.telephony.company import Role
from gateway.telephony.leg import LegState
from tests.fakes.exchange import scene
from tests.fakes.legs import FakeLeg
from tests.fakes.talks import CUSTOMER, SHOP, hear_each_other, talking
from tests.telephony.test_company import Room, room


async def consults(r: Room, extension: str = "102", *, answers: bool = True) -> FakeLeg:
    """Phone 101 presses the code, and that one answers."""
    r.legs["101"].presses(f"**5{extension}#")
    await r.s.after(0.2)
    leg = r.s.phones.legs[extension][-1]
    if answers:
        leg.answers()
        r.legs[extension] = leg
        await r.s.after(0.2)
    return leg


async def test_who_consults_talks_to_the_other_while_the_customer_waits() -> None:
    """D2."""
    async with room() as r:
        music = len(r.legs["customer"].fake_port.played)
        await consults(r)
        heard = await r.who_hears_whom()
        assert heard == {"customer": set(), "101": {"102"}, "102": {"101"}}
        assert len(r.legs["customer"].fake_port.played) == music + 1, "music"
        assert not any(recording.keeps for recording in r.s.recordings.made), "what they say is not recorded"


async def test_hanging_up_hands_the_call_over_within_three_tenths_of_a_second() -> None:
    """D3: from the hang-up to the first frame each way, in the loop's time."""
    async with room() as r:
        expert = await consults(r)
        r.legs["101"].hangs_up()
        waited = 0.0
        while not hear_each_other(r.legs["customer"], expert):
            await r.s.after(0.01)
            waited += 0.01
        assert waited < 0.3
        assert await r.who_hears_whom() == {"customer": {"102"}, "102": {"customer"}}
        moved = [(event.by, event.to) for event in r.s.events if isinstance(event, CallTransferred)]
        assert moved == [("101", "102")]
        assert r.s.recordings.made[0].keeps
        expert.hangs_up()
        await r.s.after(0.2)
        assert r.legs["customer"].state is LegState.ENDED


@pytest.mark.parametrize("keys", ["**1", "**5#"])
async def test_a_key_comes_back_to_the_customer(keys: str) -> None:
    async with room() as r:
        expert = await consults(r)
        r.legs["101"].presses(keys)
        await r.s.after(0.3)
        assert expert.state is LegState.ENDED
        assert await r.who_hears_whom() == {"customer": {"101"}, "101": {"customer"}}
        assert r.legs["customer"].keys_sent == "", "nobody hears the keys of a code"


async def test_the_expert_hangs_up_and_the_customer_is_back() -> None:
    async with room() as r:
        expert = await consults(r)
        expert.hangs_up()
        await r.s.after(0.2)
        assert await r.who_hears_whom() == {"customer": {"101"}, "101": {"customer"}}


async def test_who_is_consulted_may_take_part() -> None:
    """D1: of the consultation becomes a conference."""
    async with room() as r:
        await consults(r)
        r.legs["101"].presses("**3102#")
        await r.s.after(0.3)
        heard = await r.who_hears_whom()
        assert heard == {"customer": {"101", "102"}, "101": {"customer", "102"}, "102": {"customer", "101"}}
        r.legs["102"].hangs_up()
        await r.s.after(0.1)


async def test_a_phone_has_another_take_part_by_a_code() -> None:
    """D1: four, by keys alone."""
    async with room() as r:
        for extension in ("102", "103"):
            r.legs["101"].presses(f"**3{extension}#")
            await r.s.after(0.2)
            r.legs[extension] = r.s.phones.legs[extension][-1]
            r.legs[extension].answers()
            await r.s.after(0.2)
        everybody = {"customer", "101", "102", "103"}
        assert await r.who_hears_whom() == {each: everybody - {each} for each in everybody}
        for extension in ("102", "103"):
            r.legs[extension].hangs_up()
        await r.s.after(0.1)


async def test_a_phone_holds_and_hands_over_by_codes() -> None:
    async with room() as r:
        desk = r.legs["101"]
        desk.presses("**1")
        await r.s.after(0.5)
        assert await r.who_hears_whom() == {"customer": set(), "101": set()}
        desk.presses("**1")
        await r.s.after(0.5)
        assert await r.who_hears_whom() == {"customer": {"101"}, "101": {"customer"}}
        desk.presses("**2102#")
        await r.s.after(0.2)
        r.legs["102"] = r.s.phones.legs["102"][-1]
        r.legs["102"].answers()
        await r.s.after(0.3)
        assert desk.state is LegState.ENDED
        assert await r.who_hears_whom() == {"customer": {"102"}, "102": {"customer"}}
        r.legs["102"].hangs_up()
        await r.s.after(0.1)


async def test_one_is_consulted_at_a_time() -> None:
    async with room() as r:
        await consults(r)
        r.legs["101"].presses("**5103#")
        await r.s.after(0.3)
        assert "103" not in r.s.phones.legs
        r.legs["102"].hangs_up()
        await r.s.after(0.1)


async def test_a_person_consults_and_hands_over_from_the_panel() -> None:
    async with room() as r:
        expert = await r.join("102", Role.CONSULTS)
        assert await r.who_hears_whom() == {"customer": set(), "101": {"102"}, "102": {"101"}}
        assert not r.s.switchboard.hand_over(r.call_id, r.legs["101"].id), "nobody consults that one"
        assert r.s.switchboard.hand_over(r.call_id, expert.id)
        await r.s.after(0.2)
        assert await r.who_hears_whom() == {"customer": {"102"}, "102": {"customer"}}
        expert.hangs_up()
        await r.s.after(0.1)


async def test_who_comes_from_outside_has_no_codes() -> None:
    async with room() as r:
        r.legs["customer"].presses("**5102#")
        await r.s.after(0.5)
        assert "102" not in r.s.phones.legs
        assert r.legs["101"].keys_sent == "**5102#"


async def test_without_a_prefix_every_key_goes_on() -> None:
    async with scene(replace(SHOP, codes=replace(SHOP.codes, talk=""))) as s:
        customer = s.call_to_line("red", CUSTOMER)
        desk = await talking(s, customer, "101")
        desk.presses("**5102#")
        assert customer.keys_sent == "**5102#"
        customer.hangs_up()


@pytest.mark.parametrize("who", ["customer", "101", "102"])
@pytest.mark.parametrize("half_seconds", range(4))
async def test_nothing_is_left_whoever_hangs_up_at_any_moment(who: str, half_seconds: int) -> None:
    """The code, the ringing, the consultation."""
    async with scene(SHOP) as s:
        customer = s.call_to_line("red", CUSTOMER)
        desk = await talking(s, customer, "101")
        desk.presses("**5102#")
        await s.after(0.1)
        expert = s.phones.legs["102"][-1]
        legs = {"customer": customer, "101": desk, "102": expert}
        if half_seconds > 1:
            expert.answers()
        await s.after(half_seconds / 2)
        legs[who].hangs_up()
        await s.after(35)
        if who == "102":
            assert hear_each_other(customer, desk)
            customer.hangs_up()
        elif who == "101" and half_seconds > 1:
            assert hear_each_other(customer, expert)
            customer.hangs_up()
        await s.after(0.1)
        assert all(leg.state is LegState.ENDED for leg in legs.values())
