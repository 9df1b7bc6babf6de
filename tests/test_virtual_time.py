"""The virtual loop: hours take no time, threads are waited for, and hopeless waits are errors at once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.virtual_time import NothingWillHappen, VirtualLoop


def _run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())


async def test_an_hour_takes_no_time() -> None:
    real, virtual = time.monotonic(), asyncio.get_running_loop().time()
    await asyncio.sleep(3600)
    assert asyncio.get_running_loop().time() - virtual == pytest.approx(3600)
    assert time.monotonic() - real < 60


async def test_sleepers_wake_in_the_order_of_their_deadlines() -> None:
    woken: list[float] = []

    async def sleeper(seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append(seconds)

    async with asyncio.TaskGroup() as group:
        for seconds in (5.0, 0.02, 86_400 * 3.0, 1.0):
            group.create_task(sleeper(seconds))
    assert woken == [0.02, 1.0, 5.0, 86_400 * 3.0]


def test_waiting_for_what_nothing_brings_about_is_an_error_at_once() -> None:
    async def wait_for_ever() -> None:
        await asyncio.get_running_loop().create_future()

    began = time.monotonic()
    with pytest.raises(NothingWillHappen):
        _run(wait_for_ever)
    assert time.monotonic() - began < 4, "it waited for a thread"


async def test_time_stands_still_while_a_job_runs_in_a_thread() -> None:
    loop = asyncio.get_running_loop()
    before = loop.time()
    async with asyncio.timeout(0.05):  # would be over at once if time jumped to it
        assert await asyncio.to_thread(_slow_answer) == "done"
    assert loop.time() - before < 0.05


async def test_a_thread_that_outlives_its_cancelled_waiter_still_holds_the_time() -> None:
    loop = asyncio.get_running_loop()
    release = threading.Event()
    finished: list[float] = []

    def work() -> None:
        release.wait(2)
        finished.append(loop.time())

    waiter = asyncio.ensure_future(asyncio.to_thread(work))
    await asyncio.sleep(0)
    waiter.cancel()
    await asyncio.sleep(0)
    before = loop.time()
    release.set()
    await asyncio.sleep(10)
    assert finished == [before]


async def test_jobs_of_an_executor_of_ones_own_are_counted_too() -> None:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(max_workers=1) as writer:
        before = loop.time()
        async with asyncio.timeout(0.05):
            answers = await asyncio.gather(*(loop.run_in_executor(writer, _slow_answer) for _ in range(3)))
    assert answers == ["done"] * 3
    assert loop.time() - before < 0.05


async def test_a_failing_job_brings_its_error_and_lets_time_go_on() -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await asyncio.to_thread(fail)
    await asyncio.sleep(100)


async def test_a_thread_of_another_make_holds_the_time_once_it_is_named() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    answer: asyncio.Future[str] = loop.create_future()
    busy = threading.Event()
    busy.set()

    def work() -> None:
        text = _slow_answer()
        loop.call_soon_threadsafe(answer.set_result, text)
        busy.clear()

    thread = threading.Thread(target=work)
    stop_waiting = loop.wait_for_thread(busy.is_set)
    thread.start()
    async with asyncio.timeout(0.05):
        assert await answer == "done"
    stop_waiting()
    thread.join()


def test_a_thread_that_never_reports_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.virtual_time.PATIENCE_SECONDS", 0.1)

    async def wait() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        stop = loop.wait_for_thread(lambda: True)
        try:
            await asyncio.sleep(1)
        finally:
            stop()

    with pytest.raises(NothingWillHappen, match="does it wait for this loop"):
        _run(wait)


async def test_many_jobs_and_timers_never_let_time_jump_over_a_job() -> None:
    loop = asyncio.get_running_loop()
    for round_number in range(50):
        async with asyncio.timeout(0.001):
            assert await asyncio.to_thread(abs, -round_number) == round_number
    assert loop.time() == pytest.approx(1000.0, abs=0.001)


def _slow_answer() -> str:
    time.sleep(0.03)  # longer, in real time, than any of the virtual deadlines above would last
    return "done"


async def test_a_second_is_a_second_after_a_year_too() -> None:
    """Where a billionth of a second is less than a float can tell apart from nothing."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(365 * 24 * 3600.0)
    for _ in range(100):
        before = loop.time()
        await asyncio.sleep(0.3)
        assert loop.time() - before == pytest.approx(0.3, abs=1e-5)
