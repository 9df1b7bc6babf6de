"""Whether the daemon is ready: every modem has shown once what it is, or has had the time to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from gateway.events import EventBus, ModemChanged, Published

SETTLE_SECONDS = 15.0
"""How long a modem may take to start before the others are served without it."""

_UNDECIDED = frozenset({"opening", "identifying", "searching"})


class Readiness:
    """Make it before the modems start, then await `settled`."""

    def __init__(self, bus: EventBus, modems: Iterable[str]) -> None:
        self._undecided = set(modems)
        self._changed = asyncio.Event()
        self._stop_listening = bus.subscribe(self._apply)
        self.is_ready = False

    async def settled(self) -> None:
        """Wait until each modem is ready or has said why not, at most SETTLE_SECONDS; from then on `is_ready`."""
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                while self._undecided:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass  # the panel says of each modem what it lacks; the rest goes on working
        self._stop_listening()
        self.is_ready = True

    def _apply(self, published: Published) -> None:
        event = published.event
        if isinstance(event, ModemChanged) and event.state not in _UNDECIDED:
            self._undecided.discard(event.modem)
            self._changed.set()
