"""The queue in virtual time: strategies, order of arrival, pauses, and rest after a call."""

from __future__ import annotations

from dataclasses import replace

from gateway.events import StaffChanged
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.on_duty import DutyState
from gateway.telephony.queue_rules import QueueRules, Strategy
from gateway.telephony.reception import Reception
from gateway.telephony.shop import LineSettings, PhoneSettings, Shop, TrunkSettings
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg

PASSWORD = "a-long-password"
SHOP = Shop(
    lines=(LineSettings(name="red", modem="m0", number="+79160000001", rings=("101", "102", "103")),),
    trunks=(
        TrunkSettings(name="provider", host="sip.example.net", number="+74951234567"),
        TrunkSettings(name="free", host="sip.example.org", number="+78001234567"),
    ),
    phones=tuple(PhoneSettings(extension=each, name=each, password=PASSWORD) for each in ("101", "102", "103")),
)
TWO_RINGS = 2 * 13 / 3
SECOND_GREETING = TWO_RINGS + 1 + 13
"""With fake prompts of one second each."""


def queue(**rules: object) -> Shop:
    return replace(SHOP, queue=replace(QueueRules(), **rules))  # type: ignore[arg-type]  # names of its fields


def calls_shop(s: Scene, number: int = 1, trunk: str = "provider") -> FakeLeg:
    return s.call_to_trunk(trunk, f"+7903555{number:04d}", "+74951234567")


async def serve(s: Scene, extension: str, number: int, seconds: float = 5) -> None:
    """A customer calls, that phone answers, and they talk for so long."""
    caller = calls_shop(s, number)
    await s.after(1)
    s.phones.answer(extension)
    await s.after(seconds)
    caller.hangs_up()
    await s.after(0.5)


# Strategies.


async def test_all_ring_at_once_unless_the_owner_says_otherwise() -> None:
    async with scene(SHOP) as s:
        caller = calls_shop(s)
        await s.after(0.1)
        assert s.phones.ringing() == {"101", "102", "103"}
        caller.hangs_up()


async def test_a_strategy_adds_phones_step_by_step_and_takes_none_away() -> None:
    """A11: whoever rings, rings on."""
    async with scene(queue(strategy=Strategy.IN_ORDER, step_seconds=10)) as s:
        caller = calls_shop(s)
        seen = []
        for _ in range(4):
            await s.after(8)
            seen.append(s.phones.ringing())
        assert seen == [{"101"}, {"101", "102"}, {"101", "102", "103"}, {"101", "102", "103"}]
        assert [leg.told for leg in s.phones.legs["101"]] == [[]], "nobody has touched it"
        caller.hangs_up()


async def test_a_phone_that_turns_the_call_down_gives_its_place_to_the_next() -> None:
    async with scene(queue(strategy=Strategy.IN_ORDER, step_seconds=60)) as s:
        caller = calls_shop(s)
        await s.after(1)
        s.phones.legs["101"][0].hangs_up(Cause.REJECTED)
        await s.after(1.5)
        assert s.phones.ringing() == {"102"}
        caller.hangs_up()


async def test_round_robin_goes_on_after_whoever_was_rung_first() -> None:
    async with scene(queue(strategy=Strategy.ROUND_ROBIN, step_seconds=60)) as s:
        first = []
        for number in range(4):
            caller = calls_shop(s, number)
            await s.after(1)
            first.append(s.phones.ringing())
            caller.hangs_up()
            await s.after(1)
        assert first == [{"101"}, {"102"}, {"103"}, {"101"}]


async def test_whoever_has_answered_longest_ago_rings_first() -> None:
    async with scene(queue(strategy=Strategy.LEAST_RECENT, step_seconds=60)) as s:
        for number, extension in enumerate(("101", "102", "103")):
            await serve(s, extension, number)
        caller = calls_shop(s, 9)
        await s.after(1)
        assert s.phones.ringing() == {"101"}
        caller.hangs_up()


