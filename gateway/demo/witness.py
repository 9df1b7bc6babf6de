"""A witness of the machine itself: a thread that only sleeps, and notes when it is woken too late.

A virtual machine whose host is busy stands still for tens of milliseconds, all its processes at once,
the emulated modem and the phone included. No gateway can be judged by what is heard in such a moment.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from gateway.emulator.media_clock import take_real_time_priority

STEP_SECONDS = 0.002


class Witness:
    """`with Witness() as witness: ...`; then `longest_stall` says how many seconds the machine stood still."""

    def __init__(self) -> None:
        self.longest_stall = 0.0
        self._watching = True
        self._thread = threading.Thread(target=self._watch, name="witness", daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Watch no more."""
        self._watching = False
        self._thread.join()

    @classmethod
    def wait_for_calm(cls, stall_seconds: float, *, calm_seconds: float = 3.0, most_seconds: float = 20.0) -> None:
        """Return once the machine has gone so long without such a stall, or after `most_seconds`. Blocks."""
        end = time.monotonic() + most_seconds
        while time.monotonic() < end:
            with cls() as witness:
                time.sleep(calm_seconds)
            if witness.longest_stall < stall_seconds:
                return

    def _watch(self) -> None:
        take_real_time_priority(50)
        before = time.monotonic()
        while self._watching:
            time.sleep(STEP_SECONDS)
            now = time.monotonic()
            self.longest_stall = max(self.longest_stall, now - before - STEP_SECONDS)
            before = now
