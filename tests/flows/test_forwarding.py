"""Do not disturb and forwarding: by the shop's settings, by codes from the phone, and by a phone's 302 (T-F4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.telephony.causes import Cause
from gateway.telephony.forwarding import Feature, PhoneChange, change_by_code
from gateway.telephony.leg import LegState
from gateway.telephony.shop import CourierSettings, LineSettings, PhoneSettings, Shop
from tests.fakes.exchange import Scene, scene

OUTSIDE = "+74951230001"


def shop_with(**wishes: object) -> Shop:
    """Phone 102 wants this done with its calls."""
    phone = PhoneSettings(extension="102", password="a-long-password")
    return Shop(
        lines=(LineSettings(name="red", modem="m0"), LineSettings(name="blue", modem="m1", rings=("101", "102"))),
        phones=(
            PhoneSettings(extension="101", password="a-long-password"),
            replace(phone, **wishes),  # type: ignore[arg-type]  # the names are those of the settings
            PhoneSettings(extension="103", password="a-long-password"),
        ),
        couriers=(CourierSettings(extension="2001", mobile="+79161234567", lines=("red",)),),
    )


def rung(s: Scene) -> list[str]:
    """The phones that were rung, in order of extension."""
    return sorted(s.phones.legs)


async def test_do_not_disturb_is_busy_and_rings_nobody() -> None:
    async with scene(shop_with(do_not_disturb=True)) as s:
        caller = s.call_from_phone("101", "102")
        await s.after(0.1)
        assert caller.told == [f"hangup {Cause.BUSY}"]
        assert rung(s) == []


async def test_do_not_disturb_follows_the_forwarding_of_a_busy_phone() -> None:
    async with scene(shop_with(do_not_disturb=True, forward_busy="103")) as s:
        s.call_from_phone("101", "102")
        await s.after(0.1)
        assert rung(s) == ["103"]
        s.phones.legs["103"][0].hangs_up(Cause.BUSY)


async def test_a_group_leaves_out_who_does_not_want_to_ring() -> None:
    async with scene(shop_with(forward_always=OUTSIDE)) as s:
        s.call_to_line("blue", "+79035550001")
        await s.after(0.1)
        assert rung(s) == ["101"]
        assert s.lines["red"].dialled == []
        s.phones.legs["101"][0].hangs_up(Cause.BUSY)
        await s.after(0.1)
        assert s.lines["red"].dialled == []


async def test_always_goes_out_at_the_forwarders_expense() -> None:
    async with scene(shop_with(forward_always="84951230001")) as s:
        caller = s.call_from_phone("101", "102")
        await s.after(0.1)
        assert rung(s) == []
        assert s.lines["red"].dialled == [(OUTSIDE, "102")]
        s.lines["red"].legs[0].answers()
        await s.after(0.5)
        assert caller.state is LegState.UP
        s.lines["red"].legs[0].hangs_up()


@pytest.mark.parametrize(("cause", "feature"), [(Cause.BUSY, "forward_busy"), (Cause.UNREACHABLE, "forward_no_answer")])
async def test_after_the_phone_was_rung(cause: Cause, feature: str) -> None:
    async with scene(shop_with(**{feature: "103"})) as s:
        s.call_from_phone("101", "102")
        await s.after(0.1)
        assert rung(s) == ["102"]
        s.phones.legs["102"][0].hangs_up(cause)
        await s.after(0.1)
        assert rung(s) == ["102", "103"]
        s.phones.legs["103"][0].hangs_up(Cause.BUSY)


async def test_no_answer_within_the_time_of_the_phone() -> None:
    async with scene(shop_with(forward_no_answer="2001", forward_after_seconds=10)) as s:
        s.call_from_phone("101", "102")
        await s.after(9.9)
        assert s.lines["red"].dialled == []
        await s.after(0.3)
        assert s.phones.legs["102"][0].state is LegState.ENDED
        assert s.lines["red"].dialled == [("+79161234567", "2001")]
        s.lines["red"].legs[0].hangs_up(Cause.NO_ANSWER)


async def test_a_circle_of_forwarding_ends() -> None:
    async with scene(shop_with(forward_always="103")) as s:
        phones = tuple(
            replace(each, forward_always="102") if each.extension == "103" else each for each in s.shop.phones
        )
        s.shop = replace(s.shop, phones=phones)
        caller = s.call_from_phone("101", "102")
        await s.after(0.1)
        assert caller.told == [f"hangup {Cause.UNREACHABLE}"]
        assert rung(s) == []


async def test_a_circle_of_a_courier_and_a_phone_ends() -> None:
    """2001 is followed by 102, which forwards to 2001 what it does not answer."""
    shop = shop_with(forward_no_answer="2001", forward_after_seconds=10)
    couriers = (replace(shop.couriers[0], then="102", ring_seconds=10),)
    async with scene(replace(shop, couriers=couriers)) as s:
        caller = s.call_from_phone("101", "2001")
        await s.after(60)
        assert caller.told[-1] == f"hangup {Cause.UNREACHABLE}"
        assert len(s.lines["red"].dialled) == 1
        assert len(s.phones.legs["102"]) == 1


async def test_who_phones_himself_by_a_detour_is_not_rung_for_ever() -> None:
    """102 forwards to 103, which answers by 302 to 102."""
    async with scene(shop_with(forward_always="103")) as s:
        caller = s.call_from_phone("101", "102")
        await s.after(0.1)
        s.phones.legs["103"][0].redirected_to = "102"
        s.phones.legs["103"][0].hangs_up(Cause.REJECTED)
        await s.after(0.1)
        assert caller.told[-1] == f"hangup {Cause.UNREACHABLE}"
        assert rung(s) == ["103"]


@pytest.mark.parametrize("target", ["+88213000000", "89005550000x", "*21*89035550001#", "0900123456", "00442071234567"])
async def test_a_302_passes_the_policy_of_the_phone_that_sent_it(target: str) -> None:
    async with scene(shop_with()) as s:
        caller = s.call_from_phone("101", "102")
        await s.after(0.1)
        s.phones.legs["102"][0].redirected_to = target
        s.phones.legs["102"][0].hangs_up(Cause.REJECTED)
        await s.after(0.1)
        assert caller.state is LegState.ENDED
        assert s.lines["red"].dialled == s.lines["blue"].dialled == []


async def test_a_302_to_a_number_costs_the_phone_that_sent_it() -> None:
    async with scene(shop_with()) as s:
        s.call_from_phone("101", "102")
        await s.after(0.1)
        s.phones.legs["102"][0].redirected_to = "84951230001"
        s.phones.legs["102"][0].hangs_up(Cause.REJECTED)
        await s.after(0.1)
        assert s.lines["red"].dialled == [(OUTSIDE, "102")]
        s.lines["red"].legs[0].hangs_up(Cause.BUSY)


async def test_codes_are_kept_and_confirmed() -> None:
    async with scene(shop_with()) as s:
        for code, prompt in (("*78", "do-not-disturb-on"), ("*72103", "forwarding-on"), ("*90*84951230001#", None)):
            caller = s.call_from_phone("102", code)
            await s.after(2)
            assert caller.state is LegState.ENDED
            assert prompt in (None, s.prompts_played[-1])
        phone = s.shop.phone("102")
        assert phone is not None
        assert (phone.do_not_disturb, phone.forward_always, phone.forward_busy) == (True, "103", "84951230001")
        for code in ("*79", "*73", "*91", "*93"):
            s.call_from_phone("102", code)
            await s.after(2)
        assert s.shop.phone("102") == shop_with().phone("102")
        assert s.prompts_played[-1] == "forwarding-off"


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("*72+88213000000", Cause.NUMBER_BARRED),
        ("*7200442071234567", Cause.NUMBER_BARRED),
        ("*72112", Cause.NUMBER_BARRED),
        ("*7212", Cause.NO_SUCH_NUMBER),
        ("*72102", Cause.NO_SUCH_NUMBER),
    ],
)
async def test_what_may_not_be_called_is_not_kept(code: str, cause: Cause) -> None:
    async with scene(shop_with()) as s:
        caller = s.call_from_phone("102", code)
        await s.after(0.1)
        assert caller.told == [f"hangup {cause}"]
        assert s.shop == shop_with()


async def test_nobody_outside_dials_codes() -> None:
    async with scene(shop_with()) as s:
        s.call_to_trunk("provider", "102", "*78")
        await s.after(0.1)
        assert s.shop == shop_with()
        for legs in s.phones.legs.values():
            legs[0].hangs_up(Cause.BUSY)


@pytest.mark.parametrize("text", ["", "*", "*72", "*72#", "*781", "*74", "78", "*72abc", "*72**1", "*73101", "*72٣٤٥"])
def test_what_is_no_code(text: str) -> None:
    assert change_by_code(text) is None


def test_a_code_may_be_written_in_several_ways() -> None:
    wanted = PhoneChange(feature=Feature.FORWARD_NO_ANSWER, is_on=True, target="101")
    assert {change_by_code(each) for each in ("*92101", "*92*101", "*92101#", "*92*101#")} == {wanted}


@pytest.mark.parametrize("half_seconds", range(20))
async def test_the_caller_hangs_up_here_while_the_call_is_forwarded(half_seconds: int) -> None:
    """102 rings for five seconds, then the courier's mobile, which answers."""
    async with scene(shop_with(forward_no_answer="2001", forward_after_seconds=5)) as s:
        caller = s.call_from_phone("101", "102")
        for step in range(20):
            if step == half_seconds:
                caller.hangs_up()
            legs = s.lines["red"].legs
            if step == 15 and legs and legs[0].state is not LegState.ENDED:
                legs[0].answers()
            await s.after(0.5)
        assert caller.state is LegState.ENDED
        assert s.ended().ended_by == "caller"


@pytest.mark.parametrize("half_seconds", range(4))
async def test_the_caller_hangs_up_here_while_a_code_is_confirmed(half_seconds: int) -> None:
    async with scene(shop_with()) as s:
        caller = s.call_from_phone("102", "*78")
        for step in range(4):
            if step == half_seconds:
                caller.hangs_up()
            await s.after(0.5)
        assert caller.state is LegState.ENDED
        phone = s.shop.phone("102")
        assert phone is not None
        assert phone.do_not_disturb or half_seconds == 0, "it is kept before it is confirmed"
