"""The daemon's event loop: asyncio's own, with a shorter and more punctual way for the voice.

A voice port or an RTP socket is served within the wait for events itself, before anything else that is ready,
and without the loop's handles. A voice's deadlines are looked at before each wait, so that moving one costs
nothing, and are kept to a fraction of a millisecond: asyncio's timers are rounded up to whole ones.

On any other loop (that of a test, of virtual time) the same functions use `add_reader` and `call_at`.
"""

from __future__ import annotations

import asyncio
import logging
import select
import selectors
import time
from bisect import bisect_left
from collections.abc import Callable
from typing import Protocol, TypeAlias

log = logging.getLogger(__name__)

Callback: TypeAlias = Callable[[], None]


class Deadline(Protocol):
    """A moment of the loop's time at which something is to be done, once, unless it is moved before."""

    def set(self, due: float | None) -> None:
        """Move it; None: nothing is to be done. On the media loop this costs nothing."""

    def close(self) -> None:
        """Never again; idempotent."""


class Lateness:
    """How late what was due has come to its turn: a histogram, for /metrics and for the owner's state of the system."""

    BOUNDS_SECONDS = (0.000_1, 0.000_25, 0.000_5, 0.001, 0.002, 0.005, 0.010, 0.020, 0.050, 0.100)

    def __init__(self) -> None:
        self.counts = [0] * (len(self.BOUNDS_SECONDS) + 1)
        """How many were at most so late; the last for all that were later."""
        self.total_seconds = 0.0
        self.worst_seconds = 0.0

    def note(self, late: float) -> None:
        """Something was `late` seconds late."""
        self.counts[bisect_left(self.BOUNDS_SECONDS, late)] += 1
        self.total_seconds += late
        self.worst_seconds = max(self.worst_seconds, late)


class MediaLoop(asyncio.SelectorEventLoop):
    """`asyncio.Runner(loop_factory=MediaLoop)`."""

    time = staticmethod(time.monotonic)
    """As of every loop, without a call in between: each frame asks for it some times."""

    def __init__(self) -> None:
        self._media = _MediaSelector()
        super().__init__(self._media)

    @property
    def lateness(self) -> Lateness:
        """Of the voices' deadlines."""
        return self._media.lateness

    def on_readable(self, descriptor: int, callback: Callback) -> None:
        """Call it whenever there is something to read."""
        self._media.watch(descriptor, callback)

    def no_longer_readable(self, descriptor: int) -> None:
        """The descriptor is about to be closed; idempotent."""
        self._media.unwatch(descriptor)

    def deadline(self, callback: Callback) -> Deadline:
        """A deadline that is not set yet."""
        return _MediaDeadline(self._media, callback)


def on_readable(descriptor: int, callback: Callback) -> None:
    """Call it whenever there is something to read, on the running loop."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, MediaLoop):
        loop.on_readable(descriptor, callback)
    else:
        loop.add_reader(descriptor, callback)


def no_longer_readable(descriptor: int) -> None:
    """The descriptor is about to be closed; idempotent."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, MediaLoop):
        loop.no_longer_readable(descriptor)
    else:
        loop.remove_reader(descriptor)


def deadline(callback: Callback) -> Deadline:
    """A deadline of the running loop that is not set yet."""
    loop = asyncio.get_running_loop()
    return loop.deadline(callback) if isinstance(loop, MediaLoop) else _TimerDeadline(loop, callback)


def note_lateness(late: float) -> None:
    """Something else that keeps a voice going was so many seconds late; counted where the loop counts."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, MediaLoop):
        loop.lateness.note(late)


class _MediaSelector(selectors.EpollSelector):
    """Serves what belongs to the voice itself, and hands the rest to the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.lateness = Lateness()
        self.deadlines: list[_MediaDeadline] = []
        self._epoll = select.epoll()
        """Of the loop's own descriptors and ours together; that of the base class is one of them."""
        self._epoll.register(super().fileno(), select.EPOLLIN)
        self._callbacks: dict[int, Callback] = {}

    def watch(self, descriptor: int, callback: Callback) -> None:
        known = descriptor in self._callbacks
        self._callbacks[descriptor] = callback
        if not known:
            self._epoll.register(descriptor, select.EPOLLIN)

    def unwatch(self, descriptor: int) -> None:
        if self._callbacks.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def fileno(self) -> int:
        return self._epoll.fileno()

    def close(self) -> None:
        self._epoll.close()
        super().close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        wait = -1.0 if timeout is None else max(0.0, timeout)
        others = False
        due = self._soonest()
        if due is not None:
            left = due - time.monotonic()
            if left <= 0:
                # After a stall of the machine both are here: for what has come nothing needs to be made up.
                others = self._serve_arrivals(0.0)
                self._serve_deadlines()
                wait = 0.0  # what was done may have given the loop something to do: it is asked before any wait
            elif wait < 0 or left < wait:
                wait = self._wait_nearly(left)
        others |= self._serve_arrivals(wait)
        return super().select(0) if others else []

    def _serve_arrivals(self, wait: float) -> bool:
        """Wait for as many seconds, less than 0: without end; then serve the voices. True: the loop's own turn."""
        others = False
        for descriptor, _events in self._epoll.poll(wait):
            callback = self._callbacks.get(descriptor)
            if callback is None:
                others = True
            else:
                try:
                    callback()
                except Exception:  # one of the few named places (rule 4): one voice must not end the others
                    log.exception("A voice could not be served.")
        return others

    def _soonest(self) -> float | None:
        """When the next deadline is; None: nothing is waited for."""
        soonest = None
        for each in self.deadlines:
            due = each.due
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        return soonest

    def _serve_deadlines(self) -> None:
        """Do what is still due."""
        now = time.monotonic()
        for each in tuple(self.deadlines):
            if each.due is not None and each.due <= now:
                self.lateness.note(now - each.due)
                each.due = None
                try:
                    each.callback()
                except Exception:  # one of the few named places (rule 4): one voice must not end the others
                    log.exception("A voice's deadline could not be kept.")

    def _wait_nearly(self, left: float) -> float:
        """Epoll waits for whole milliseconds, rounded up: wait for the last part here. What is left to wait."""
        if left > _LAST_PART_SECONDS:
            return left - _LAST_PART_SECONDS
        select.select([self._epoll], (), (), left)
        return 0.0


class _MediaDeadline:
    __slots__ = ("_selector", "callback", "due")

    def __init__(self, selector: _MediaSelector, callback: Callback) -> None:
        self.callback = callback
        self.due: float | None = None
        self._selector = selector
        selector.deadlines.append(self)

    def set(self, due: float | None) -> None:
        self.due = due

    def close(self) -> None:
        self.due = None
        if self in self._selector.deadlines:
            self._selector.deadlines.remove(self)


class _TimerDeadline:
    """One lazy timer: where the moment has moved later when it fires, it is set anew."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callback) -> None:
        self._loop = loop
        self._callback = callback
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def set(self, due: float | None) -> None:
        self._due = due
        if due is None:
            return
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._fire)

    def close(self) -> None:
        self._due = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        self._timer = None
        if self._due is None:
            return
        if self._due > self._loop.time():
            self.set(self._due)
            return
        self._due = None
        self._callback()


_LAST_PART_SECONDS = 0.001
