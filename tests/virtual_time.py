"""An event loop whose clock jumps to the next deadline: what waits for an hour takes no time.

Two things are told apart that look the same to an ordinary loop:

- Nothing is ready, nothing is scheduled and no thread works for the loop: the test waits for what
  can never happen, and `run` raises NothingWillHappen at once instead of hanging.
- A thread works for the loop: then time stands still, in real seconds, until it has reported. Jobs
  of `run_in_executor` and `asyncio.to_thread` are counted by the loop itself; a thread of another
  make (one that reports by `call_soon_threadsafe`) is named by `wait_for_thread`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import math
import selectors
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple, Unpack

PATIENCE_SECONDS = 20.0
"""How long, in real time, a thread may work before the test is given up: a busy disk takes its time to sync."""

UNNAMED_PATIENCE_SECONDS = 5.0
"""How long a thread that nobody has named may take to report, when nothing else can happen."""

_POLL_SECONDS = 0.005

_Result = TypeVar("_Result")
_Arguments = TypeVarTuple("_Arguments")


class NothingWillHappen(AssertionError):
    """The test waits, and nothing is left that could wake it."""


class _JumpingSelector(selectors.DefaultSelector):
    """Never sleeps for a timer: where the loop would wait, its clock is moved forward instead."""

    def __init__(self) -> None:
        super().__init__()
        self.jump: Callable[[float], None] = lambda seconds: None
        self.is_thread_busy: Callable[[], bool] = lambda: False

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        ready = self._select_while_threads_work()
        if ready:
            return ready
        if timeout is not None:
            self.jump(timeout)
            return ready
        # Threads that nobody has named may still report; where there are none, the case is clear.
        # One is none of ours: what counts second tries (pytest-rerunfailures) listens as long as pytest runs.
        if sum("(run_server)" not in thread.name for thread in threading.enumerate()) > 1:
            ready = super().select(UNNAMED_PATIENCE_SECONDS)
        if not ready:
            raise NothingWillHappen("the test waits for something that nothing will bring about")
        return ready

    def _select_while_threads_work(self) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.is_thread_busy():
            ready = super().select(_POLL_SECONDS)
            if ready:
                return ready
            if time.monotonic() > deadline:
                raise NothingWillHappen(
                    f"a thread has worked for {PATIENCE_SECONDS} s without reporting; does it wait for this loop?"
                )
        # What ended just now has posted its report before it stopped being busy: look once more.
        return super().select(0)


class RealLoop(asyncio.SelectorEventLoop):
    """An ordinary loop that looks for calls of the wrong thread and for forgotten coroutines, as in debug mode.

    What debug mode also does, to keep the whole stack of whoever made a future, is a third of a test's time; handles
    and futures ask `get_debug` for it.
    """

    def get_debug(self) -> bool:
        return False


class VirtualLoop(RealLoop):
    """`time()` starts at 1000.0 and moves only by jumps, never while a known thread is at work."""

    def __init__(self) -> None:
        self._virtual_now = 1000.0
        self._executor_jobs = 0
        self._own_executor: concurrent.futures.ThreadPoolExecutor | None = None
        self._thread_watchers: tuple[Callable[[], bool], ...] = ()
        selector = _JumpingSelector()
        selector.jump = self._jump
        selector.is_thread_busy = self._is_thread_busy
        super().__init__(selector)

    def time(self) -> float:
        return self._virtual_now

    def wait_for_thread(self, is_busy: Callable[[], bool]) -> Callable[[], None]:
        """Let time stand still while `is_busy()` is true, until the returned function is called.

        `is_busy` is asked from the loop's thread; it must stay true until the thread has made its
        `call_soon_threadsafe`, else time may jump in the gap.
        """
        self._thread_watchers = (*self._thread_watchers, is_busy)

        def stop() -> None:
            self._thread_watchers = tuple(each for each in self._thread_watchers if each != is_busy)

        return stop

    def run_in_executor(
        self,
        executor: concurrent.futures.Executor | None,
        func: Callable[[Unpack[_Arguments]], _Result],
        *args: *_Arguments,
    ) -> asyncio.Future[_Result]:
        """As the ordinary loop does; and the job counts as a thread at work until its result is here."""
        if executor is None:
            if self._own_executor is None:
                self._own_executor = concurrent.futures.ThreadPoolExecutor(thread_name_prefix="asyncio")
            executor = self._own_executor
        job = executor.submit(func, *args)
        self._executor_jobs += 1
        future = asyncio.wrap_future(job, loop=self)
        # Called after the callback of wrap_future, so the result is posted before the job counts as done.
        job.add_done_callback(self._report_job)
        return future

    # Asyncio hands in a time-out of its own; a virtual one would be over before any thread could end.
    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as in the base
        """Wait for the threads in real time."""
        if self._own_executor is not None:
            self._own_executor.shutdown(wait=True)

    def _report_job(self, _: concurrent.futures.Future[Any]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody counts any more
            self.call_soon_threadsafe(self._job_is_done)

    def _job_is_done(self) -> None:
        self._executor_jobs -= 1

    def _is_thread_busy(self) -> bool:
        return self._executor_jobs > 0 or any(is_busy() for is_busy in self._thread_watchers)

    def _jump(self, seconds: float) -> None:
        # A hair more, so that the timer is due in spite of rounding, which grows with the time that has gone by.
        self._virtual_now += seconds + max(1e-9, 2 * math.ulp(self._virtual_now + seconds))
