"""An event loop whose clock jumps to the next deadline: what waits for an hour takes no time.

Waiting for what can never happen is an error at once: when nothing is ready and nothing is
scheduled, `run` raises instead of hanging.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any


class NothingWillHappen(AssertionError):
    """The test waits, and there is no timer left that could wake it."""


class _JumpingSelector(selectors.DefaultSelector):
    """Never sleeps: where the loop would wait, its clock is moved forward instead."""

    def __init__(self) -> None:
        super().__init__()
        self.jump: Callable[[float], None] = lambda seconds: None

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            # A thread (the store's writer, to_thread) may still answer: give it real time, but not for ever.
            ready = super().select(self.patience_seconds)
            if ready:
                return ready
            raise NothingWillHappen("the test waits for something that nothing will bring about")
        # A thread may be at work for this loop: let it report before time jumps.
        ready = super().select(0.0)
        if not ready:
            self.jump(timeout)
        return ready

    patience_seconds = 5.0


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` starts at 1000.0 and moves only by jumps."""

    def __init__(self) -> None:
        self._virtual_now = 1000.0
        selector = _JumpingSelector()
        selector.jump = self._jump
        super().__init__(selector)

    def _jump(self, seconds: float) -> None:
        # A hair more, so that the timer is due in spite of rounding.
        self._virtual_now += seconds + 1e-9

    def time(self) -> float:
        return self._virtual_now
