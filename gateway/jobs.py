"""Jobs: stored work that is tried until it is done, also across a restart.

A job is an async function; what it needs is bound to it by daemon.py, what it is told is stored as JSON::

    @job("text-to-phone", lasts=timedelta(days=1))
    async def text_to_phone(phones: PhoneTexts, told: Told) -> None: ...

    runner = JobRunner(ledger, [text_to_phone.with_tools(phones)], clock=utc_now)
    promised = runner.promise("text-to-phone", {"extension": "101"})     # synchronous: nothing can come between
    await promised.kept()                                                # on disk now

A job says by returning that it is done, by TryLater that it is not done yet, by any other GatewayError that
it never will be. A fault that nobody foresaw is tried again too: the next version may know better.

Jobs of one lane run one after the other, in the order in which they were promised; while one of them waits for another
try, the others wait with it, so that a receiver who is away is asked once, not once for each job. One that was
tried in vain too often lets the others pass.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, NoReturn, Protocol, TypeAlias, TypeVar

from gateway.clock import WallClock
from gateway.errors import GatewayError, StoreError, TryLater

log = logging.getLogger(__name__)

Tools = TypeVar("Tools")

FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 3600.0
MOST_AT_ONCE = 8
LOOK_SECONDS = 60.0
"""How long the runner sleeps at most: the wall clock may have been set meanwhile."""
DISK_RETRY_SECONDS = 5.0
FIRST_IN_LANE_TRIES = 5
"""So often a job is tried before the others of its lane; about two and a half minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a job is told: `attempt` counts from 1. `arguments` is what was promised, as JSON has it."""

    job_id: str
    kind: str
    arguments: Mapping[str, Any]
    attempt: int
    promised_at: datetime
    expires_at: datetime | None = None
    due_at: datetime | None = None
    lane: str | None = None
    """Jobs of the same lane run one after the other."""

    def text(self, name: str) -> str:
        """An argument that must be a text. Raises JobUnreadable."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            raise JobUnreadable(f"The stored job {self.kind} has no {name}.", kind=self.kind)
        return value


class JobUnreadable(GatewayError):
    """What is stored of a job does not fit its function."""

    code = "job-unreadable"


