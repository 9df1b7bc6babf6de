"""The reception ladder in virtual time: A7 to A13, A4, D6, E5, and a hang-up at every half second."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from gateway.audio.player import read_wav
from gateway.audio.prompts import LANGUAGES, prompt_path
from gateway.events import CallAnswered, CallBackPromised, CallStarted, CallStepped
from gateway.store.shop_document.shop_file import read_shop
from gateway.telephony.causes import Cause
from gateway.telephony.forwarding import Feature, PhoneChange
from gateway.telephony.leg import LegState
from gateway.telephony.reception import Reception
from gateway.telephony.shop import LineSettings, PhoneSettings, Shop, TrunkSettings
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg
from tests.faults import rounds

SHOP = Shop(
    lines=(
        LineSettings(name="red", modem="m0", number="+79160000001", rings=("101", "102")),
        LineSettings(name="blue", modem="m1", number="+79160000002"),
    ),
    trunks=(
        TrunkSettings(name="provider", host="sip.example.net", number="+74951234567"),
        TrunkSettings(name="free", host="sip.example.org", number="+78001234567"),
    ),
    phones=(
        PhoneSettings(extension="101", name="Front desk", password="a-long-password"),
        PhoneSettings(extension="102", name="Store", password="a-long-password"),
    ),
)
CUSTOMER = "+79035550001"
TWO_RINGS = 2 * 13 / 3
GREETING = 1.0
"""What a fake prompt lasts."""


def with_rules(**rules: object) -> Shop:
    return replace(SHOP, reception=replace(Reception(), **rules))  # type: ignore[arg-type]  # names of its fields


def rings_at(s: Scene, extension: str) -> list[FakeLeg]:
    """The legs to a phone that are not over."""
    return [leg for leg in s.phones.legs.get(extension, []) if leg.state is not LegState.ENDED]


def calls_shop(s: Scene, caller: str = CUSTOMER) -> FakeLeg:
    return s.call_to_trunk("provider", caller, "+74951234567")


async def offered(s: Scene) -> FakeLeg:
    """A caller who hears the offer of the second greeting."""
    caller = calls_shop(s)
    await s.after(TWO_RINGS + GREETING + 13 + 1.5)
    assert s.prompts_played == ["greeting", "all-busy", "press-1-call-back"]
    return caller


async def test_who_is_answered_within_two_rings_hears_no_greeting() -> None:
    """A7: an answer at 8.0 s."""
    async with scene(SHOP) as s:
        caller = calls_shop(s)
        await s.after(8.0)
        assert "answer" not in caller.told, "the caller pays nothing so far"
        s.phones.legs["102"][0].answers()
        await s.after(1)
        assert s.prompts_played == []
        assert caller.state is LegState.UP
        assert rings_at(s, "101") == []
        caller.hangs_up()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_shop_of_the_first_steps_greets_its_callers_with_nothing_more_to_set(language: str) -> None:
    """A2: what the wizard asks for is a line or a provider and a phone; the greeting is there, in both languages."""
    phone = '[[phones]]\nextension = "101"\npassword = "a-long-password"\n'
    line = '[[lines]]\nname = "red"\nmodem = "m0"\n'
    shop = read_shop(f'[shop]\nlanguage = "{language}"\n{line}{phone}')
    async with scene(shop) as s:
        caller = s.call_to_line("red", CUSTOMER)
        await s.after(TWO_RINGS + 0.5)
        assert s.prompts_played == ["greeting"]
        caller.hangs_up()
    packaged = read_wav(prompt_path(language, "greeting"))
    assert 1 < len(packaged) / 8000 <= 18
    assert abs(packaged.astype(int)).max() > 1000, "a voice"


async def test_the_greeting_begins_after_two_rings_and_only_then_is_the_call_answered() -> None:
    """A7: 8.7 s, to half a second."""
    async with scene(SHOP) as s:
        caller = calls_shop(s)
        await s.after(TWO_RINGS - 0.1)
        assert caller.told == ["ringing"]
        assert s.prompts_played == []
        await s.after(0.3)
        assert caller.told == ["ringing", "answer"]
        assert s.prompts_played == ["greeting"]
        caller.hangs_up()


async def test_each_step_of_the_ladder_is_told_as_it_begins() -> None:
    def told() -> list[str]:
        return [event.step for event in s.events if isinstance(event, CallStepped)]

    async with scene(SHOP) as s:
        calls_shop(s)
        await s.after(TWO_RINGS - 0.1)
        assert told() == []
        await s.after(0.2)
        assert told() == ["greeting"]
        await s.after(GREETING + 0.5)
        assert told() == ["greeting", "music"]
        await s.after(13)
        assert told() == ["greeting", "music", "offer"]
        await s.after(60)
        assert told() == ["greeting", "music", "offer"], "offers and music take turns from there on"


async def test_staff_ring_on_through_every_phase() -> None:
    """A11: the same legs, from the first moment to the second greeting; 13 s of music between."""
    async with scene(SHOP) as s:
        caller = calls_shop(s)
        await s.after(0.1)
        first = [s.phones.legs[each][0] for each in ("101", "102")]
        await s.after(TWO_RINGS + GREETING + 0.2)
        assert s.prompts_played == ["greeting"]
        await s.after(12.6)
        assert s.prompts_played == ["greeting"], "music"
        await s.after(0.6)
        assert s.prompts_played == ["greeting", "all-busy", "press-1-call-back"]
        assert [leg.told for leg in first] == [[], []], "nobody has touched them"
        await s.after(60)
        assert s.prompts_played.count("all-busy") == 2
        first[0].answers()
        await s.after(2)
        assert any(isinstance(event, CallAnswered) for event in s.events)
        caller.hangs_up()


async def test_a_long_greeting_goes_no_further_than_it_may() -> None:
    async with scene(with_rules(greeting_seconds=18, music_rings=1)) as s:
        s.prompt_seconds["greeting"] = 30
        caller = calls_shop(s)
        await s.after(TWO_RINGS + 18 - 0.2)
        assert len(caller.fake_port.played) == 1 + 0, "the greeting"
        await s.after(0.5)
        assert len(caller.fake_port.played) == 2, "music"
        caller.hangs_up()


async def test_an_answer_in_the_midst_of_the_greeting_ends_it() -> None:
    async with scene(SHOP) as s:
        caller = calls_shop(s)
        await s.after(TWO_RINGS + 0.5)
        s.phones.legs["101"][0].answers()
        await s.after(0.2)
        answered = [event for event in s.events if isinstance(event, CallAnswered)]
        assert [event.answered_by for event in answered] == ["101"]
        caller.hangs_up()


async def test_every_number_can_be_set() -> None:
    async with scene(with_rules(quiet_rings=1, music_rings=6, repeat_seconds=5)) as s:
        caller = calls_shop(s)
        await s.after(13 / 3 + GREETING + 26 + 0.3)
        assert s.prompts_played == ["greeting", "all-busy", "press-1-call-back"]
        await s.after(2 + 5)
        assert s.prompts_played[3:] == ["all-busy", "press-1-call-back"]
        caller.hangs_up()


async def test_a_caller_waits_no_longer_than_the_owner_says() -> None:
    async with scene(with_rules(patience_minutes=1)) as s:
        caller = calls_shop(s)
        await s.after(150)
        assert caller.state is LegState.ENDED
        assert s.prompts_played[-1] == "no-free-line"
        assert s.ended().cause is Cause.NO_ANSWER


async def test_a_busy_phone_rings_as_soon_as_its_call_is_over() -> None:
    async with scene(SHOP) as s:
        talking = s.call_from_phone("101", "102")
        await s.after(0.1)
        s.phones.legs["102"][0].answers()
        await s.after(2)
        caller = calls_shop(s)
        await s.after(0.1)
        for extension in ("101", "102"):
            s.phones.legs[extension][-1].hangs_up(Cause.BUSY)
        await s.after(40)
        assert caller.state is LegState.UP, "nobody rings, and the caller waits on"
        talking.hangs_up()
        await s.after(2)
        (front,) = rings_at(s, "101")
        front.answers()
        await s.after(2)
        caller.hangs_up()


async def test_who_turns_a_call_down_is_left_alone_for_a_while() -> None:
    async with scene(SHOP) as s:
        caller = calls_shop(s)
        await s.after(1)
        s.phones.legs["101"][0].hangs_up(Cause.REJECTED)
        await s.after(15)
        assert rings_at(s, "101") == []
        await s.after(10)
        assert len(rings_at(s, "101")) == 1
        caller.hangs_up()


async def test_a_phone_that_registers_meanwhile_rings() -> None:
    async with scene(SHOP) as s:
        s.phones.away = {"101", "102"}
        caller = calls_shop(s)
        await s.after(5)
        s.phones.away = {"102"}
        await s.after(2)
        assert len(rings_at(s, "101")) == 1
        caller.hangs_up()


async def test_the_phones_alone_ring_when_the_owner_has_switched_it_off() -> None:
    async with scene(with_rules(on=False)) as s:
        caller = calls_shop(s)
        await s.after(59)
        assert s.prompts_played == []
        await s.after(2)
        assert caller.told == ["ringing", f"hangup {Cause.NO_ANSWER}"]


async def test_a_phone_that_forwards_keeps_its_ways() -> None:
    forwards = PhoneChange(feature=Feature.FORWARD_ALWAYS, is_on=True, target="102")
    phones = tuple(forwards.applied(each) if each.extension == "101" else each for each in SHOP.phones)
    lines = (replace(SHOP.lines[0], rings=("101",)), SHOP.lines[1])
    async with scene(replace(SHOP, phones=phones, lines=lines)) as s:
        caller = s.call_to_line("red", CUSTOMER)
        await s.after(0.2)
        assert set(s.phones.legs) == {"102"}
        caller.hangs_up()


# Toll-free.


async def test_a_toll_free_number_is_answered_by_a_person_only() -> None:
    """E5: 180 alone, no 200 and no greeting, until somebody answers."""
    async with scene(SHOP) as s:
        caller = s.call_to_trunk("free", CUSTOMER, "+78001234567")
        await s.after(80)
        assert caller.told == ["ringing"]
        assert s.prompts_played == []
        rings_at(s, "101")[0].answers()
        await s.after(1)
        assert caller.state is LegState.UP
        caller.hangs_up()


async def test_a_toll_free_number_that_nobody_answers_costs_nothing() -> None:
    async with scene(SHOP) as s:
        caller = s.call_to_trunk("free", CUSTOMER, "+78001234567")
        await s.after(91)
        assert caller.told == ["ringing", f"hangup {Cause.NO_ANSWER}"]


# To be called back.


async def test_the_key_makes_a_promise_that_is_confirmed() -> None:
    """A12."""
    async with scene(SHOP) as s:
        caller = await offered(s)
        caller.presses("1")
        (promise,) = s.call_backs.waiting()
        assert (promise.number, promise.extensions) == (CUSTOMER, ("101", "102"))
        await s.after(3)
        assert s.prompts_played[-1] == "we-will-call-you"
        assert caller.told[-1] == f"hangup {Cause.HUNG_UP}"
        assert [event.number for event in s.events if isinstance(event, CallBackPromised)] == [CUSTOMER]
        s.call_backs.cancel(promise.id)


async def test_a_hang_up_in_the_same_moment_as_the_key_loses_nothing() -> None:
    async with scene(SHOP) as s:
        caller = await offered(s)
        caller.presses("1")
        caller.hangs_up()
        (promise,) = s.call_backs.waiting()
        s.call_backs.cancel(promise.id)


async def test_no_key_stays_in_the_queue_and_other_keys_do_nothing() -> None:
    async with scene(SHOP) as s:
        caller = await offered(s)
        caller.presses("20")
        await s.after(20)
        assert caller.state is LegState.UP
        assert s.call_backs.waiting() == []
        caller.hangs_up()


@pytest.mark.parametrize("number", ["", "anonymous", "112", "+882161234567"])
async def test_who_cannot_be_called_back_is_offered_nothing(number: str) -> None:
    async with scene(SHOP) as s:
        caller = calls_shop(s, number)
        await s.after(TWO_RINGS + GREETING + 13 + 1.5)
        assert s.prompts_played == ["greeting", "all-busy"]
        caller.presses("1")
        await s.after(1)
        assert s.call_backs.waiting() == []
        caller.hangs_up()


async def test_what_the_disk_does_not_take_is_not_promised() -> None:
    async with scene(SHOP) as s:
        caller = await offered(s)
        s.writer.is_away = True
        caller.presses("1")
        await s.after(3)
        assert s.prompts_played[-1] == "no-free-line"
        assert caller.state is LegState.ENDED
        assert s.call_backs.waiting() == []


# A hang-up anywhere.


async def _tell(s: Scene, *, up_to: float, busy: bool) -> None:
    """A caller who presses 1 in the end, up to that moment of the story; then everybody goes home."""
    caller = calls_shop(s)
    pressed = False
    elapsed = 0.0
    while elapsed < up_to:
        await s.after(0.5)
        elapsed += 0.5
        if busy and elapsed == 1.0:
            for legs in s.phones.legs.values():
                legs[-1].hangs_up(Cause.BUSY)
        if elapsed == 26.0 and not pressed and caller.state is LegState.UP:
            caller.presses("1")
            pressed = True
    if caller.state is not LegState.ENDED:
        caller.hangs_up()
    await s.after(0.1)
    assert [leg for leg in s.all_legs() if leg.state is not LegState.ENDED] == []
    assert len(s.call_backs.waiting()) == pressed, "a promise is neither lost nor made up"
    assert sum(isinstance(event, CallStarted) for event in s.events) == 1
    for promise in s.call_backs.waiting():
        s.call_backs.cancel(promise.id)


@pytest.mark.parametrize("busy", [False, True])
async def test_the_caller_hangs_up_here(seed: int, busy: bool) -> None:
    """Some half seconds of the story in every run, each one by `make soak`."""
    moments = range(1, 55)
    for half_seconds in random.Random(seed).sample(moments, rounds(6, len(moments))):
        async with scene(SHOP) as s:
            await _tell(s, up_to=half_seconds / 2, busy=busy)
