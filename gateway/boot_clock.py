"""The wall clock of a machine without a battery: is it right by now, and how far was it set (X-T1).

Such a machine wakes up at the moment of its last shutdown, or in 1970, and calls come before the network does. What
happens until then is dated all the same, and marked; once the clock is set, by how much is known, since the time since
the machine was switched on goes evenly.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from gateway.clock import WallClock, is_set, utc_now
from gateway.events import AlertCleared, AlertRaised, Publish
from gateway.safe_mode import since_boot

log = logging.getLogger(__name__)

JUMP_SECONDS = 2.0
"""Time servers move a clock that is nearly right slowly; more than this between two looks was a jump."""
LOOK_SECONDS = 1.0
ASK_SECONDS = 10.0
ALERT_SECONDS = 120.0
"""The network may take its time after the machine was switched on."""
BATTERY_SECONDS = 60.0
"""A battery clock that differs by more was not what the system took its time from."""
CODE, SUBJECT = "clock-unsynced", "clock"

_BOOTED = Path("run/systemd/system")
_SYNCHRONIZED = Path("run/systemd/timesync/synchronized")
_BATTERY = Path("sys/class/rtc/rtc0")


def is_known_to_be_right(root: Path = Path("/")) -> bool:
    """Whether files alone say that the system's clock is right; costs nothing."""
    if not is_set(utc_now()):
        return False
    # Where systemd has not started the machine nobody can be asked, and nothing is doubted.
    return not (root / _BOOTED).exists() or (root / _SYNCHRONIZED).exists() or _has_battery(root / _BATTERY)


def is_said_to_be_right(root: Path = Path("/")) -> bool:
    """The same, asking timedatectl(1) too; blocks. Where somebody has switched time servers off it is trusted."""
    if not is_set(utc_now()) or is_known_to_be_right(root):
        return is_set(utc_now())
    said = told_of_time_servers()
    return said.get("NTPSynchronized") != "no" or said.get("NTP") == "no"


def told_of_time_servers() -> dict[str, str]:
    """What timedatectl(1) says: by `NTPSynchronized` whether they have set the clock, by `NTP` whether they are asked.

    Each "yes" or "no"; nothing where nobody can be asked. It blocks.
    """
    try:
        told = subprocess.run(
            ["/usr/bin/timedatectl", "show", "--property=NTPSynchronized", "--property=NTP"],
            capture_output=True, text=True, timeout=5, check=False,
        ).stdout.split()  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return dict(each.split("=", 1) for each in told if "=" in each)


def _has_battery(battery: Path) -> bool:
    """The kernel took the time from a battery clock, and that one still shows it: a Pi 5 has one without a battery."""
    try:
        is_source = (battery / "hctosys").read_text(encoding="ascii").strip() == "1"
        shown = int((battery / "since_epoch").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return False
    return is_source and abs(shown - time.time()) < BATTERY_SECONDS


class BootClock:
    """A WallClock and a Dating: who follows is told of a jump before anything is dated after it.

    Asked from the loop and from the thread that writes: whoever asks while a jump is being told waits for that.
    """

    def __init__(
        self,
        boot: str,
        *,
        is_certain: bool,
        system: WallClock = utc_now,
        elapsed: Callable[[], float] = since_boot,
    ) -> None:
        self.boot = boot
        self._system = system
        self._elapsed = elapsed
        self._is_certain = is_certain
        self._telling = threading.RLock()
        self._listeners: tuple[Callable[[], None], ...] = ()
        self._offset = self._offset_of(system())

    def __call__(self) -> datetime:
        """The present moment. When the clock was set since it was asked last, who follows is told first."""
        with self._telling:
            now = self._system()
            before, self._offset = self._offset, self._offset_of(now)
            if abs(self._offset - before) >= JUMP_SECONDS:
                log.warning("The clock was set by %+.0f s: it is %s now.", self._offset - before, now)
                self._tell()
            return now

    @property
    def is_certain(self) -> bool:
        """Whether anybody knows that it is right."""
        return self._is_certain

    @property
    def offset_seconds(self) -> float:
        """The clock less the time since the machine was switched on."""
        return self._offset

    @property
    def up_seconds(self) -> float:
        """Since the machine was switched on."""
        return self._elapsed()

    def follow(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` at each jump, and once the clock is certain, until the returned function is called."""
        self._listeners = (*self._listeners, listener)

        def stop() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

        return stop

    def is_right(self) -> None:
        """Somebody has set it."""
        self()
        self._is_certain = True
        log.info("The clock is right by now.")
        self._tell()

    def _offset_of(self, now: datetime) -> float:
        return now.timestamp() - self._elapsed()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()


class ClockWatch:
    """Looks for as long as `run` is not cancelled; tells the owner of a clock that nobody sets."""

    def __init__(self, clock: BootClock, publish: Publish, judge: Callable[[], bool] = is_said_to_be_right) -> None:
        """`judge` blocks, and is called in a thread."""
        self._clock = clock
        self._publish = publish
        self._judge = judge

    async def run(self) -> NoReturn:
        """A jump is noticed within LOOK_SECONDS, that the clock is right within ASK_SECONDS."""
        loop = asyncio.get_running_loop()
        began = ask_at = loop.time()
        is_told = False
        while True:
            self._clock()
            if not self._clock.is_certain and loop.time() >= ask_at:
                ask_at = loop.time() + ASK_SECONDS
                if await asyncio.to_thread(self._judge):
                    self._clock.is_right()
            if is_told and self._clock.is_certain:
                is_told = False
                self._publish(AlertCleared(code=CODE, subject=SUBJECT))
            elif not is_told and not self._clock.is_certain and loop.time() - began >= ALERT_SECONDS:
                is_told = True
                self._publish(AlertRaised(code=CODE, subject=SUBJECT, values={}))
            await asyncio.sleep(LOOK_SECONDS)
