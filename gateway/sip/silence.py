"""A party that is not heard any more is gone, whatever its signalling says (T-F14, X-N5)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from gateway.sip.rtp_port import RtpPort
from gateway.sip.sdp import Agreement

log = logging.getLogger(__name__)

SILENT_SECONDS = 30.0
"""So long without a packet the party is gone (T-F14, X-N5)."""
HELD_SECONDS = 900.0
"""So long a held call may be silent."""


class SilenceWatch:
    """Looks from time to time whether the party is still heard."""

    def __init__(self, port: RtpPort, *, is_excused: Callable[[], bool], on_silence: Callable[[], None]) -> None:
        """`is_excused`: nobody speaks yet, because our answer is still on its way."""
        self._port = port
        self._is_excused = is_excused
        self._on_silence = on_silence
        self._agreement: Agreement | None = None
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, agreement: Agreement) -> None:
        """Media was agreed: the time begins anew."""
        self._agreement = agreement
        self._since = asyncio.get_running_loop().time()
        if self._timer is None:
            self._look()

    def stop(self) -> None:
        """The call is over."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        if self._is_excused():
            self._since = loop.time()
        agreement = self._agreement
        speaks = agreement is None or (agreement.way.receives and not agreement.is_held)
        patience = SILENT_SECONDS if speaks else HELD_SECONDS
        deadline = max(self._since, self._port.last_heard_at or 0.0) + patience
        if deadline <= loop.time():
            log.info("Nothing was heard for %d s; the call is ended", patience)
            self._timer = None
            self._on_silence()
            return
        self._timer = loop.call_at(min(deadline, loop.time() + SILENT_SECONDS), self._look)
