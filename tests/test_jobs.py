"""Stored jobs: tried until done, across a restart, and never twice where they must not be; in virtual time."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.errors import NumberBarred, StoreError, TryLater
from gateway.jobs import BoundJob, JobRunner, Told, job, pause_before
from gateway.store.jobs import StoredJobs
from gateway.store.writer import Result, Work, Writer
from tests.fakes.direct_store import DirectStore, direct_store, loop_clock


class Bell:
    """What a job does in these tests: it notes when it was rung, and for whom."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.rung: list[tuple[float, str]] = []
        self.seconds = 0.0

    @property
    def names(self) -> list[str]:
        return [name for _, name in self.rung]


async def _ring(bell: Bell, told: Told) -> None:
    bell.rung.append((asyncio.get_running_loop().time(), told.text("name")))
    await asyncio.sleep(bell.seconds)
    if bell.faults:
        raise bell.faults.pop(0)


RING = job("ring", lasts=timedelta(hours=2))(_ring)
RING_ONCE = job("ring-once", may_repeat=False)(_ring)


@asynccontextmanager
async def running(
    directory: Path, *jobs: BoundJob, crash: bool = False
) -> AsyncIterator[tuple[JobRunner, DirectStore]]:
    """A runner on the store of that directory; `crash`: it goes without a word."""
    with direct_store(directory) as store:
        runner = JobRunner(store.jobs, jobs, clock=loop_clock)
        task = asyncio.create_task(runner.run())
        await asyncio.sleep(0)
        try:
            yield runner, store
        finally:
            store.writer.is_away = crash
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def states(store: DirectStore) -> list[tuple[str, int]]:
    return [(row[0], row[1]) for row in store.rows("SELECT state, attempts FROM jobs ORDER BY id")]


async def test_a_job_is_done_at_once_and_once(tmp_path: Path) -> None:
    bell = Bell()
    async with running(tmp_path, RING.with_tools(bell)) as (runner, store):
        await runner.promise("ring", {"name": "Anna"}).kept()
        await asyncio.sleep(600)
        assert bell.names == ["Anna"]
        assert states(store) == [("done", 1)]
    async with running(tmp_path, RING.with_tools(bell)):
        await asyncio.sleep(600)
    assert bell.names == ["Anna"]


async def test_a_promise_is_on_its_way_to_the_disk_before_anything_else_can_happen(tmp_path: Path) -> None:
    """Rule 8: the caller hangs up right after the key, and the promise is kept all the same."""
    bell = Bell()
    async with running(tmp_path, RING.with_tools(bell)) as (runner, store):

        async def flow() -> None:
            runner.promise("ring", {"name": "Anna"})
            await asyncio.sleep(60)

        caller = asyncio.create_task(flow())
        await asyncio.sleep(0)
        caller.cancel()
        with suppress(asyncio.CancelledError):
            await caller
        assert store.rows("SELECT count(*) FROM jobs") == [(1,)]
        await asyncio.sleep(1)
        assert bell.names == ["Anna"]


async def test_of_two_promises_with_one_key_the_first_counts(tmp_path: Path) -> None:
    bell = Bell()
    async with running(tmp_path, RING.with_tools(bell)) as (runner, _):
        for name in ("Anna", "Boris"):
            await runner.promise("ring", {"name": name}, key="the same").kept()
        await asyncio.sleep(60)
        await runner.promise("ring", {"name": "Clara"}, key="the same").kept()
        await asyncio.sleep(60)
    assert bell.names == ["Anna"]


async def test_it_is_tried_again_with_growing_pauses_until_it_is_done(tmp_path: Path) -> None:
    bell = Bell(*(TryLater("not now") for _ in range(4)))
    async with running(tmp_path, RING.with_tools(bell)) as (runner, store):
        runner.promise("ring", {"name": "Anna"})
        await asyncio.sleep(3600)
        moments = [at for at, _ in bell.rung]
        assert [round(later - earlier) for earlier, later in pairwise(moments)] == [5, 10, 20, 40]
        assert states(store) == [("done", 5)]


async def test_a_job_says_itself_when_it_wants_to_be_tried_again(tmp_path: Path) -> None:
    bell = Bell(TryLater("busy", seconds=300))
    async with running(tmp_path, RING.with_tools(bell)) as (runner, _):
        runner.promise("ring", {"name": "Anna"})
        await asyncio.sleep(301)
        assert round(bell.rung[1][0] - bell.rung[0][0]) == 300


async def test_what_comes_too_late_is_given_up(tmp_path: Path) -> None:
    bell = Bell(*(TryLater("never", seconds=1800) for _ in range(9)))
    async with running(tmp_path, RING.with_tools(bell)) as (runner, store):
        runner.promise("ring", {"name": "Anna"})
        await asyncio.sleep(24 * 3600)
        assert len(bell.rung) == 4
        assert [state for state, _ in states(store)] == ["expired"]