async def test_whoever_has_answered_fewest_calls_today_rings_first() -> None:
    """102 has picked up two calls that rang at 101, before that one answered a call."""
    async with scene(queue(strategy=Strategy.FEWEST_CALLS, step_seconds=60)) as s:
        s.phones.away = {"103"}
        for number in range(2):
            caller = calls_shop(s, number)
            await s.after(1)
            s.call_from_phone("102", "*8")
            await s.after(2)
            caller.hangs_up()
            await s.after(1)
        await serve(s, "101", 2)
        caller = calls_shop(s, 3)
        await s.after(1)
        assert s.phones.ringing() == {"101"}
        caller.hangs_up()
        await s.after(24 * 3600)
        caller = calls_shop(s, 4)
        await s.after(1)
        assert s.phones.ringing() == {"102"}, "yesterday's calls do not count, and 102 has answered longest ago"
        caller.hangs_up()


async def test_a_busy_phone_is_not_offered_a_call_step_by_step() -> None:
    async with scene(queue(strategy=Strategy.IN_ORDER, step_seconds=60)) as s:
        talking = s.call_from_phone("101", "103")
        await s.after(0.1)
        s.phones.answer("103")
        caller = calls_shop(s)
        await s.after(1)
        assert s.phones.ringing() == {"102"}
        talking.hangs_up()
        caller.hangs_up()


# Order of arrival.


async def test_who_came_first_is_served_first() -> None:
    """Two callers, and phones that become free one after the other."""
    async with scene(SHOP) as s:
        first = calls_shop(s, 1)
        await s.after(2)
        second = calls_shop(s, 2)
        await s.after(2)
        assert {each: len(legs) for each, legs in s.phones.legs.items()} == {"101": 1, "102": 1, "103": 1}
        s.phones.answer("102")
        await s.after(1)
        assert first.state is LegState.UP
        assert s.phones.ringing() == {"101", "103"}, "whoever is free rings for the second one at once"
        s.phones.answer("101")
        await s.after(1)
        assert [call.talking_to.peer for call in s.switchboard.calls() if call.talking_to] == ["102", "101"]
        first.hangs_up()
        second.hangs_up()


async def test_the_only_phone_goes_to_the_callers_in_their_order() -> None:
    shop = replace(SHOP, lines=(), phones=SHOP.phones[:1])
    async with scene(shop) as s:
        callers = []
        for number in range(4):
            callers.append(calls_shop(s, number))
            await s.after(3)
        for number, caller in enumerate(callers):
            s.phones.answer("101")
            await s.after(4)
            (talking,) = [call for call in s.switchboard.calls() if call.talking_to is not None]
            assert talking.caller.peer == f"+7903555{number:04d}"
            caller.hangs_up()
            await s.after(2)


async def test_who_turned_the_first_down_comes_back_to_the_first() -> None:
    shop = replace(SHOP, lines=(), phones=SHOP.phones[:1])
    async with scene(shop) as s:
        first, second = calls_shop(s, 1), calls_shop(s, 2)
        await s.after(1)
        s.phones.legs["101"][-1].hangs_up(Cause.REJECTED)
        await s.after(3)
        assert s.phones.ringing() == {"101"}, "for the second one"
        await s.after(20)
        s.phones.answer("101")
        await s.after(1)
        (talking,) = [call for call in s.switchboard.calls() if call.talking_to is not None]
        assert talking.caller is first
        first.hangs_up()
        second.hangs_up()


# Pauses, and rest after a call.


async def test_a_pause_is_dialled_kept_and_ended() -> None:
    async with scene(queue(pause_reasons=("lunch", "store"))) as s:
        phone = s.call_from_phone("101", "*742")
        await s.after(2)
        assert s.prompts_played == ["pause-on"]
        assert (s.duty.standing("101").state, s.duty.standing("101").reason) == (DutyState.PAUSED, "store")
        caller = calls_shop(s)
        await s.after(0.2)
        assert s.phones.ringing() == {"102", "103"}
        phone = s.call_from_phone("101", "*75")
        await s.after(3)
        assert s.prompts_played[-1] == "pause-off"
        assert s.phones.ringing() == {"101", "102", "103"}, "as soon as it takes calls again"
        caller.hangs_up()
        assert phone.state is LegState.ENDED
        changed = [(event.extension, event.state) for event in s.events if isinstance(event, StaffChanged)]
        assert changed == [("101", "paused"), ("101", "free")]


