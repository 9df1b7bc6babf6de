"""A code that somebody presses in the midst of a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

BETWEEN_KEYS_SECONDS = 3.0
"""Who waits longer between two keys means something else."""


class KeyCode:
    """Calls `act` when the keys of `code` were pressed one after another, without others between them."""

    def __init__(self, code: str, act: Callable[[], object]) -> None:
        self._code = code
        self._act = act
        self._pressed = ""
        self._last = 0.0

    def press(self, key: str) -> None:
        """One more key."""
        now = asyncio.get_running_loop().time()
        if now - self._last > BETWEEN_KEYS_SECONDS:
            self._pressed = ""
        self._last = now
        self._pressed = (self._pressed + key)[-len(self._code) :]
        if self._pressed == self._code:
            self._pressed = ""
            self._act()
