"""Notices a modem that says nothing for too long while something is asked of it (X-M3).

Most commands have a deadline of a few seconds. One that the network has a part in has a long one (an SMS 60 s, a dial
20 s), and the modem takes no other command meanwhile: its silence is then all there is to see (docs/decisions/hung.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

SILENT_SECONDS = 8.0


class SilenceWatch:
    """Tells when a modem has fallen silent while it owes an answer, and when it is heard again."""

    def __init__(self) -> None:
        self.on_change: Callable[[bool], None] = _nobody_minds
        """Called with True after eight seconds without a byte, and with False when the next one comes."""
        self._last_sign = 0.0
        self._look: asyncio.TimerHandle | None = None
        self._is_silent = False

    def asked(self) -> None:
        """Something was written that the modem shall answer."""
        loop = asyncio.get_running_loop()
        self._last_sign = loop.time()
        if self._look is None:
            self._look = loop.call_later(SILENT_SECONDS, self._look_at_it)

    def heard(self) -> None:
        """The modem has said something, whatever it was."""
        self._last_sign = asyncio.get_running_loop().time()
        if self._is_silent:
            self._is_silent = False
            self.on_change(False)

    def settled(self) -> None:
        """Nothing is waited for now; who was silent stays so until he is heard."""
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def _look_at_it(self) -> None:
        loop = asyncio.get_running_loop()
        due = self._last_sign + SILENT_SECONDS
        if loop.time() < due:
            self._look = loop.call_at(due, self._look_at_it)
            return
        self._look = None
        if not self._is_silent:
            self._is_silent = True
            self.on_change(True)


def _nobody_minds(_is_silent: bool) -> None:
    """Nobody minds how long the modem takes."""
