"""Modems that come at once, after the restart of a hub or of this machine, are opened one after the other."""

from __future__ import annotations

import asyncio

GAP_SECONDS = 0.2
"""From one opening to the next: the first questions of eight modems, and the current they draw, do not coincide."""
LONGEST_SECONDS = 4.0
"""Nobody waits longer, however many there are."""


class Stagger:
    """`await turn()` before a modem is opened. The first of a crowd, and one that comes alone, does not wait."""

    def __init__(self) -> None:
        self._next = 0.0

    async def turn(self) -> None:
        """Wait until it is this one's turn."""
        now = asyncio.get_running_loop().time()
        mine = min(max(now, self._next), now + LONGEST_SECONDS)
        self._next = mine + GAP_SECONDS
        await asyncio.sleep(mine - now)
