"""Reminder: what a party says, with a quiet beep on top from time to time: the other one knows of the recording."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from gateway.audio.frame import Frame
from gateway.audio.port import FrameSource, Listener, MediaPort
from gateway.audio.tones import beep

_QUIETER = 4
"""12 dB below the beep that is a notice by itself: it must be heard, and nobody must have to wait for it."""


class Reminder(MediaPort):
    """Stands in for `source` where another party hears it. The first beep comes after `every_seconds`."""

    def __init__(self, source: MediaPort, every_seconds: float, clock: Callable[[], float]) -> None:
        super().__init__()
        self._source = source
        self._every = every_seconds
        self._clock = clock

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with each frame of the source, some of them with a beep."""
        frames = _beep_frames()
        due, at = self._clock() + self._every, len(frames)

        def remind(frame: Frame, position: int) -> None:
            nonlocal due, at
            if at >= len(frames):
                if self._clock() < due:
                    listener(frame, position)
                    return
                at = 0
                due += self._every
            listener(np.clip(frame.astype(np.int32) + frames[at], -32768, 32767).astype(np.int16), position)
            at += 1

        return self._source.listen(remind)

    def _restart(self, source: FrameSource | None) -> None:
        """Nobody is heard by a reminder."""

    def _write(self, frame: Frame, position: int) -> None:
        """Nobody is heard by a reminder."""


@cache
def _beep_frames() -> list[Frame]:
    source = beep()
    frames = []
    while (frame := source.next_frame()) is not None:
        frames.append((frame // _QUIETER).astype(np.int16))
    return frames
