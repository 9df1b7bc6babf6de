"""Ticks for all ports that must send by themselves: every 20 ms for prompts, tones and keys, seldom for filling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.audio.frame import FRAME_SECONDS
from gateway.media_loop import note_lateness

LOOK_SECONDS = 0.1
_MOST_TICKS_BEHIND = 5
"""A loop that was blocked for longer does not send what it owes: it begins anew."""


class Beat:
    """Calls its members every `period` seconds by absolute deadlines, and sleeps while there are none."""

    def __init__(self, period: float) -> None:
        self._period = period
        self._members: tuple[Callable[[], None], ...] = ()
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0

    def join(self, tick: Callable[[], None]) -> None:
        """Call `tick` from the next deadline on; a member already stays one."""
        if tick in self._members:
            return
        self._members = (*self._members, tick)
        if self._timer is None:
            self._deadline = asyncio.get_running_loop().time()
            self._schedule()

    def leave(self, tick: Callable[[], None]) -> None:
        """Call `tick` no more."""
        self._members = tuple(each for each in self._members if each != tick)
        if not self._members and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        self._deadline += self._period
        if loop.time() - self._deadline > _MOST_TICKS_BEHIND * self._period:
            self._deadline = loop.time()
        self._timer = loop.call_at(self._deadline, self._tick)

    def _tick(self) -> None:
        self._schedule()
        for tick in self._members:
            tick()


class Pacer(Beat):
    """One tick of 20 ms for whoever plays something now, and a slow one for whoever only has to be looked after."""

    def __init__(self) -> None:
        super().__init__(FRAME_SECONDS)
        self.slow = Beat(LOOK_SECONDS)

    def _tick(self) -> None:
        note_lateness(asyncio.get_running_loop().time() - self._deadline)
        super()._tick()
