"""One thread that moves all sound: voice ports of modems and RTP of phones, by absolute deadlines.

An event loop wakes by whole milliseconds; `select` with a timeval does so within some tens of
microseconds, which is what a measurement of audio delays needs. Everything registered here is
called in this one thread, so the sound path needs no locks of its own.
"""

from __future__ import annotations

import collections
import contextlib
import heapq
import itertools
import os
import select
import threading
import time
from collections.abc import Callable
from typing import TypeAlias

Tick: TypeAlias = Callable[[float], None]
"""Called with the moment (monotonic seconds) at which it was due."""

_KEPT_LATENESS = 100_000
_REAL_TIME_PRIORITY = 10


def take_real_time_priority(priority: int) -> None:
    """Let this thread run before ordinary ones, where that is allowed: a busy machine must not blur what is measured.

    The thread that speaks with other processes needs it too, or it holds up the sound while it waits for its turn.
    """
    with contextlib.suppress(OSError):
        os.sched_setscheduler(
            threading.get_native_id(), os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority)
        )


class Ticker:
    """A crystal: due at `first_due` and every `period_seconds` after it. Stops by `stop`, in the media thread."""

    __slots__ = ("_tick", "due", "period_seconds", "stopped")

    def __init__(self, first_due: float, period_seconds: float, tick: Tick) -> None:
        self.due = first_due
        self.period_seconds = period_seconds
        self.stopped = False
        self._tick = tick

    def fire(self) -> None:
        """Do what is due, and set the next moment: late ticks are caught up with, none is lost."""
        due = self.due
        self.due = due + self.period_seconds
        self._tick(due)

    def stop(self) -> None:
        """No tick after this."""
        self.stopped = True


class MediaClock:
    """Runs tickers and watches file descriptors. `start` and `stop` from any thread; the rest says for itself."""

    def __init__(self) -> None:
        self.lateness: collections.deque[float] = collections.deque(maxlen=_KEPT_LATENESS)
        """Seconds by which the last ticks came late."""
        self._tickers: list[tuple[float, int, Ticker]] = []
        self._order = itertools.count()
        self._watched: dict[int, Callable[[], None]] = {}
        self._asked: collections.deque[Callable[[], None]] = collections.deque()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._running = False
        self._thread = threading.Thread(target=self._run, name="emulator-media", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._running = True
        self._thread.start()

    def stop(self) -> None:
        """End the thread, after everything that was asked before."""
        if self._thread.is_alive():
            self.soon(self._end)
            self._thread.join()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def soon(self, action: Callable[[], None]) -> None:
        """Call `action` in the media thread, as soon as may be, in the order of asking. From any thread."""
        self._asked.append(action)
        os.write(self._wake_write, b"!")

    def every(self, period_seconds: float, tick: Tick, *, first_due: float | None = None) -> Ticker:
        """A new ticker; media thread only. It ticks for the first time one period from now unless told otherwise."""
        due = time.monotonic() + period_seconds if first_due is None else first_due
        ticker = Ticker(due, period_seconds, tick)
        heapq.heappush(self._tickers, (ticker.due, next(self._order), ticker))
        return ticker

    def watch(self, descriptor: int, readable: Callable[[], None]) -> None:
        """Call `readable` whenever the descriptor has something to read; media thread only."""
        self._watched[descriptor] = readable

    def unwatch(self, descriptor: int) -> None:
        """The opposite; media thread only."""
        self._watched.pop(descriptor, None)

    def _end(self) -> None:
        self._running = False

    def _run(self) -> None:
        take_real_time_priority(_REAL_TIME_PRIORITY)
        while self._running:
            self._fire_due()
            wait = max(0.0, self._tickers[0][0] - time.monotonic()) if self._tickers else None
            readable, _, _ = select.select([self._wake_read, *self._watched], [], [], wait)
            for descriptor in readable:
                if descriptor == self._wake_read:
                    self._do_asked()
                elif descriptor in self._watched:
                    self._watched[descriptor]()

    def _fire_due(self) -> None:
        while self._tickers and self._tickers[0][0] <= time.monotonic():
            due, order, ticker = heapq.heappop(self._tickers)
            if ticker.stopped:
                continue
            self.lateness.append(time.monotonic() - due)
            ticker.fire()
            heapq.heappush(self._tickers, (ticker.due, order, ticker))

    def _do_asked(self) -> None:
        os.read(self._wake_read, 4096)
        for _ in range(len(self._asked)):
            self._asked.popleft()()