async def test_a_fault_for_good_is_kept_with_its_reason_and_one_of_ours_is_tried_again(tmp_path: Path) -> None:
    bell = Bell(NumberBarred("not there"), ValueError("a bug"))
    async with running(tmp_path, RING.with_tools(bell)) as (runner, store):
        runner.promise("ring", {"name": "Anna"})
        await asyncio.sleep(1)
        runner.promise("ring", {"name": "Boris"})
        await asyncio.sleep(60)
        assert bell.names == ["Anna", "Boris", "Boris"]
        assert store.rows("SELECT state, last_error FROM jobs ORDER BY id") == [
            ("failed", "not there"), ("done", None),
        ]  # fmt: skip


async def test_what_is_promised_for_later_waits_also_across_a_restart(tmp_path: Path) -> None:
    bell = Bell()
    async with running(tmp_path, RING.with_tools(bell)) as (runner, _):
        began = asyncio.get_running_loop().time()
        runner.promise("ring", {"name": "Anna"}, due_at=loop_clock() + timedelta(hours=1))
        await asyncio.sleep(1800)
    async with running(tmp_path, RING.with_tools(bell), crash=True):
        await asyncio.sleep(900)
    async with running(tmp_path, RING.with_tools(bell)):
        await asyncio.sleep(1800)
    assert [round(at - began) for at, _ in bell.rung] == [3600]


@pytest.mark.parametrize(("kind", "times", "state"), [(RING, 2, "done"), (RING_ONCE, 1, "unknown")])
async def test_a_crash_in_its_midst(tmp_path: Path, kind: object, times: int, state: str) -> None:
    """It runs again, or, where that could cost twice, its outcome is said to be unknown."""
    assert kind in (RING, RING_ONCE)
    chosen = RING if kind is RING else RING_ONCE
    bell = Bell()
    bell.seconds = 30.0
    async with running(tmp_path, chosen.with_tools(bell), crash=True) as (runner, _):
        runner.promise(chosen.name, {"name": "Anna"})
        await asyncio.sleep(10)
    async with running(tmp_path, chosen.with_tools(bell)) as (_, store):
        await asyncio.sleep(120)
        assert len(bell.rung) == times
        assert [each for each, _ in states(store)] == [state]


async def test_while_the_disk_is_away_nothing_is_promised_and_nothing_is_lost(tmp_path: Path) -> None:
    bell = Bell()
    async with running(tmp_path, RING.with_tools(bell)) as (runner, store):
        runner.promise("ring", {"name": "Anna"}, due_at=loop_clock() + timedelta(seconds=60))
        store.writer.is_away = True
        with pytest.raises(StoreError):
            await runner.promise("ring", {"name": "Boris"}).kept()
        runner.promise("ring", {"name": "Clara"})  # nobody waits: nobody is told
        await asyncio.sleep(120)
        assert not bell.rung
        store.writer.is_away = False
        await asyncio.sleep(70)
        assert bell.names == ["Anna"]


async def test_only_so_many_run_at_once(tmp_path: Path) -> None:
    bell = Bell()
    bell.seconds = 10.0
    async with running(tmp_path, RING.with_tools(bell)) as (runner, _):
        for number in range(20):
            runner.promise("ring", {"name": str(number)})
        await asyncio.sleep(5)
        assert len(bell.rung) == 8
        await asyncio.sleep(30)
        assert bell.names == [str(number) for number in range(20)]


async def test_a_job_whose_arguments_do_not_fit_fails_with_a_sentence(tmp_path: Path) -> None:
    async with running(tmp_path, RING.with_tools(Bell())) as (runner, store):
        runner.promise("ring", {"nmae": "Anna"})
        await asyncio.sleep(60)
        assert store.rows("SELECT state, last_error FROM jobs") == [("failed", "The stored job ring has no name.")]


async def test_what_is_long_over_is_forgotten(tmp_path: Path) -> None:
    async with running(tmp_path, RING.with_tools(Bell())) as (runner, store):
        for name in ("Anna", "Boris"):
            await runner.promise("ring", {"name": name}).kept()
        await asyncio.sleep(1)
        long_ago = "2026-01-01T00:00:00.000000Z"
        store.rows(f"UPDATE jobs SET finished_at = '{long_ago}' WHERE arguments LIKE '%Anna%' RETURNING id")  # noqa: S608  # our own words
    async with running(tmp_path, RING.with_tools(Bell())) as (_, store):
        await asyncio.sleep(1)
        assert states(store) == [("done", 1)]


