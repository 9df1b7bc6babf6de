"""A customer on the only free SIM: the courier is rung back by a stored job, once, also after a crash (B1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from gateway.events import CallStarted
from gateway.jobs import JobRunner
from gateway.messaging.courier_call_backs import CourierCallBacks, promise_call_back
from gateway.store.jobs import StoredJobs
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.line import LineState
from tests.fakes.direct_store import loop_clock
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg
from tests.flows.test_courier_orders import COURIER, CUSTOMER, courier, order

BY_RED = courier(lines=("red",))
SIMS_ONLY = replace(BY_RED, trunks=())


@asynccontextmanager
async def jobs_run(s: Scene) -> AsyncIterator[None]:
    """A daemon's life: from its start to its end, or to its kill."""
    desk = CourierCallBacks(s.exchange)
    runner = JobRunner(StoredJobs(s.writer, gateway_id="g", clock=s.clock), [desk.job], clock=s.clock)
    s.bus.subscribe(desk.follow)
    for wish in s.call_backs_later:
        promise_call_back(runner, *wish)
    s.call_backs_later.clear()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(runner.run())
        yield
        running.cancel()


async def customer_was_told(s: Scene) -> None:
    """The customer of order 1001 has called by red, by which alone the courier can be reached."""
    s.orders = s.orders or [order()]
    caller = s.call_to_line("red", CUSTOMER)
    await s.after(2)
    assert s.prompts_played == ["courier-told"]
    assert caller.state is LegState.ENDED
    assert [number for number, _, _ in s.texts] == [COURIER]
    assert [(extension, each.number) for extension, each, _ in s.call_backs_later] == [("2001", "1001")]


def states(s: Scene) -> list[str]:
    with s.writer.engine.begin() as connection:
        return [row[0] for row in connection.exec_driver_sql("SELECT state FROM jobs ORDER BY created_at, id")]


def mobile(s: Scene) -> FakeLeg:
    return s.lines["red"].legs[-1]


async def test_the_courier_is_rung_when_the_sim_is_free_and_then_the_customer() -> None:
    async with scene(BY_RED) as s:
        await customer_was_told(s)
        async with jobs_run(s):
            await s.after(10)
            assert s.lines["red"].dialled == [], "the customer's call is not over at the modem"
            s.lines["red"].state = LineState.READY
            await s.after(30)
            assert s.lines["red"].dialled == [(COURIER, "2001")]
            mobile(s).answers()
            await s.after(6.5)
            mobile(s).presses("1")
            await s.after(0.5)
            assert s.trunks["provider"].dialled == [(CUSTOMER, "2001")]
            assert states(s) == ["done"]
            mobile(s).hangs_up()
            await s.after(3600)
        assert len(s.lines["red"].dialled) == 1


async def test_without_a_second_way_nobody_is_rung_until_there_is_one() -> None:
    """By red alone the two could not talk again."""
    async with scene(SIMS_ONLY) as s:
        s.lines["blue"].state = LineState.BUSY
        await customer_was_told(s)
        s.lines["red"].state = LineState.READY
        async with jobs_run(s):
            await s.after(600)
            assert s.lines["red"].dialled == []
            s.lines["blue"].state = LineState.READY
            freed = s.clock()
            while not s.lines["red"].dialled:
                await s.after(5)
            assert s.clock() - freed < timedelta(seconds=75)
            mobile(s).answers()
            await s.after(6.5)
            mobile(s).presses("1")
            await s.after(0.5)
            assert s.lines["blue"].dialled == [(CUSTOMER, "2001")]
            mobile(s).hangs_up()
            await s.after(1)


async def test_it_survives_a_crash_before_the_ring_and_in_its_midst() -> None:
    async with scene(BY_RED) as s:
        await customer_was_told(s)
        async with jobs_run(s):
            await s.after(5)
        s.lines["red"].state = LineState.READY
        async with jobs_run(s):
            await s.after(15)
            assert len(s.lines["red"].dialled) == 1
        mobile(s).hangs_up(Cause.MODEM_LOST)
        await s.after(1)
        assert states(s) == ["running"], "as a kill leaves it"
        async with jobs_run(s):
            await s.after(10)
            assert len(s.lines["red"].dialled) == 2
            mobile(s).answers()
            await s.after(6.5)
            mobile(s).presses("1")
            await s.after(0.5)
            mobile(s).hangs_up()
            await s.after(1)
        assert states(s) == ["done"]


