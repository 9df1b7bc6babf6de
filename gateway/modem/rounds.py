"""Whether the driver of a modem still goes round (X-D4): it says itself when it will be back, before it waits.

A modem that is unplugged, silent or locked is looked after by a driver that goes round; only a driver that does not
come back, or has ended, is one that stands still. Who feeds the watchdog asks for that (docs/decisions/watchdog.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

SLACK_SECONDS = 8.0
"""So much later than it has said a driver may be back: a machine that is busy, a virtual one that was put aside."""


class Rounds:
    """One per modem. The driver is the task that has last said when it will be back.

    While the driver waits for the answer to a question of its own, the channel speaks for it: a command of others may
    come first, and the network may take its time for that.
    """

    def __init__(self) -> None:
        self._driver: asyncio.Task[object] | None = None
        self._due = inf
        """When the driver is back, by the loop's clock."""
        self._is_asking = False
        self._channel_due = -inf
        """When the channel has the result of the command that runs, or has begun with the next one."""

    def back_within(self, seconds: float) -> None:
        """For the driver: it waits for something that takes so long at most."""
        self._driver = asyncio.current_task()
        self._is_asking = False
        self._due = _now() + seconds + SLACK_SECONDS

    def waits_outside(self) -> None:
        """For the driver: it waits for the kernel, a disk or a caller. Beginning anew would not make those quicker."""
        self.back_within(inf)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """For the channel: a task waits for an answer within the block. Counts when it is the driver."""
        if asyncio.current_task() is not self._driver:
            yield
            return
        self._is_asking = True
        try:
            yield
        finally:
            self._is_asking = False
            self._due = max(self._due, _now() + SLACK_SECONDS)

    def channel_busy(self, seconds: float) -> None:
        """For the channel: a command runs, which takes so long at most; 0: it is over, the next one may begin."""
        self._channel_due = _now() + seconds + SLACK_SECONDS

    def are_overdue(self) -> bool:
        """The driver has not come back when it said that it would."""
        due = max(self._due, self._channel_due) if self._is_asking else self._due
        return _now() > due

    @property
    def place(self) -> str:
        """What the driver waits in: "ModemSession._live > ModemSession._serve". A thread's stack shows the loop."""
        names: list[str] = []
        awaited = self._driver.get_coro() if self._driver is not None else None
        while (frame := getattr(awaited, "cr_frame", None)) is not None:
            names.append(frame.f_code.co_qualname)
            awaited = getattr(awaited, "cr_await", None)
        return " > ".join(names) or "it has ended"


def _now() -> float:
    return asyncio.get_running_loop().time()