async def test_thousands_of_promises_at_once_hold_up_no_call() -> None:
    """A file of orders makes one for each of its orders and each program that is told: what each costs the loop."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    ledger = StoredJobs(_Nowhere(), gateway_id="here", clock=loop_clock)
    promise = JobRunner(ledger, [RING.with_tools(Bell())], clock=loop_clock).promise
    former = sys.getprofile()
    sys.setprofile(count)
    try:
        for _ in range(100):
            promise("ring", {"name": "Anna"}, lane="lane")
    finally:
        sys.setprofile(former)
    assert calls < 100 * 40


class _Nowhere(Writer):
    """Takes what is handed over, and does nothing: the thread's part is not the loop's."""

    def __init__(self) -> None:
        pass

    def hand_over(self, work: Work[Result], *, overtakes: bool = False) -> asyncio.Future[Result]:
        del work, overtakes
        return asyncio.get_running_loop().create_future()


async def test_a_kind_that_nobody_serves_cannot_be_promised_and_one_that_was_once_ends(tmp_path: Path) -> None:
    async with running(tmp_path, RING.with_tools(Bell())) as (runner, _):
        runner.promise("ring", {"name": "Anna"}, due_at=loop_clock() + timedelta(seconds=10))
        with pytest.raises(LookupError):
            runner.promise("sing", {})
    async with running(tmp_path) as (_, store):
        await asyncio.sleep(60)
        assert [state for state, _ in states(store)] == ["failed"]
    with pytest.raises(ValueError, match="ring"):
        JobRunner(store.jobs, [RING.with_tools(Bell()), RING.with_tools(Bell())], clock=loop_clock)


def test_the_pauses_have_a_bound() -> None:
    assert [pause_before(attempt) for attempt in (1, 2, 3, 12, 500)] == [5, 10, 20, 3600, 3600]


class Program:
    """Takes what it is told, unless it is away; `refused` names what it never takes for now."""

    def __init__(self) -> None:
        self.is_away = False
        self.refused: set[str] = set()
        self.tried: list[tuple[float, str]] = []
        self.taken: list[str] = []
        self.at_once = 0
        self.most_at_once = 0

    async def take(self, told: Told) -> None:
        name = told.text("name")
        self.tried.append((asyncio.get_running_loop().time(), name))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(1)
        finally:
            self.at_once -= 1
        if self.is_away or name in self.refused:
            raise TryLater("away")
        self.taken.append(name)


def _lane_of(*programs: Program) -> tuple[BoundJob, ...]:
    return tuple(
        BoundJob(name=f"tell-{number}", run=program.take, lasts=timedelta(days=3))
        for number, program in enumerate(programs)
    )


async def test_jobs_of_a_lane_go_one_after_the_other_in_order_and_nobody_else_waits_for_them(tmp_path: Path) -> None:
    program, bell = Program(), Bell()
    names = [str(number) for number in range(30)]
    async with running(tmp_path, *_lane_of(program), RING.with_tools(bell)) as (runner, _):
        for name in names:
            runner.promise("tell-0", {"name": name}, lane="a")
        runner.promise("ring", {"name": "Anna"})
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(2)
        assert [at - began for at, _ in bell.rung] == [pytest.approx(0, abs=0.5)]
        await asyncio.sleep(40)
    assert program.taken == names
    assert program.most_at_once == 1


async def test_a_program_that_is_away_is_asked_once_for_all_that_waits_for_it(tmp_path: Path) -> None:
    away, there = Program(), Program()
    away.is_away = True
    names = [str(number) for number in range(40)]
    async with running(tmp_path, *_lane_of(away, there)) as (runner, _):
        for name in names:
            runner.promise("tell-0", {"name": name}, lane="a")
            runner.promise("tell-1", {"name": name}, lane="b")
        await asyncio.sleep(3600)
        assert there.taken == names, "another program is none the worse"
        assert [name for _, name in away.tried[:5]] == ["0"] * 5
        assert [round(later - earlier) for (earlier, _), (later, _) in pairwise(away.tried)] == [
            6, 11, 21, 41, 81, 161, 321, 641, 1281,
        ]  # fmt: skip
        away.is_away = False
        await asyncio.sleep(2 * 3600)
    assert sorted(away.taken) == sorted(names)
    assert [name for name in away.taken if name not in ("0", "1")] == names[2:], "all but the two that were tried"


async def test_what_a_program_never_takes_lets_the_others_pass(tmp_path: Path) -> None:
    program = Program()
    program.refused = {"0"}
    async with running(tmp_path, *_lane_of(program)) as (runner, store):
        for number in range(4):
            runner.promise("tell-0", {"name": str(number)}, lane="a")
        await asyncio.sleep(600)
        assert program.taken == ["1", "2", "3"]
        program.refused = set()
        await asyncio.sleep(3600)
    assert program.taken == ["1", "2", "3", "0"]
    assert {state for state, _ in states(store)} == {"done"}


async def test_a_lane_keeps_its_order_over_a_crash(tmp_path: Path) -> None:
    program = Program()
    async with running(tmp_path, *_lane_of(program), crash=True) as (runner, _):
        for number in range(6):
            runner.promise("tell-0", {"name": str(number)}, lane="a")
        await asyncio.sleep(2.5)
    assert program.taken == ["0", "1"]
    async with running(tmp_path, *_lane_of(program)):
        await asyncio.sleep(60)
    assert program.taken == [str(number) for number in range(6)], "what was cut off comes first"


async def test_who_wants_another_try_need_not_wait_for_a_resting_lane(tmp_path: Path) -> None:
    program = Program()
    program.is_away = True
    async with running(tmp_path, *_lane_of(program)) as (runner, store):
        runner.promise("tell-0", {"name": "0"}, lane="a")
        await asyncio.sleep(2000)
        program.is_away = False
        ((job_id,),) = store.rows("SELECT id FROM jobs")
        assert await runner.again(job_id, ("tell-0",))
        await asyncio.sleep(2)
        assert program.taken == ["0"]
