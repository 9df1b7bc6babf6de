"""Where a frame belongs on the time line of a recording, by its sender's clock, anchored in ours.

A sender counts samples by its own crystal. Over an hour two crystals differ by a second; the
recording must not. Packets come late, never early, so the earliest of the last seconds show where the
sender's clock stands against ours; the place follows it by at most one sample a frame, unheard.
"""

from __future__ import annotations

from gateway.audio.frame import FRAME_SAMPLES, SAMPLE_RATE


class Timeline:
    """One channel of a recording that began at `started` (seconds of the caller's clock)."""

    __slots__ = ("_earliest", "_far", "_last", "_offset", "_started")

    def __init__(self, started: float) -> None:
        self._started = started
        self._offset: int | None = None
        """Added to a position, the index of the sample in the recording."""
        self._earliest = 0.0
        self._far = 0
        self._last = started - _BURST_SECONDS

    def place(self, position: int, now: float) -> tuple[int, int]:
        """The index of the first sample of a frame that came at `now`, and its correction: -1, 0 or 1 samples.

        With 1 the frame must take the place of 161 samples, with -1 that of 159. The index may be
        negative: the frame was spoken before the recording began.
        """
        by_time = (now - self._started) * SAMPLE_RATE - FRAME_SAMPLES
        if self._offset is None:
            self._anchor(by_time, position)
        index = position + (self._offset or 0)
        behind = by_time - index
        self._far = self._far + 1 if abs(behind) > _FAR else 0
        if self._far > _FAR_FRAMES or behind < -_FAR or behind > _LOST:
            # The sender's count has jumped, or stood still while time went on.
            self._anchor(by_time, position)
            return position + (self._offset or 0), 0
        self._earliest += _CREEP
        if now - self._last >= _BURST_SECONDS:
            # The later frames of one block, or of a burst after a stall, say nothing of the sender's clock.
            self._earliest = min(self._earliest, behind)
        self._last = now
        if abs(self._earliest) <= _TOLERANCE:
            return index, 0
        correction = 1 if self._earliest > 0 else -1
        self._offset = (self._offset or 0) + correction
        self._earliest -= correction
        return index, correction

    def _anchor(self, by_time: float, position: int) -> None:
        self._offset = round(by_time) - position
        self._earliest = 0.0
        self._far = 0


_BURST_SECONDS = 0.005
_CREEP = 0.9
"""Samples a frame: as fast as the place can follow, 0.5 %."""
_TOLERANCE = 80
"""Samples, 10 ms: a first frame that came late, and the jitter of a busy machine, stay uncorrected."""
_FAR = SAMPLE_RATE // 4
_FAR_FRAMES = 50
_LOST = 2 * SAMPLE_RATE
