"""A peer that sends no packets while its party is silent (RFC 3389): its room goes on to be heard, frame by frame."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.audio.comfort import Noise, told_rms
from gateway.audio.frame import FRAME_SAMPLES, FRAME_SECONDS, Frame

PAYLOAD_TYPE = 13
"""RFC 3551 table 4; it needs no agreement."""
_LONGEST_FRAMES = 1_500
"""After 30 s without a packet the party is gone (T-F14)."""


class QuietPeer:
    """Plays the noise that the peer has told, from its packet on until a voice comes, on the peer's own timeline."""

    def __init__(self, deliver: Callable[[Frame, int], None]) -> None:
        self.shift = 0
        """What is added to the peer's positions: noise that was played already is not taken back by what comes late."""
        self._deliver = deliver
        self._noise = Noise()
        self._rms = 0.0
        self._end = 0
        self._frames = 0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_quiet(self) -> bool:
        """Noise is being played."""
        return self._timer is not None

    def told(self, payload: bytes, position: int, now: float) -> None:
        """A packet of comfort noise has come for that position: another level, or the beginning."""
        self._rms = told_rms(payload)
        self._frames = 0
        if self._timer is not None:
            return
        self._end = position + self.shift
        self._due = now
        self._play()

    def speaks(self, position: int) -> None:
        """A voice has come, for that position of the peer's."""
        if self._timer is not None:
            self.stop()
            self.shift = max(0, self._end - position)

    def stop(self) -> None:
        """No noise any more; idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _play(self) -> None:
        self._timer = None
        if self._frames >= _LONGEST_FRAMES:
            return
        self._frames += 1
        position, self._end = self._end, self._end + FRAME_SAMPLES
        self._due += FRAME_SECONDS
        self._timer = asyncio.get_running_loop().call_at(self._due, self._play)
        self._deliver(self._noise.frame(self._rms), position)