Work: TypeAlias = Callable[[Told], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Generic[Tools]):
    """A kind of job: its function, how long it is worth trying, and whether it may run twice."""

    name: str
    function: Callable[[Tools, Told], Awaitable[None]]
    lasts: timedelta | None
    """After this it has come too late; None: never."""
    may_repeat: bool
    """False: after a crash in its midst it is not run again, and shown as of unknown outcome."""

    def with_tools(self, tools: Tools) -> BoundJob:
        """The job, ready to run."""
        return BoundJob(
            name=self.name,
            run=lambda told: self.function(tools, told),
            lasts=self.lasts,
            may_repeat=self.may_repeat,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundJob:
    """A kind of job that has all it needs."""

    name: str
    run: Work
    lasts: timedelta | None = None
    may_repeat: bool = True


def job(
    name: str, *, lasts: timedelta | None = None, may_repeat: bool = True
) -> Callable[[Callable[[Tools, Told], Awaitable[None]]], Job[Tools]]:
    """Make a kind of job of an async function; `name` is stored and must stay."""

    def make(function: Callable[[Tools, Told], Awaitable[None]]) -> Job[Tools]:
        return Job(name=name, function=function, lasts=lasts, may_repeat=may_repeat)

    return make


@dataclass(frozen=True, slots=True)
class Promised:
    """A job that is on its way to the disk. Whoever says "we will" waits for `kept` first."""

    job_id: str
    _committed: asyncio.Future[None] = field(repr=False)

    def __post_init__(self) -> None:
        self._committed.add_done_callback(_look_at)

    async def kept(self) -> None:
        """Return once it is committed; a waiter that is cancelled undoes nothing. Raises StoreError: it is not kept."""
        await asyncio.shield(self._committed)

    def on_kept(self, tell: Callable[[], None]) -> None:
        """Call `tell` once it is committed."""
        self._committed.add_done_callback(lambda committed: tell() if not committed.exception() else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A job that is to be stored."""

    kind: str
    arguments: Mapping[str, Any]
    key: str | None
    lane: str | None
    due_at: datetime
    expires_at: datetime | None


class JobLedger(Protocol):
    """Where jobs are kept. The store implements it."""

    def promise(self, wanted: Wanted) -> Promised:
        """Hand a job to the disk, at once and for good; of two with the same kind and `key` only the first counts."""

    async def reopen(self, kinds_that_may_repeat: Iterable[str]) -> None:
        """After a start: what was running when the last run ended waits again, or is of unknown outcome."""

    async def again(
        self, job_id: str, kinds: Sequence[str], *, due_at: datetime, lasts: Mapping[str, timedelta | None]
    ) -> bool | None:
        """Let a job of those kinds wait once more, for as long as its kind lasts; False: it runs or is done."""

    async def due(self, now: datetime, limit: int, besides: Collection[str] = ()) -> tuple[list[Told], datetime | None]:
        """Jobs to run now, the longest due first, and when the next one will be due; none of the lanes `besides`."""

    async def begin(self, job_id: str) -> None:
        """Commit that the job runs. Raises StoreError."""

    async def postpone(self, job_id: str, due_at: datetime, why: str) -> None:
        """It waits until then."""

    async def finish(self, job_id: str, state: str, why: str | None) -> None:
        """It is over: "done", "failed" or "expired"."""


class Promises(Protocol):
    """What flows and others are given to make promises with."""

    def promise(
        self,
        kind: str,
        arguments: Mapping[str, Any],
        *,
        key: str | None = None,
        due_at: datetime | None = None,
        lane: str | None = None,
    ) -> Promised:
        """See JobRunner.promise."""


class JobRunner:
    """The one runner of the daemon. `run` never ends."""

    def __init__(self, ledger: JobLedger, jobs: Iterable[BoundJob], *, clock: WallClock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._jobs: dict[str, BoundJob] = {}
        for each in jobs:
            if each.name in self._jobs:
                raise ValueError(f"two jobs are named {each.name}")
            self._jobs[each.name] = each
        self._running: dict[str, str | None] = {}
        """The jobs that run, and their lanes."""
        self._lanes = _Lanes()
        self._woken = asyncio.Event()

    def promise(
        self,
        kind: str,
        arguments: Mapping[str, Any],
        *,
        key: str | None = None,
        due_at: datetime | None = None,
        lane: str | None = None,
    ) -> Promised:
        """Store a job, to be run at `due_at` or at once. Synchronous (rule 8): from here on only the disk can fail.

        Of two promises with the same kind and `key` only the first is kept. LookupError for a kind that nobody serves.
        """
        lasts = self._jobs[kind].lasts
        now = self._clock()
        due_at = due_at or now
        expires_at = None if lasts is None else due_at + lasts
        promised = self._ledger.promise(
            Wanted(kind=kind, arguments=arguments, key=key, lane=lane, due_at=due_at, expires_at=expires_at)
        )
        promised.on_kept(self._woken.set)
        return promised

    async def again(self, job_id: str, kinds: Sequence[str]) -> bool | None:
        """Run a job of those kinds again, at once, since a person wants it: one that was given up, or waits.

        False: it runs now, or is done; None: there is none. Raises StoreError.
        """
        lasts = {kind: self._jobs[kind].lasts for kind in kinds}
        found = await self._ledger.again(job_id, kinds, due_at=self._clock(), lasts=lasts)
        self._lanes.wake()
        self._woken.set()
        return found

    async def run(self) -> NoReturn:
        """Run what is due, for ever; at most MOST_AT_ONCE at a time."""
        async with asyncio.TaskGroup() as tasks:
            await self._reopen()
            while True:
                self._woken.clear()
                try:
                    pause = await self._start_due(tasks)
                except StoreError as fault:
                    log.warning("Stored jobs wait for the disk: %s", fault)
                    pause = DISK_RETRY_SECONDS
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._woken.wait()

    async def _reopen(self) -> None:
        while True:
            try:
                await self._ledger.reopen([each.name for each in self._jobs.values() if each.may_repeat])
            except StoreError as fault:
                log.warning("Stored jobs wait for the disk: %s", fault)
                await asyncio.sleep(DISK_RETRY_SECONDS)
            else:
                return

    async def _start_due(self, tasks: asyncio.TaskGroup) -> float:
        """Start what can be started; how long to sleep then."""
        following: datetime | None = None
        while (room := MOST_AT_ONCE - len(self._running)) > 0:
            busy = {lane for lane in self._running.values() if lane is not None}
            found, following = await self._ledger.due(self._clock(), room, busy | self._lanes.resting())
            first = {told.lane: told for told in reversed(found) if told.lane is not None}
            now = [told for told in found if told.lane is None or told is first[told.lane]]
            for told in now:
                await self._ledger.begin(told.job_id)
                self._running[told.job_id] = told.lane
                tasks.create_task(self._attempt(told))
            if len(now) == len(found):
                break  # else those behind a lane's first one are looked for once more, without that lane
        pause = min(LOOK_SECONDS, self._lanes.seconds_of_rest())
        if following is None:
            return pause
        return min(max((following - self._clock()).total_seconds(), 0.0), pause)

    async def _attempt(self, told: Told) -> None:
        kind = self._jobs.get(told.kind)
        try:
            if told.expires_at is not None and self._clock() >= told.expires_at:
                log.warning("The job %s has come too late and is given up.", told.kind)
                await self._ledger.finish(told.job_id, "expired", None)
            elif kind is None:
                await self._ledger.finish(told.job_id, "failed", "Nobody serves this kind of job.")
            else:
                await kind.run(told)
                self._lanes.go_on(told.lane)
                await self._ledger.finish(told.job_id, "done", None)
        except (TryLater, StoreError) as fault:
            await self._postpone(told, fault)
        except GatewayError as fault:
            log.warning("The job %s cannot be done: %s", told.kind, fault)
            self._lanes.go_on(told.lane)
            await self._ledger.finish(told.job_id, "failed", str(fault))
        except Exception as fault:  # one of the few named places (rule 4): one job must not end the others
            log.exception("The job %s broke and is tried again.", told.kind)
            await self._postpone(told, fault)
        finally:
            self._running.pop(told.job_id, None)
            self._woken.set()

    async def _postpone(self, told: Told, fault: Exception) -> None:
        pause = pause_before(told.attempt)
        if told.lane is not None:
            pause = pause_before(self._lanes.failures(told.lane) + 1)
        if isinstance(fault, TryLater):
            pause = float(str(fault.values.get("seconds", pause)))
        due_at = self._clock() + timedelta(seconds=pause)
        if told.lane is not None:
            self._lanes.rest(told.lane, pause)
            if told.attempt < FIRST_IN_LANE_TRIES and told.due_at is not None:
                due_at = told.due_at  # its place in the lane
        await self._ledger.postpone(told.job_id, due_at, str(fault))


class _Lanes:
    """Lanes that rest, since a job of theirs was tried in vain; forgotten with the daemon, which tries at its start."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._failures: dict[str, int] = {}

    def failures(self, lane: str) -> int:
        """How often in a row it came to nothing."""
        return self._failures.get(lane, 0)

    def rest(self, lane: str, seconds: float) -> None:
        """It came to nothing once more: nothing of it runs for so long."""
        self._failures[lane] = self.failures(lane) + 1
        self._until[lane] = asyncio.get_running_loop().time() + seconds

    def go_on(self, lane: str | None) -> None:
        """Somebody is there."""
        if lane is not None:
            self._failures.pop(lane, None)
            self._until.pop(lane, None)

    def wake(self) -> None:
        """Nobody rests: a person wants to see what happens."""
        self._until.clear()

    def resting(self) -> set[str]:
        """Those of which nothing may run now."""
        now = asyncio.get_running_loop().time()
        self._until = {lane: until for lane, until in self._until.items() if until > now}
        return set(self._until)

    def seconds_of_rest(self) -> float:
        """Until the first of them may run; infinite where none rests."""
        now = asyncio.get_running_loop().time()
        return min((until - now for until in self._until.values()), default=float("inf"))


def pause_before(attempt: int) -> float:
    """Seconds to wait after the attempt of that number: 5, 10, 20 ... up to an hour."""
    return min(FIRST_PAUSE_SECONDS * 2.0 ** min(attempt - 1, 20), LONGEST_PAUSE_SECONDS)


def _look_at(committed: asyncio.Future[None]) -> None:
    """A fault that nobody waits for is no fault of the loop; the ledger has logged it."""
    if not committed.cancelled():
        committed.exception()
