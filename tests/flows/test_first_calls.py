"""The first flows, in virtual time, each with a caller who hangs up at every half second of the story."""

from __future__ import annotations

import pytest

from gateway.events import CallAnswered
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.line import LineState
from gateway.telephony.recording_policy import Notice, RecordCalls, RecordingPolicy
from gateway.telephony.shop import CourierSettings, LineSettings, PhoneSettings, Shop
from tests.fakes.exchange import scene

SHOP = Shop(
    lines=(LineSettings(name="red", modem="m0"), LineSettings(name="blue", modem="m1", rings=("102",))),
    phones=(
        PhoneSettings(extension="101", name="Front desk", password="a-long-password"),
        PhoneSettings(extension="102", name="Store", password="a-long-password"),
    ),
    couriers=(CourierSettings(extension="2001", mobile="+79161234567", lines=("red", "blue"), pin="482913"),),
    recording=RecordingPolicy(calls=RecordCalls.ALL, notice=Notice.ANNOUNCE),
)
COURIER = "+79161234567"
STRANGER = "+79035550001"


async def test_a_phone_reaches_the_courier() -> None:
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", "2001")
        await s.after(0.1)
        assert caller.told == ["ringing"]
        (mobile,) = s.lines["red"].legs
        assert s.lines["red"].dialled == [(COURIER, "2001")]
        mobile.rings()
        await s.after(3)
        mobile.answers()
        await s.after(0.5)
        assert caller.told == ["ringing", "answer"]
        assert s.recordings.made == [], "nothing is kept before the notice has ended"
        await s.after(1)
        assert len(s.recordings.made) == 1
        await s.after(10)
        mobile.hangs_up()
        await s.after(0.1)
        assert caller.state is LegState.ENDED
        assert (s.ended().cause, s.ended().ended_by) == (Cause.HUNG_UP, "callee")
        assert s.ended().talk_seconds == pytest.approx(10.6, abs=0.2)


async def test_the_next_line_is_tried_when_one_fails() -> None:
    async with scene(SHOP) as s:
        s.call_from_phone("101", "2001")
        await s.after(0.1)
        s.lines["red"].legs[0].hangs_up(Cause.MODEM_LOST)
        await s.after(0.1)
        assert len(s.lines["blue"].legs) == 1


@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.NO_ANSWER, Cause.REJECTED, Cause.UNREACHABLE])
async def test_the_caller_is_told_why(cause: Cause) -> None:
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", "2001")
        await s.after(0.1)
        s.lines["red"].legs[0].hangs_up(cause)
        await s.after(0.1)
        assert caller.told[-1] == f"hangup {cause}"
        assert s.lines["blue"].legs == [], "the courier's own answer counts on any line"
        assert s.ended().cause is cause


async def test_no_line_is_free() -> None:
    async with scene(SHOP) as s:
        for line in s.lines.values():
            line.state = LineState.SEARCHING
        caller = s.call_from_phone("101", "2001")
        await s.after(0.1)
        assert caller.told == [f"hangup {Cause.NO_FREE_LINE}"]


async def test_a_courier_enters_pin_and_extension() -> None:
    async with scene(SHOP) as s:
        caller = s.call_to_line("red", COURIER)
        await s.after(0.5)
        caller.presses("482913#")
        await s.after(1.5)
        caller.presses("101#")
        await s.after(0.5)
        s.phones.legs["101"][0].answers()
        await s.after(3)
        assert any(isinstance(event, CallAnswered) for event in s.events)
        assert s.prompts_played[:2] == ["enter-pin", "enter-number"]
        caller.hangs_up()
        await s.after(0.1)
        assert (s.ended().cause, s.ended().ended_by) == (Cause.HUNG_UP, "caller")


async def test_three_wrong_pins_open_nothing() -> None:
    async with scene(SHOP) as s:
        caller = s.call_to_line("red", COURIER)
        for _ in range(3):
            await s.after(2)
            caller.presses("000000#")
        await s.after(30)
        assert caller.state is LegState.ENDED
        assert s.all_legs() == []


async def test_caller_id_alone_opens_nothing() -> None:
    async with scene(SHOP) as s:
        caller = s.call_to_line("red", COURIER)
        await s.after(0.5)
        caller.presses("101#")
        await s.after(60)
        assert s.all_legs() == []
        assert caller.state is LegState.ENDED


async def test_a_stranger_rings_the_phones_of_the_line() -> None:
    async with scene(SHOP) as s:
        caller = s.call_to_line("blue", STRANGER)
        await s.after(1)
        assert set(s.phones.legs) == {"102"}
        assert "answer" not in caller.told, "a stranger pays nothing before a person answers"
        s.phones.legs["102"][0].answers()
        await s.after(2)
        s.phones.legs["102"][0].hangs_up()
        await s.after(0.1)
        assert s.ended().ended_by == "callee"


async def test_the_first_phone_wins_and_the_other_stops() -> None:
    async with scene(SHOP) as s:
        s.call_to_line("red", STRANGER)
        await s.after(1)
        first, second = s.phones.legs["101"][0], s.phones.legs["102"][0]
        second.answers()
        await s.after(0.2)
        assert first.told == [f"hangup {Cause.ANSWERED_ELSEWHERE}"]


async def test_keys_pass_while_they_talk() -> None:
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", "2001")
        await s.after(0.1)
        mobile = s.lines["red"].legs[0]
        mobile.answers()
        await s.after(2)
        caller.presses("42#")
        assert mobile.keys_sent == "42#"


async def test_a_stop_ends_running_calls() -> None:
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", "2001")
        await s.after(0.1)
        s.lines["red"].legs[0].answers()
        await s.after(5)
    assert caller.cause is Cause.SHUTDOWN


@pytest.mark.parametrize("half_seconds", range(16))
async def test_the_caller_hangs_up_here_on_the_way_to_a_courier(half_seconds: int) -> None:
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", "2001")
        for step in range(16):
            if step == half_seconds:
                caller.hangs_up()
            legs = s.lines["red"].legs
            if step == 2 and legs:
                legs[0].rings()
            if step == 6 and legs and legs[0].state is LegState.RINGING:
                legs[0].answers()
            await s.after(0.5)
        assert caller.state is LegState.ENDED
        assert s.ended().ended_by == "caller"


@pytest.mark.parametrize("half_seconds", range(24))
async def test_the_caller_hangs_up_here_in_the_courier_menu(half_seconds: int) -> None:
    async with scene(SHOP) as s:
        caller = s.call_to_line("red", COURIER)
        for step in range(24):
            if step == half_seconds:
                caller.hangs_up()
            if caller.state is not LegState.ENDED:
                if step == 2:
                    caller.presses("482913#")
                if step == 8:
                    caller.presses("101#")
                if step == 12:
                    for leg in s.phones.legs.get("101", []):
                        leg.answers()
            await s.after(0.5)
        assert s.ended().ended_by == "caller"