async def test_a_courier_who_does_not_answer_is_rung_three_times() -> None:
    async with scene(BY_RED) as s:
        await customer_was_told(s)
        s.lines["red"].state = LineState.READY
        async with jobs_run(s):
            for number in range(1, 4):
                while len(s.lines["red"].legs) < number:
                    await s.after(5)
                mobile(s).hangs_up(Cause.NO_ANSWER)
            await s.after(7200)
        assert len(s.lines["red"].dialled) == 3
        assert states(s) == ["done"]


async def test_a_voicemail_is_not_the_courier() -> None:
    async with scene(BY_RED) as s:
        await customer_was_told(s)
        s.lines["red"].state = LineState.READY
        async with jobs_run(s):
            await s.after(30)
            mobile(s).answers()
            await s.after(60)
            assert mobile(s).state is LegState.ENDED
            assert s.trunks["provider"].dialled == []
            assert states(s) == ["waiting"]


async def test_who_have_talked_meanwhile_are_left_alone() -> None:
    async with scene(BY_RED) as s:
        await customer_was_told(s)
        async with jobs_run(s):
            await s.after(1)
            customer = s.call_to_trunk("provider", CUSTOMER, "+74951234567")
            s.lines["red"].state = LineState.READY
            await s.after(2)
            mobile(s).answers()
            await s.after(6)
            assert customer.state is LegState.UP
            customer.hangs_up()
            await s.after(7200)
        assert len(s.lines["red"].dialled) == 1
        assert states(s) == ["done"]


async def test_two_calls_of_a_customer_ring_the_courier_once() -> None:
    async with scene(BY_RED) as s:
        await customer_was_told(s)
        s.prompts_played.clear()
        s.call_to_line("red", CUSTOMER)
        await s.after(2)
        assert len(s.call_backs_later) == 2
        s.lines["red"].state = LineState.READY
        async with jobs_run(s):
            await s.after(10)
            mobile(s).answers()
            await s.after(6.5)
            mobile(s).presses("1")
            await s.after(0.5)
            s.trunks["provider"].legs[0].answers()
            await s.after(5)
            mobile(s).hangs_up()
            await s.after(600)
        assert len(s.lines["red"].dialled) == 1
        assert states(s) == ["done", "done"]


async def test_an_order_that_is_over_or_a_courier_off_shift_rings_nobody() -> None:
    async with scene(BY_RED) as s:
        await customer_was_told(s)
        s.lines["red"].state = LineState.READY
        s.orders = [order(closed_at=loop_clock() - timedelta(seconds=1))]
        async with jobs_run(s):
            await s.after(60)
        assert states(s) == ["done"]
        s.prompts_played.clear()
        s.texts.clear()
        s.orders = [order()]
        await customer_was_told(s)
        s.lines["red"].state = LineState.READY
        s.shop = courier(lines=("red",), on_shift=False)
        async with jobs_run(s):
            await s.after(60)
        assert states(s) == ["done", "done"]
        assert s.lines["red"].dialled == []
        assert [event for event in s.events if isinstance(event, CallStarted) and event.flow == "call-back"] == []


async def test_a_courier_who_talks_is_rung_afterwards() -> None:
    async with scene(BY_RED) as s:
        await customer_was_told(s)
        s.lines["red"].state = LineState.READY
        office = s.call_from_phone("101", "2001")
        await s.after(0.5)
        mobile(s).answers()
        async with jobs_run(s):
            await s.after(30)
            assert len(s.lines["red"].dialled) == 1
            office.hangs_up()
            ended = s.clock()
            while len(s.lines["red"].dialled) == 1:
                await s.after(1)
            assert s.clock() - ended < timedelta(seconds=70)
            mobile(s).hangs_up(Cause.REJECTED)
            await s.after(1)


async def test_a_line_that_is_taken_in_the_last_moment_costs_no_ring() -> None:
    async with scene(BY_RED) as s:
        await customer_was_told(s)
        s.lines["red"].state = LineState.READY
        async with jobs_run(s):
            for _ in range(3):
                await s.after(1)
                s.lines["red"].state = LineState.BUSY
                await s.after(30)
                s.lines["red"].state = LineState.READY
            for number in range(1, 4):
                while len(s.lines["red"].legs) < number:
                    await s.after(5)
                mobile(s).hangs_up(Cause.NO_ANSWER)
            await s.after(1)
        assert states(s) == ["done"]
