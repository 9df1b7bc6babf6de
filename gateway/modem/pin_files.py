"""PINs that people have given to be kept: one file per SIM, for this program's eyes alone, and never shown again."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

from gateway.errors import StoreError


class PinFiles:
    """`sim` is the ICCID, or what stands in for one. Files are 0600 in a directory that is 0700."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def is_kept(self, sim: str) -> bool:
        """Whether there is one for that SIM."""
        return self._file(sim).exists()

    async def of(self, sim: str) -> str | None:
        """The PIN for that SIM; None: none is kept, or it cannot be read."""
        try:
            return (await asyncio.to_thread(self._file(sim).read_text, encoding="ascii")).strip()
        except (OSError, UnicodeDecodeError):
            return None

    async def keep(self, sim: str, pin: str) -> None:
        """Keep it, in place of another. Raises StoreError."""
        try:
            await asyncio.to_thread(self._write, self._file(sim), pin)
        except OSError as fault:
            raise StoreError(f"The PIN could not be kept: {fault.strerror}.") from fault

    async def forget(self, sim: str) -> bool:
        """Keep it no longer; False: none was kept. Raises StoreError."""
        try:
            await asyncio.to_thread(self._file(sim).unlink)
        except FileNotFoundError:
            return False
        except OSError as fault:
            raise StoreError(f"The PIN could not be removed: {fault.strerror}.") from fault
        return True

    def _file(self, sim: str) -> Path:
        # A digest: what a modem says of its SIM must not lead out of the directory.
        return self._directory / hashlib.sha256(sim.encode()).hexdigest()

    def _write(self, file: Path, pin: str) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(f"{pin}\n")
            opened.flush()
            os.fsync(descriptor)
        new.replace(file)
