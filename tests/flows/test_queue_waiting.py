"""Those who wait in the queue, in virtual time: what they are told, where they go, a hang-up at any half second."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from gateway.events import MessageLeft
from gateway.telephony.leg import LegState
from gateway.telephony.queue_rules import Overflow, Strategy
from gateway.telephony.reception import Reception
from gateway.telephony.voicemail import QUEUE_BOX
from tests.fakes.exchange import scene
from tests.faults import rounds
from tests.flows.test_queue import SECOND_GREETING, SHOP, calls_shop, queue

# What callers are told.


async def test_a_caller_alone_is_told_no_place() -> None:
    async with scene(SHOP) as s:
        caller = calls_shop(s)
        await s.after(SECOND_GREETING + 100)
        assert not [each for each in s.prompts_played if each.startswith(("your-place", "about-wait"))]
        caller.hangs_up()


async def test_places_are_told_after_the_second_greeting_and_again() -> None:
    async with scene(queue(announce_seconds=40)) as s:
        callers = [calls_shop(s, number) for number in range(2)]
        await s.after(SECOND_GREETING + 5)
        said = [each for each in s.prompts_played if "place" in each]
        assert sorted(said) == ["place-1", "place-2", "your-place", "your-place"]
        await s.after(41)
        assert s.prompts_played.count("place-2") == 2
        callers[0].hangs_up()
        await s.after(45)
        assert s.prompts_played.count("place-2") == 2, "the second one is the first now"
        callers[1].hangs_up()


async def test_the_wait_is_told_once_it_is_known() -> None:
    async with scene(SHOP) as s:
        for number in range(3):
            caller = calls_shop(s, number)
            await s.after(140)
            s.phones.answer("101")
            await s.after(1)
            caller.hangs_up()
            await s.after(1)
        s.prompts_played.clear()
        callers = [calls_shop(s, 8), calls_shop(s, 9)]
        await s.after(SECOND_GREETING + 6)
        assert "wait-3" in s.prompts_played, "two minutes and a bit for the first"
        assert "wait-5" in s.prompts_played, "twice as long for the second"
        for caller in callers:
            caller.hangs_up()


async def test_nothing_is_told_where_the_owner_does_not_want_it() -> None:
    async with scene(queue(announce_seconds=0)) as s:
        callers = [calls_shop(s, number) for number in range(2)]
        await s.after(SECOND_GREETING + 90)
        assert not [each for each in s.prompts_played if "place" in each]
        for caller in callers:
            caller.hangs_up()


# Overflow.


async def test_after_so_long_more_phones_ring_too() -> None:
    shop = queue(overflow=Overflow.PHONES, overflow_seconds=20, overflow_phones=("103",))
    async with scene(replace(shop, lines=(replace(SHOP.lines[0], rings=("101", "102")),))) as s:
        caller = s.call_to_line("red", "+79035550001")
        await s.after(19)
        first = s.phones.legs["101"][0]
        assert s.phones.ringing() == {"101", "102"}
        await s.after(2)
        assert s.phones.ringing() == {"101", "102", "103"}
        assert first.told == [], "the others ring on"
        s.phones.answer("103")
        await s.after(1)
        assert caller.state is LegState.UP
        caller.hangs_up()


async def test_with_so_many_before_a_caller_goes_on_to_a_number() -> None:
    shop = queue(overflow=Overflow.NUMBER, overflow_callers=1, overflow_number="+79161112233")
    async with scene(shop) as s:
        first = calls_shop(s, 1)
        await s.after(1)
        second = calls_shop(s, 2)
        await s.after(1)
        assert [number for number, _ in s.trunks["free"].dialled] == ["+79161112233"]
        s.trunks["free"].legs[0].answers()
        await s.after(1)
        assert second.state is LegState.UP
        assert s.prompts_played.count("greeting") == 0
        first.hangs_up()
        second.hangs_up()


async def test_with_so_many_before_a_caller_leaves_a_message() -> None:
    async with scene(queue(overflow=Overflow.VOICEMAIL, overflow_callers=1)) as s:
        first = calls_shop(s, 1)
        await s.after(1)
        second = calls_shop(s, 2)
        await s.after(4)
        assert s.prompts_played[:2] == ["all-busy", "leave-message"]
        await s.after(5)
        second.presses("#")
        await s.after(2)
        (left,) = [event for event in s.events if isinstance(event, MessageLeft)]
        assert left.mailbox == QUEUE_BOX
        assert second.state is LegState.ENDED
        first.hangs_up()


async def test_after_so_long_a_caller_is_promised_a_call() -> None:
    async with scene(queue(overflow=Overflow.CALL_BACK, overflow_seconds=30)) as s:
        caller = calls_shop(s)
        await s.after(31)
        (promise,) = s.call_backs.waiting()
        await s.after(3)
        assert s.prompts_played[-1] == "we-will-call-you"
        assert caller.state is LegState.ENDED
        s.call_backs.cancel(promise.id)


async def test_who_cannot_be_called_back_waits_on() -> None:
    async with scene(queue(overflow=Overflow.CALL_BACK, overflow_seconds=30)) as s:
        caller = s.call_to_trunk("provider", "anonymous", "+74951234567")
        await s.after(60)
        assert caller.state is LegState.UP
        assert s.call_backs.waiting() == []
        caller.hangs_up()


@pytest.mark.parametrize("overflow", [Overflow.VOICEMAIL, Overflow.CALL_BACK])
async def test_on_a_toll_free_number_only_a_person_answers(overflow: Overflow) -> None:
    """E5."""
    async with scene(queue(overflow=overflow, overflow_seconds=10)) as s:
        caller = calls_shop(s, trunk="free")
        await s.after(60)
        assert caller.told == ["ringing"]
        caller.hangs_up()


# A hang-up anywhere.

STORIES = {
    "steps": queue(strategy=Strategy.ROUND_ROBIN, step_seconds=5, announce_seconds=20),
    "phones": queue(overflow=Overflow.PHONES, overflow_seconds=15, overflow_phones=("103",)),
    "number": queue(overflow=Overflow.NUMBER, overflow_seconds=15, overflow_number="+79161112233"),
    "voicemail": queue(overflow=Overflow.VOICEMAIL, overflow_seconds=15),
    "call-back": queue(overflow=Overflow.CALL_BACK, overflow_seconds=15),
}


@pytest.mark.parametrize("story", STORIES)
async def test_the_caller_hangs_up_here(seed: int, story: str) -> None:
    """With another one who waits on; some half seconds in every run, each one by `make soak`."""
    moments = range(1, 70)
    for half_seconds in random.Random(seed).sample(moments, rounds(3, len(moments))):
        shop = replace(STORIES[story], lines=(replace(SHOP.lines[0], rings=("101", "102")),))
        async with scene(shop) as s:
            caller = s.call_to_line("red", "+79035550001")
            await s.after(half_seconds / 4)
            other = calls_shop(s, 2)
            await s.after(half_seconds / 4)
            if caller.state is not LegState.ENDED:
                caller.hangs_up()
            await s.after(2)
            if story == "steps":
                assert s.phones.ringing(), "for the other one"
            if other.state is not LegState.ENDED:
                other.hangs_up()
            await s.after(0.1)
            # Who was promised a call is being called back by now, perhaps.
            await s.after(0 if story != "call-back" else 60)
            for promise in s.call_backs.waiting():
                s.call_backs.cancel(promise.id)
            assert [leg for leg in s.all_legs() if leg.state is not LegState.ENDED] == []


def test_the_reception_is_on_in_these_stories() -> None:
    assert all(shop.reception == Reception() for shop in STORIES.values())
