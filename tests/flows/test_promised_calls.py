"""Promised call-backs in virtual time: kept by itself as soon as somebody is free (A13), once, and never lost."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.errors import NoFreeLine
from gateway.events import CallAnswered, CallBackChanged, CallStarted
from gateway.store.call_backs import StoredCallBacks
from gateway.telephony.call_back_desk import MOST_OPEN, CallBackDesk
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.line import LineState
from gateway.telephony.numbers import Dialable
from gateway.telephony.reception import CallBackFirst
from gateway.telephony.schedule import Schedule
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg
from tests.faults import rounds
from tests.flows.test_reception import CUSTOMER, SHOP, calls_shop, offered, rings_at, with_rules


async def promised(s: Scene, *, away: bool = True) -> FakeLeg:
    """A customer has pressed 1 while nobody could answer, and has hung up; 101 talks to 102 meanwhile."""
    talking = s.call_from_phone("101", "102")
    await s.after(0.1)
    s.phones.legs["102"][0].answers()
    await s.after(1)
    caller = calls_shop(s)
    await s.after(0.1)
    for extension in ("101", "102"):
        s.phones.legs[extension][-1].hangs_up(Cause.BUSY)
    await s.after(25)
    caller.presses("1")
    caller.hangs_up()
    await s.after(10)
    assert [each.number for each in s.call_backs.waiting()] == [CUSTOMER]
    assert s.trunks["provider"].legs == []
    return talking


def states(s: Scene) -> list[str]:
    return [event.state for event in s.events if isinstance(event, CallBackChanged)]


async def test_the_customer_is_called_back_as_soon_as_somebody_is_free() -> None:
    """A13: within 5 s the phones ring; who answers is connected with the customer."""
    async with scene(SHOP) as s:
        talking = await promised(s)
        talking.hangs_up()
        await s.after(3)
        (front,) = rings_at(s, "101")
        front.answers()
        await s.after(1.5)
        assert rings_at(s, "102") == []
        assert s.prompts_played[-1] == "call-back-begins"
        assert s.trunks["provider"].dialled == [(CUSTOMER, "101")]
        (customer,) = s.trunks["provider"].legs
        customer.answers()
        await s.after(1)
        assert [event.answered_by for event in s.events if isinstance(event, CallAnswered)][-1] == CUSTOMER
        assert s.call_backs.waiting() == []
        customer.hangs_up()
        await s.after(1)
        started = [event for event in s.events if isinstance(event, CallStarted)][-1]
        assert (started.direction, started.caller, started.called) == ("outgoing", "101", CUSTOMER)
        assert states(s) == ["dialling", "kept"]


async def test_the_customer_first() -> None:
    async with scene(with_rules(call_back_first=CallBackFirst.CUSTOMER)) as s:
        talking = await promised(s)
        talking.hangs_up()
        await s.after(3)
        (customer,) = s.trunks["provider"].legs
        assert rings_at(s, "101") == []
        customer.answers()
        await s.after(1)
        assert s.prompts_played[-1] == "call-back-hello"
        assert len(rings_at(s, "101")) == len(rings_at(s, "102")) == 1
        await s.after(3)
        rings_at(s, "102")[0].answers()
        await s.after(1)
        assert states(s) == ["dialling", "kept"]
        customer.hangs_up()


async def test_a_customer_who_does_not_answer_is_tried_again_with_growing_gaps() -> None:
    async with scene(SHOP) as s:
        talking = await promised(s)
        talking.hangs_up()
        began = s.clock()
        tries = []
        for _ in range(3):
            while not rings_at(s, "101"):
                await s.after(1)
            rings_at(s, "101")[0].answers()
            await s.after(1.5)
            tries.append(s.clock() - began)
            s.trunks["provider"].legs[-1].hangs_up(Cause.NO_ANSWER)
            await s.after(5)
        assert timedelta(minutes=5) < tries[1] - tries[0] < timedelta(minutes=6)
        assert timedelta(minutes=10) < tries[2] - tries[1] < timedelta(minutes=11)
        assert states(s) == ["dialling", "waiting", "dialling", "waiting", "dialling", "failed"]
        await s.after(3600)
        assert len(s.trunks["provider"].legs) == 3


async def test_staff_who_do_not_answer_cost_no_try() -> None:
    async with scene(SHOP) as s:
        talking = await promised(s)
        talking.hangs_up()
        for _ in range(5):
            while not rings_at(s, "101"):
                await s.after(1)
            await s.after(31)
            assert rings_at(s, "101") == []
        assert s.trunks["provider"].legs == []
        (promise,) = s.call_backs.waiting()
        assert promise.attempts == 0
        s.call_backs.cancel(promise.id)


async def test_an_employee_who_gives_up_costs_no_try() -> None:
    async with scene(SHOP) as s:
        (await promised(s)).hangs_up()
        await s.after(3)
        (front,) = rings_at(s, "101")
        front.answers()
        await s.after(1.5)
        front.hangs_up()
        await s.after(0.5)
        (promise,) = s.call_backs.waiting()
        assert (promise.attempts, promise.state) == (0, "waiting")
        assert s.trunks["provider"].legs[0].state is LegState.ENDED
        s.call_backs.cancel(promise.id)


async def test_a_customer_who_gets_through_otherwise_is_not_called() -> None:
    async with scene(SHOP) as s:
        talking = await promised(s)
        again = calls_shop(s)
        await s.after(0.1)
        s.phones.legs["102"][-1].answers()
        await s.after(3)
        assert states(s) == ["dropped"]
        again.hangs_up()
        talking.hangs_up()
        await s.after(120)
        assert s.trunks["provider"].legs == []


async def test_a_customer_who_gets_through_while_staff_ring_stops_the_ringing() -> None:
    async with scene(SHOP) as s:
        (await promised(s)).hangs_up()
        await s.after(3)
        assert len(rings_at(s, "101")) == 1
        again = calls_shop(s)
        await s.after(0.1)
        s.phones.legs["102"][-1].answers()
        await s.after(0.5)
        assert rings_at(s, "101") == []
        again.hangs_up()
        await s.after(60)
        assert s.trunks["provider"].legs == []


async def test_one_call_however_often_it_is_promised() -> None:
    async with scene(SHOP) as s:
        talking = await promised(s)
        (first,) = s.call_backs.waiting()
        caller = calls_shop(s, "89035550001")
        await s.after(30)
        caller.presses("1")
        await s.after(5)
        (still,) = s.call_backs.waiting()
        assert still.id == first.id
        s.call_backs.cancel(still.id)
        talking.hangs_up()


async def test_staff_are_not_rung_when_no_line_could_carry_the_call() -> None:
    async with scene(SHOP) as s:
        talking = await promised(s)
        for trunk in s.trunks.values():
            trunk.is_usable = False
        for line in s.lines.values():
            line.state = LineState.SEARCHING
        talking.hangs_up()
        await s.after(90)
        assert rings_at(s, "101") == []
        s.lines["blue"].state = LineState.READY
        waited = 0
        while not rings_at(s, "101"):
            await s.after(1)
            waited += 1
        assert waited <= 61
        s.call_backs.cancel(s.call_backs.waiting()[0].id)
        await s.after(0.1)


async def test_a_sim_that_the_customer_knows_comes_first() -> None:
    async with scene(with_rules(call_back_first=CallBackFirst.CUSTOMER)) as s:
        caller = s.call_to_line("blue", CUSTOMER)
        await s.after(30)
        caller.presses("1")
        caller.hangs_up()
        s.lines["blue"].state = LineState.READY
        await s.after(6)
        assert s.lines["blue"].dialled == [(CUSTOMER, "101")]
        s.lines["blue"].legs[-1].hangs_up(Cause.NETWORK_LOST)
        await s.after(0.1)
        (promise,) = s.call_backs.waiting()
        assert promise.attempts == 0, "the way failed: the customer was not asked"
        s.call_backs.cancel(promise.id)


async def test_a_way_that_is_gone_at_the_last_moment_costs_no_try(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def is_full(number: Dialable, **_: object) -> FakeLeg:
        tried.append(number.digits)
        raise NoFreeLine("The trunk carries as many calls as it may.")

    async with scene(with_rules(call_back_first=CallBackFirst.CUSTOMER)) as s:
        talking = await promised(s)
        ways = (*s.trunks.values(), *s.lines.values())
        for way in ways:
            monkeypatch.setattr(way, "dial", is_full)
        talking.hangs_up()
        await s.after(300)
        (promise,) = s.call_backs.waiting()
        assert (promise.state, promise.attempts) == ("waiting", 0)
        assert 4 <= len(tried) / len(ways) <= 6, "every way, about once a minute"
        monkeypatch.undo()
        while not s.trunks["provider"].legs:
            await s.after(1)
        s.trunks["provider"].legs[-1].answers()
        await s.after(1)
        rings_at(s, "101")[-1].answers()
        await s.after(4)
        assert states(s)[-1] == "kept"


async def test_the_next_way_carries_what_the_first_does_not_take(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene(with_rules(call_back_first=CallBackFirst.CUSTOMER)) as s:
        talking = await promised(s)

        def is_full(_number: Dialable, **_: object) -> FakeLeg:
            raise NoFreeLine("The trunk carries as many calls as it may.")

        monkeypatch.setattr(s.trunks["provider"], "dial", is_full)
        talking.hangs_up()
        await s.after(3)
        dialled = [trunk.dialled for trunk in s.trunks.values()] + [line.dialled for line in s.lines.values()]
        assert [each for each in dialled if each] == [[(CUSTOMER, "101")]]
        s.call_backs.cancel(s.call_backs.waiting()[0].id)


async def test_what_cannot_be_kept_in_time_is_given_up_and_said_so() -> None:
    async with scene(with_rules(call_back_hours=2)) as s:
        talking = await promised(s)
        s.phones.away = {"101", "102"}
        talking.hangs_up()
        await s.after(2 * 3600 + 120)
        assert states(s) == ["expired"]


async def test_no_call_outside_of_the_shop_s_hours() -> None:
    hours = Schedule(monday=("09:00-18:00",), tuesday=("09:00-18:00",))
    async with scene(replace(SHOP, schedule=hours)) as s:
        s.set_by = timedelta(hours=5, minutes=58)  # Monday 17:58 in Moscow
        talking = await promised(s)
        await s.after(180)
        talking.hangs_up()
        await s.after(3600)
        assert rings_at(s, "101") == []
        opens = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)
        await s.after((opens - s.clock()).total_seconds() - 1)
        assert rings_at(s, "101") == []
        while not rings_at(s, "101"):
            await s.after(1)
        assert opens <= s.clock() < opens + timedelta(seconds=5), "on Tuesday at nine"
        s.call_backs.cancel(s.call_backs.waiting()[0].id)
        await s.after(0.1)


@pytest.mark.parametrize("moment", ["waiting", "staff ring", "dialling"])
async def test_a_crash_loses_no_promise(moment: str) -> None:
    """What is on the disk at that moment is taken up by the next run, with the tries that were made."""
    async with scene(SHOP) as s:
        talking = await promised(s)
        if moment != "waiting":
            talking.hangs_up()
            await s.after(3)
        if moment == "dialling":
            rings_at(s, "101")[0].answers()
            await s.after(2)
        next_run = CallBackDesk(
            StoredCallBacks(s.writer, gateway_id="g", clock=s.clock), publish=s.events.append, clock=s.clock
        )
        async with next_run:
            (promise,) = next_run.waiting()
        assert (promise.number, promise.attempts) == (CUSTOMER, 1 if moment == "dialling" else 0)
        assert promise.state == "waiting"
        s.call_backs.cancel(s.call_backs.waiting()[0].id)
        await s.after(0.1)
        for leg in s.all_legs():
            leg.hangup()
        talking.hangup()


async def test_a_stop_while_staff_ring_leaves_nothing_ringing() -> None:
    async with scene(SHOP) as s:
        (await promised(s)).hangs_up()
        await s.after(3)
        assert len(rings_at(s, "101")) == 1


async def test_the_offer_is_made_only_when_the_owner_wants_it() -> None:
    async with scene(with_rules(offers_call_back=False)) as s:
        caller = calls_shop(s)
        await s.after(30)
        assert s.prompts_played == ["greeting", "all-busy"]
        caller.presses("1")
        assert s.call_backs.waiting() == []
        caller.hangs_up()


async def test_a_promise_that_was_just_made_is_rung_by_those_who_ring_already() -> None:
    """Nobody answered the caller; the phones ring anew for the promise, not for both at the same time."""
    async with scene(SHOP) as s:
        caller = await offered(s)
        caller.presses("1")
        await s.after(8)
        assert caller.state is LegState.ENDED
        assert [len(rings_at(s, each)) for each in ("101", "102")] == [1, 1]
        s.call_backs.cancel(s.call_backs.waiting()[0].id)
        await s.after(0.1)
        assert rings_at(s, "101") == []


async def _play(s: Scene, *, half_seconds: int, who: str) -> None:
    """A promise is kept, up to that moment: then the employee or the customer hangs up, and everybody else goes on."""
    (await promised(s)).hangs_up()
    for step in range(24):
        fronts, customers = s.phones.legs["101"], s.trunks["provider"].legs
        if step == half_seconds:
            for leg in fronts[-1:] if who == "employee" else customers[-1:]:
                if leg.state is not LegState.ENDED:
                    leg.hangs_up()
        if step == 6:
            for leg in (*rings_at(s, "101")[-1:], *customers):
                if leg.state is LegState.NEW:
                    leg.answers()
        if step == 14:
            for leg in (*customers, *rings_at(s, "101")[-1:]):
                if leg.state is LegState.NEW:
                    leg.answers()
        await s.after(0.5)
    for promise in s.call_backs.waiting():
        s.call_backs.cancel(promise.id)
    for leg in s.all_legs():
        if leg.state is not LegState.ENDED:
            leg.hangs_up()
    await s.after(0.5)
    assert [leg for leg in s.all_legs() if leg.state is not LegState.ENDED] == []
    over = [state for state in states(s) if state in ("kept", "cancelled")]
    assert len(over) == 1, "a promise ends once, and in one way"


@pytest.mark.parametrize("who", ["employee", "customer"])
@pytest.mark.parametrize("first", list(CallBackFirst))
async def test_somebody_hangs_up_here(seed: int, first: CallBackFirst, who: str) -> None:
    moments = range(24)
    for half_seconds in random.Random(seed).sample(moments, rounds(3, len(moments))):
        async with scene(with_rules(call_back_first=first)) as s:
            await _play(s, half_seconds=half_seconds, who=who)


async def test_two_promises_wait_for_two_who_are_free_in_turn() -> None:
    """The phones that ring for one promise do not ring for the next one."""
    async with scene(SHOP) as s:
        (await promised(s)).hangs_up()
        await s.after(3)
        other = calls_shop(s, "+79035550002")
        await s.after(0.1)
        assert len(rings_at(s, "101")) == 2, "a caller who waits rings as well"
        rings_at(s, "101")[0].answers()
        await s.after(1)
        other.presses("1")
        await s.after(25)
        other.presses("1")
        other.hangs_up()
        await s.after(1)
        assert s.trunks["provider"].dialled == [(CUSTOMER, "101")]
        s.trunks["provider"].legs[0].answers()
        await s.after(8)
        assert [each.number for each in s.call_backs.waiting()] == ["+79035550002"]
        (store,) = rings_at(s, "102")
        assert rings_at(s, "101") != [store], "101 talks"
        store.answers()
        await s.after(2)
        assert s.trunks["provider"].dialled[-1] == ("+79035550002", "102")
        for leg in s.trunks["provider"].legs:
            leg.answers()
        await s.after(1)
        assert s.call_backs.waiting() == []
        for leg in s.trunks["provider"].legs:
            leg.hangs_up()
        await s.after(0.5)


async def test_promises_are_bounded_and_never_made_to_ourselves() -> None:
    async with scene(SHOP) as s:
        s.phones.away = {"101", "102"}
        assert not s.call_backs.can_promise("+74951234567"), "the shop's own number"
        for number in range(MOST_OPEN):
            assert s.call_backs.can_promise(f"+7903555{number:04}")
            s.call_backs.promise(
                number=f"+7903555{number:04}", name="", called="red", extensions=(), call_id="c", due_at=None
            )
        assert not s.call_backs.can_promise("+79035559999")
        assert s.call_backs.can_promise("+79035550007"), "who waits already may ask again"
        await s.after(1)
        for promise in s.call_backs.waiting():
            s.call_backs.cancel(promise.id)
