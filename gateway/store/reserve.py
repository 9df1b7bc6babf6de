"""Some megabytes that are set aside on the disk for the store, and given to it when nothing else is left (X-P4).

A disk may be filled by something else, from one moment to the next. With what is given up the store goes on for days,
and by it old recordings can be removed, which is written down in the store.
"""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

RESERVE_BYTES = 8_000_000
NAME = "reserve"
LEAST_LEFT_BYTES = 4 * RESERVE_BYTES
"""It is set aside only where so much is left beside it."""


class Reserve:
    """A file in the data directory."""

    def __init__(self, data_dir: Path, *, size_bytes: int = RESERVE_BYTES) -> None:
        self._path = data_dir / NAME
        self._size_bytes = size_bytes

    def set_aside(self) -> bool:
        """Make it, if it is missing and there is room; whether it is there now. Blocks; never raises."""
        with suppress(OSError):
            if self._path.exists():
                return True
            if shutil.disk_usage(self._path.parent).free < self._size_bytes + LEAST_LEFT_BYTES:
                return False
            unfinished = self._path.with_suffix(".part")
            unfinished.unlink(missing_ok=True)
            descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, self._size_bytes)  # blocks of its own, not a hole
            finally:
                os.close(descriptor)
            unfinished.replace(self._path)
            return True
        return False

    def give_up(self) -> bool:
        """Let the store have it; whether there was one. Blocks; never raises."""
        try:
            self._path.unlink()
        except OSError:
            return False
        log.error("The disk is full: the store takes the %d MB that were set aside for it.", self._size_bytes // 10**6)
        return True
