"""Whether the machine still comes to its work in time; when it does not, further calls are refused (X-C1).

Voices that are on their way are worth more than one more call in which nobody understands the other. A single long
pause means nothing: a virtual machine stands still now and then. Only when the loop was late at every look for two
seconds, there is more work than this machine can do.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import NoReturn

from gateway.events import AlertCleared, AlertRaised, Publish

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
LATE_SECONDS = 0.1
LOOKS = 8
CALM_SECONDS = 60.0
"""The alert is taken back after so long without refusals, so that it does not come and go."""
CODE, SUBJECT = "machine-overloaded", "machine"


class LoopLoad:
    """Looks for as long as `run` is not cancelled."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._late: deque[float] = deque(maxlen=LOOKS)
        self._overloaded_at: float | None = None
        """When it last was; None: it is told of nothing."""

    @property
    def is_high(self) -> bool:
        """New calls would cost the running ones their sound."""
        return len(self._late) == LOOKS and min(self._late) > LATE_SECONDS

    async def run(self) -> NoReturn:
        """Measure how late a sleep ends, four times a second."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self.note(loop.time() - due, loop.time())

    def note(self, late: float, now: float) -> None:
        """A look came `late` seconds too late."""
        self._late.append(late)
        if self.is_high:
            if self._overloaded_at is None:
                worst = f"{max(self._late) * 1000:.0f}"
                log.error("The machine has more to do than it can: every look is late, the last by %s ms.", worst)
                self._publish(AlertRaised(code=CODE, subject=SUBJECT, values={"ms": worst}))
            self._overloaded_at = now
        elif self._overloaded_at is not None and now - self._overloaded_at >= CALM_SECONDS:
            self._overloaded_at = None
            self._publish(AlertCleared(code=CODE, subject=SUBJECT))
