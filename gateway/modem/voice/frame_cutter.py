"""Frames out of a stream of bytes that may lose one: where a sample begins is found again.

A modem gives its audio in blocks with a pause between them. When an odd number of bytes is left at
the start of a new block, either a read has split a sample, or a byte was lost and everything after
it would be noise. The samples themselves tell: speech is far smoother when read on its own bounds.
"""

from __future__ import annotations

import numpy as np

from gateway.audio.frame import FRAME_BYTES, FRAME_SAMPLES, Frame, frame_from_bytes

_SAMPLE = np.dtype("<i2")
_PAUSE_SECONDS = 0.006
_JUDGED_BYTES = 32
_CLEARLY_SMOOTHER = 2.0
_REVIEW_FRAMES = 100


class FrameCutter:
    """Give it what was read, with the time; it gives whole frames."""

    def __init__(self) -> None:
        self.realigned = 0
        """How often a lost or surplus byte was made good."""
        self._pending = bytearray()
        self._last_read = 0.0
        self._least_left = FRAME_BYTES
        self._frames = 0

    def feed(self, data: bytes, now: float) -> list[Frame]:
        """The frames that `data` completes; they do not change later."""
        if len(data) == FRAME_BYTES and not self._pending:
            # Nearly always. Nothing is left over, so there is no delay to be given back.
            self._last_read = now
            self._least_left = 0
            self._frames += 1
            return [np.frombuffer(data, _SAMPLE)]
        if now - self._last_read >= _PAUSE_SECONDS and len(self._pending) % 2:
            self._realign(data)
        self._last_read = now
        self._pending += data
        frames = []
        while len(self._pending) >= FRAME_BYTES:
            frames.append(frame_from_bytes(bytes(self._pending[:FRAME_BYTES])))
            del self._pending[:FRAME_BYTES]
        self._give_delay_back(len(frames))
        return frames

    def clear(self) -> None:
        """Forget what is left of a frame."""
        self._pending.clear()
        self._least_left = FRAME_BYTES
        self._frames = 0

    def _realign(self, block: bytes) -> None:
        """Start anew with `block`, if its samples say that a byte before it is missing or surplus."""
        if len(block) < _JUDGED_BYTES or not _smoother(block, 0, 1):
            return
        self.realigned += 1
        if _smoother(bytes(self._pending), 1, 0):
            del self._pending[0]
        else:
            del self._pending[-1]
        missing = FRAME_BYTES - len(self._pending)
        if missing <= 2:
            # The rest of the block is whole but for one sample: hold the last one, and keep its time.
            self._pending += self._pending[-2:] * (missing // 2)

    def _give_delay_back(self, frames: int) -> None:
        """A remainder that is never used up only delays everything after it."""
        self._least_left = min(self._least_left, len(self._pending))
        self._frames += frames
        if self._frames >= _REVIEW_FRAMES:
            if self._least_left >= 2:
                del self._pending[: self._least_left // 2 * 2]
            self._frames = 0
            self._least_left = FRAME_BYTES


def _smoother(data: bytes, offset: int, other: int) -> bool:
    """Whether the samples that begin at `offset` are clearly smoother than those that begin at `other`."""
    return _roughness(data, offset) * _CLEARLY_SMOOTHER < _roughness(data, other)


def _roughness(data: bytes, offset: int) -> float:
    whole = (len(data) - offset) // 2 * 2
    if whole < _JUDGED_BYTES // 2:
        return 0.0
    samples = np.frombuffer(data, dtype="<i2", count=min(whole // 2, FRAME_SAMPLES), offset=offset)
    return float(np.abs(np.diff(samples.astype(np.int32))).mean())
