"""After three crashes in a row within minutes the daemon starts with modems and SIP only, and says so.

Calls are what a shop lives by: whatever else makes the daemon fail (an SMS that waits, a list to be tidied) must not
take them along for good. A start counts as a crash when it did not end as told and the machine was not switched off.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.events import AlertRaised, Publish

log = logging.getLogger(__name__)

CRASHES = 3
WITHIN_SECONDS = 600.0
CODE = "safe-mode"
_NOTE = "starts.json"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def since_boot() -> float:
    """Seconds since the machine was switched on, whatever its clock says (clock_gettime(2))."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SafeMode:
    """`with SafeMode(...)` around everything that may crash; `is_on` from entry."""

    def __init__(
        self, data_dir: Path, publish: Publish, *, enabled: bool, clock: Callable[[], float] = since_boot
    ) -> None:
        """Without `enabled` crashes are not counted: for tests that end daemons the hard way."""
        self._note = data_dir / _NOTE
        self._publish = publish
        self._enabled = enabled
        self._clock = clock
        self.is_on = False

    def __enter__(self) -> Self:
        """Note this start."""
        if self._enabled:
            now, boot = self._clock(), boot_id()
            begun = [each for each in self._read(boot) if now - WITHIN_SECONDS < each <= now]
            self.is_on = len(begun) >= CRASHES
            self._write(boot, [*begun, now][-CRASHES:])
        if self.is_on:
            log.error("The daemon has crashed %d times in a row: it starts with modems and SIP only.", CRASHES)
        return self

    def tell(self) -> None:
        """Raise the alert, once there is somebody who shows it."""
        if self.is_on:
            self._publish(AlertRaised(code=CODE, subject="daemon", values={"crashes": str(CRASHES)}))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """An end as told: the row of crashes is over."""
        if self._enabled and kind is None:
            with suppress(OSError):
                self._note.unlink(missing_ok=True)

    def _read(self, boot: str) -> list[float]:
        try:
            noted = json.loads(self._note.read_text(encoding="ascii"))
            return [float(each) for each in noted["begun"]] if noted["boot"] == boot else []
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def _write(self, boot: str, begun: list[float]) -> None:
        with suppress(OSError):  # a disk that is away is no reason not to start
            self._note.write_text(json.dumps({"boot": boot, "begun": begun}), encoding="ascii")


def boot_id() -> str:
    """Which time the machine was switched on; empty where the kernel does not say."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""
