"""A prompt that a flow can wait for."""

from __future__ import annotations

import asyncio

from gateway.audio.frame import Frame
from gateway.audio.port import FrameSource
from gateway.telephony.leg import Leg


class WatchedSource:
    """A source that tells when its last frame was pulled."""

    LONGEST_SECONDS = 120.0

    def __init__(self, source: FrameSource) -> None:
        self._source: FrameSource | None = source
        self._done = asyncio.Event()

    def next_frame(self) -> Frame | None:
        """The next frame of the source."""
        frame = self._source.next_frame() if self._source is not None else None
        if frame is None:
            self.stop()
        return frame

    def stop(self) -> None:
        """End the source now."""
        self._source = None
        self._done.set()

    async def done(self, *, unless_ended: Leg) -> None:
        """Wait for the end of the source, or of the leg that hears it."""
        with unless_ended.on_end(self.stop):
            try:
                async with asyncio.timeout(self.LONGEST_SECONDS):
                    await self._done.wait()
            except TimeoutError:
                self.stop()
