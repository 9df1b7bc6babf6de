"""A prompt that a flow can wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.audio.frame import Frame
from gateway.audio.port import FrameSource
from gateway.telephony.leg import Leg


class WatchedSource:
    """A source that tells when its last frame was pulled."""

    LONGEST_SECONDS = 120.0

    def __init__(self, source: FrameSource, *, on_done: Callable[[], None] | None = None) -> None:
        """`on_done` is called once, at the end."""
        self._source: FrameSource | None = source
        self._done = asyncio.Event()
        self._on_done = on_done

    @property
    def is_done(self) -> bool:
        """The last frame was pulled."""
        return self._done.is_set()

    def next_frame(self) -> Frame | None:
        """The next frame of the source."""
        frame = self._source.next_frame() if self._source is not None else None
        if frame is None:
            self.stop()
        return frame

    def stop(self) -> None:
        """End the source now."""
        self._source = None
        if not self._done.is_set():
            self._done.set()
            if self._on_done is not None:
                self._on_done()

    async def done(self, *, unless_ended: Leg) -> None:
        """Wait for the end of the source, or of the leg that hears it."""
        with unless_ended.on_end(self.stop):
            try:
                async with asyncio.timeout(self.LONGEST_SECONDS):
                    await self._done.wait()
            except TimeoutError:
                self.stop()
