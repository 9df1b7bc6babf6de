"""Ports without hardware: a byte port in memory, and a modem that answers by a table."""

from __future__ import annotations

from collections.abc import Callable


class MemoryPort:
    """Collects what is written; `answer` is called with each line or body the host completes."""

    def __init__(self, answer: Callable[[str], None] | None = None) -> None:
        self.written = bytearray()
        self.is_open = True
        self._answer = answer
        self._line = bytearray()

    def write(self, data: bytes) -> None:
        if not self.is_open:
            return
        self.written += data
        for octet in data:
            if octet in b"\r\x1a":
                line, self._line = self._line.decode("ascii"), bytearray()
                if line and self._answer is not None:
                    self._answer(line)
            elif octet == 0x1B:
                self._line.clear()
            else:
                self._line.append(octet)

    @property
    def commands(self) -> list[str]:
        return [
            part for part in self.written.decode("ascii").replace("\x1b", "").replace("\x1a", "\r").split("\r") if part
        ]
