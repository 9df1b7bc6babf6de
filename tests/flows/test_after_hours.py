"""The shop is closed: the greeting with its offer (A4), the duty mobile or a partner (D6), a message."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.events import CallAnswered, CallRouted, MessageLeft
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.schedule import Schedule, ScheduleException
from gateway.telephony.shop import Shop
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg
from tests.faults import rounds
from tests.flows.test_reception import CUSTOMER, calls_shop, rings_at, with_rules

HOURS = Schedule(monday=("09:00-18:00",), tuesday=("09:00-18:00",))
NIGHT = timedelta(hours=15)
"""From Monday noon to Tuesday at three, in Moscow."""
OPENS = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)
DUTY = "+79161112233"


def closed(**rules: object) -> Shop:
    return replace(with_rules(**rules), schedule=HOURS)


async def calls_at_night(s: Scene) -> FakeLeg:
    s.set_by = NIGHT
    caller = calls_shop(s)
    await s.after(0.5)
    return caller


async def test_a_call_at_three_is_offered_a_call_back_and_no_staff_ring() -> None:
    """A4."""
    async with scene(closed()) as s:
        caller = await calls_at_night(s)
        await s.after(5)
        assert s.prompts_played == ["after-hours", "opens-again", "day-today", "at-0900", "press-1-when-open"]
        assert s.phones.legs == {}
        caller.presses("1")
        await s.after(3)
        assert s.prompts_played[-1] == "we-will-call-you"
        (promise,) = s.call_backs.waiting()
        assert promise.due_at == OPENS
        assert caller.state is LegState.ENDED
        assert [event.flow for event in s.events if isinstance(event, CallRouted)] == ["after-hours"]
        await s.after((OPENS - s.clock()).total_seconds() - 1)
        assert rings_at(s, "101") == []
        while not rings_at(s, "101"):
            await s.after(1)
        assert OPENS <= s.clock() < OPENS + timedelta(seconds=5)
        s.call_backs.cancel(promise.id)
        await s.after(0.1)


async def test_who_presses_nothing_hears_goodbye() -> None:
    async with scene(closed()) as s:
        caller = await calls_at_night(s)
        await s.after(16)
        assert s.prompts_played == [
            "after-hours",
            "opens-again",
            "day-today",
            "at-0900",
            "press-1-when-open",
            "goodbye",
        ]
        assert caller.told[-1] == f"hangup {Cause.HUNG_UP}"
        assert s.call_backs.waiting() == []


async def test_the_hours_are_those_of_the_shop_s_clock() -> None:
    async with scene(closed()) as s:
        caller = calls_shop(s)
        await s.after(0.5)
        assert set(s.phones.legs) == {"101", "102"}, "Monday noon"
        caller.hangs_up()


# Whoever has duty.


async def test_the_duty_mobile_is_called_at_night() -> None:
    """D6."""
    async with scene(closed(night_to=DUTY)) as s:
        caller = await calls_at_night(s)
        assert s.trunks["free"].dialled == [(DUTY, "101")], "not by the provider that the caller came by"
        assert caller.told == ["ringing"]
        s.trunks["free"].legs[0].answers()
        await s.after(1)
        assert [event.answered_by for event in s.events if isinstance(event, CallAnswered)] == [DUTY]
        routed = [event for event in s.events if isinstance(event, CallRouted)]
        assert (routed[-1].flow, routed[-1].called) == ("night", DUTY)
        caller.hangs_up()


async def test_a_voicemail_of_the_duty_mobile_takes_no_call_where_a_key_is_asked_for() -> None:
    async with scene(closed(night_to=DUTY, night_confirms=True)) as s:
        await calls_at_night(s)
        s.trunks["free"].legs[0].answers()
        await s.after(10)
        assert s.trunks["free"].legs[0].state is LegState.ENDED
        assert s.prompts_played[:2] == ["press-1-to-take", "after-hours"]


@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.NO_ANSWER, Cause.UNREACHABLE])
async def test_where_nobody_has_duty_the_greeting_is_heard(cause: Cause) -> None:
    async with scene(closed(night_to=DUTY)) as s:
        await calls_at_night(s)
        s.trunks["free"].legs[0].hangs_up(cause)
        await s.after(1)
        assert s.prompts_played[0] == "after-hours"
        assert s.all_legs() == s.trunks["free"].legs


async def test_another_way_is_tried_where_one_fails() -> None:
    async with scene(closed(night_to=DUTY)) as s:
        caller = await calls_at_night(s)
        s.trunks["free"].legs[0].hangs_up(Cause.CONGESTION)
        await s.after(0.1)
        assert s.lines["red"].dialled == [(DUTY, "101")]
        caller.hangs_up()


@pytest.mark.parametrize("number", ["+882161234567", "+18005551234"])
async def test_a_number_that_the_policy_bars_is_not_called(number: str) -> None:
    async with scene(closed(night_to=number)) as s:
        caller = await calls_at_night(s)
        assert s.all_legs() == []
        assert s.prompts_played[0] == "after-hours"
        caller.hangs_up()


async def test_a_phone_can_have_duty() -> None:
    async with scene(closed(night_to="102")) as s:
        caller = await calls_at_night(s)
        assert len(rings_at(s, "102")) == 1
        assert rings_at(s, "101") == []
        caller.hangs_up()


async def test_a_toll_free_number_is_not_answered_at_night() -> None:
    async with scene(closed(night_message=True)) as s:
        s.set_by = NIGHT
        caller = s.call_to_trunk("free", CUSTOMER, "+78001234567")
        await s.after(1)
        assert caller.told == [f"hangup {Cause.UNREACHABLE}"]


# A message.


async def test_a_message_is_recorded_after_its_notice_until_the_caller_hangs_up() -> None:
    async with scene(closed(night_message=True)) as s:
        caller = await calls_at_night(s)
        await s.after(13)
        assert s.prompts_played[5:] == ["leave-message"]
        assert s.recordings.made == []
        await s.after(3)
        assert s.prompts_played[5:] == ["leave-message", "recording-beep"]
        (recording,) = s.recordings.made
        assert recording.runs
        caller.hangs_up()
        await s.after(0.1)
        assert not recording.runs


async def test_the_hash_key_and_the_time_end_a_message() -> None:
    for key, seconds in (("#", 1.0), ("", 121.0)):
        async with scene(closed(night_message=True)) as s:
            caller = await calls_at_night(s)
            await s.after(16)
            caller.presses(key)
            await s.after(seconds)
            assert s.prompts_played[-1] == "goodbye"
            assert not s.recordings.made[0].runs


async def test_the_caller_hangs_up_here_at_night(seed: int) -> None:
    moments = range(1, 42)
    for half_seconds in random.Random(seed).sample(moments, rounds(6, len(moments))):
        async with scene(closed(night_message=True, night_to=DUTY, night_seconds=5)) as s:
            caller = await calls_at_night(s)
            await s.after(half_seconds / 2)
            if caller.state is not LegState.ENDED:
                caller.hangs_up()
            await s.after(0.1)
            assert [leg for leg in s.all_legs() if leg.state is not LegState.ENDED] == []
            assert s.call_backs.waiting() == []


# A phone's own.


def with_voicemail(shop: Shop, extension: str) -> Shop:
    phones = (replace(each, voicemail=True) if each.extension == extension else each for each in shop.phones)
    return replace(shop, phones=tuple(phones))


@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.NO_ANSWER, Cause.REJECTED])
async def test_who_is_not_answered_by_a_phone_leaves_it_a_message(cause: Cause) -> None:
    async with scene(with_voicemail(with_rules(), "102")) as s:
        caller = s.call_from_phone("101", "102")
        await s.after(0.1)
        s.phones.legs["102"][0].hangs_up(cause)
        await s.after(2.5)
        assert s.prompts_played == ["leave-message", "recording-beep"]
        await s.after(9.6)
        caller.hangs_up()
        await s.after(0.1)
        (left,) = [event for event in s.events if isinstance(event, MessageLeft)]
        assert left.mailbox == "102"
        assert left.seconds == pytest.approx(10, abs=0.2)
        routed = [event for event in s.events if isinstance(event, CallRouted)]
        assert (routed[-1].flow, routed[-1].called) == ("voicemail", "102")


async def test_a_phone_away_has_its_messages_taken_and_one_without_has_not() -> None:
    async with scene(with_voicemail(with_rules(), "102")) as s:
        s.phones.away = {"101", "102"}
        caller = s.call_from_phone("101", "102")
        await s.after(1)
        assert s.prompts_played == ["leave-message"]
        caller.hangs_up()
        other = s.call_from_phone("102", "101")
        await s.after(1)
        assert other.told[-1] == f"hangup {Cause.UNREACHABLE}"


HEARD_AT = {
    datetime(2026, 3, 2, 7, 0, tzinfo=UTC): ["greeting"],
    datetime(2026, 3, 2, 19, 0, tzinfo=UTC): ["after-hours", "opens-again", "day-tomorrow", "at-0900"],
    datetime(2026, 3, 8, 9, 0, tzinfo=UTC): ["after-hours", "opens-again", "day-tomorrow", "at-1000"],
    datetime(2026, 3, 7, 9, 0, tzinfo=UTC): ["after-hours", "opens-again", "day-monday", "at-1000"],
    datetime(2026, 3, 11, 9, 0, tzinfo=UTC): ["after-hours", "opens-again", "day-tomorrow", "at-0900"],
}


@pytest.mark.parametrize("moment", HEARD_AT, ids=lambda moment: f"{moment:%a %H:%M}")
async def test_what_is_heard_goes_by_the_weekday_the_hour_and_the_date(moment: datetime) -> None:
    """A3: Monday at ten and at 22, Saturday, Sunday, and a Wednesday that the owner has closed, by Moscow's clock."""
    days = dict.fromkeys(("tuesday", "wednesday", "thursday", "friday"), ("09:00-18:00",))
    off = ScheduleException(day="2026-03-11", name="Stocktaking")
    hours = Schedule(monday=("10:00-18:00",), **days, exceptions=(off,))  # type: ignore[arg-type]  # hours by weekday
    async with scene(replace(with_rules(), schedule=hours)) as s:
        s.set_by = moment - s.clock()
        caller = calls_shop(s)
        await s.after(9.5)
        assert s.prompts_played[:4] == HEARD_AT[moment]
        caller.hangs_up()