async def test_a_phone_that_pauses_rings_no_more() -> None:
    async with scene(SHOP) as s:
        caller = calls_shop(s)
        await s.after(1)
        await s.duty.pause("101", "", by="anna")
        await s.after(0.1)
        assert s.phones.ringing() == {"102", "103"}
        assert caller.state is not LegState.ENDED
        caller.hangs_up()
        await s.duty.resume("101", by="anna")


async def test_nobody_who_pauses_is_rung_in_a_group_but_a_direct_call_reaches_it() -> None:
    async with scene(replace(SHOP, reception=Reception(on=False))) as s:
        await s.duty.pause("101", "", by="anna")
        caller = s.call_to_line("red", "+79035550001")
        await s.after(0.2)
        assert s.phones.ringing() == {"102", "103"}
        caller.hangs_up()
        direct = s.call_from_phone("102", "101")
        await s.after(0.2)
        assert s.phones.ringing() == {"101"}
        direct.hangs_up()
        await s.duty.resume("101", by="anna")


async def test_a_manager_who_pauses_is_passed_over() -> None:
    async with scene(SHOP) as s:
        s.people.managers["+79035550001"] = "101"
        await s.duty.pause("101", "", by="anna")
        caller = calls_shop(s, 1)
        await s.after(1)
        assert s.phones.ringing() == {"102", "103"}, "as for anybody, and nobody waits for the manager"
        caller.hangs_up()
        await s.duty.resume("101", by="anna")


async def test_a_reason_that_is_not_in_the_list_is_refused() -> None:
    async with scene(queue(pause_reasons=("lunch",))) as s:
        s.call_from_phone("101", "*742")
        await s.after(3)
        assert s.duty.is_free("101")
        assert "pause-on" not in s.prompts_played


async def test_what_the_disk_does_not_take_is_no_pause() -> None:
    async with scene(SHOP) as s:
        s.writer.is_away = True
        s.call_from_phone("101", "*74")
        await s.after(3)
        assert s.duty.is_free("101")
        assert "pause-on" not in s.prompts_played


async def test_a_pause_outlives_a_restart() -> None:
    async with scene(SHOP) as s:
        await s.duty.pause("101", "lunch", by="101")
        await serve(s, "102", 1)
        s.duty._pauses.clear()
        await s.duty.load()
        assert s.duty.standing("101").reason == "lunch"
        await s.duty.resume("101", by="101")
        await s.duty.load()
        assert s.duty.is_free("101")


async def test_after_a_call_a_phone_is_left_alone_for_a_while() -> None:
    async with scene(queue(wrap_up_seconds=30)) as s:
        await serve(s, "101", 1)
        assert s.duty.standing("101").state is DutyState.WRAP_UP
        caller = calls_shop(s, 2)
        await s.after(10)
        assert s.phones.ringing() == {"102", "103"}
        await s.after(21)
        assert s.phones.ringing() == {"101", "102", "103"}
        caller.hangs_up()


async def test_the_rest_can_be_ended_early() -> None:
    async with scene(queue(wrap_up_seconds=300)) as s:
        await serve(s, "101", 1)
        s.call_from_phone("101", "*75")
        await s.after(2)
        assert s.duty.is_free("101")


async def test_a_promised_call_waits_for_somebody_who_takes_calls() -> None:
    shop = replace(queue(wrap_up_seconds=30), phones=SHOP.phones[:1], lines=())
    async with scene(shop) as s:
        caller = calls_shop(s, 1)
        await s.after(1)
        s.phones.answer("101")
        await s.after(1)
        waiting = calls_shop(s, 2)
        await s.after(SECOND_GREETING + 3)
        s.phones.legs["101"][-1].hangs_up(Cause.BUSY)
        waiting.presses("1")
        await s.after(8)
        caller.hangs_up()
        await s.after(20)
        assert s.phones.ringing() == set(), "it rests, and the promise waits"
        await s.after(15)
        assert s.phones.ringing() == {"101"}
        (promise,) = s.call_backs.waiting()
        s.call_backs.cancel(promise.id)
        s.phones.legs["101"][-1].hangs_up(Cause.REJECTED)
        await s.after(5)
