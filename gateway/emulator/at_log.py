"""Every byte on an AT port with its moment: what a test asks when it must know what was really sent."""

from __future__ import annotations

import collections
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

_KEPT = 200_000


@dataclass(frozen=True, slots=True)
class AtEntry:
    """Bytes that passed. `at` is in monotonic seconds."""

    at: float
    to_modem: bool
    data: bytes


class AtLog:
    """The last 200,000 entries in memory, and all of them in a file if one is given."""

    def __init__(self, path: Path | None = None) -> None:
        self.entries: collections.deque[AtEntry] = collections.deque(maxlen=_KEPT)
        self._path = path
        self._file: TextIO | None = None

    def add(self, data: bytes, *, to_modem: bool) -> None:
        """Note bytes that pass now."""
        entry = AtEntry(time.monotonic(), to_modem, data)
        self.entries.append(entry)
        if self._path is not None:
            if self._file is None:
                self._file = self._path.open("a", buffering=1, encoding="ascii")
            self._file.write(f"{entry.at:.6f} {'>' if to_modem else '<'} {ascii(data)[1:]}\n")

    def commands(self) -> list[tuple[float, str]]:
        """What the host has sent, line by line, each with the moment at which its end arrived."""
        out, rest = [], b""
        for entry in self.entries:
            if entry.to_modem:
                *lines, rest = (rest + entry.data).replace(b"\x1a", b"\r").replace(b"\x1b", b"\r").split(b"\r")
                out += [(entry.at, text) for line in lines if (text := line.decode("latin-1").strip("\n"))]
        return out

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
