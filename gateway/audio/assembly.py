"""The assembly of a recording: frames of two parties, as they came, put in their places on one time line.

It works in the recording writer's thread, on all that a call has handed over since the last time, so that a call
itself does no more than keep what it hears.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import FRAME_SAMPLES, SAMPLE_RATE, Frame
from gateway.audio.timeline import Timeline

HOLD_SAMPLES = 3 * SAMPLE_RATE // 10
"""So much later may a frame come and still find its place."""
LONGEST_SAMPLES = 4 * SAMPLE_RATE // 5
"""What is assembled at once, with what is held."""

Heard: TypeAlias = tuple[Frame, int, float]
"""A frame, its position, and when it came (seconds of the caller's clock)."""


@dataclass(frozen=True, slots=True)
class Block:
    """What was heard of each party since the block before, and that everything before index `end` is settled."""

    heard: tuple[list[Heard], list[Heard]]
    begin: int
    end: int
    is_paused: bool = False
    """Nothing of it is kept, but the time line goes on."""
    kept_from: int = 0
    """What was said before this index is not kept."""
    begins_anew: bool = False
    """Other senders than before, who count positions anew."""

    @property
    def samples(self) -> int:
        """How long the stretch is that can be written after it."""
        return self.end - self.begin


class Assembly:
    """Of one recording that began at `started`."""

    def __init__(self, started: float) -> None:
        self.late_frames = 0
        """Frames that came too late to be kept."""
        self._started = started
        self._timelines = self._new_timelines()
        # Apart until they are given: a frame is put into a row at half the cost of a column.
        self._rows = (np.zeros(LONGEST_SAMPLES, dtype=np.int16), np.zeros(LONGEST_SAMPLES, dtype=np.int16))
        self._base = 0
        """The index, in the recording, of the first sample of the rows."""

    def put(self, block: Block) -> NDArray[np.int16]:
        """Both channels from `block.begin` on; what is missing until `block.end` is silence."""
        self._forward(block.begin)
        if block.begins_anew:
            self._timelines = self._new_timelines()
        begin = max(self._base, block.kept_from)
        last = self._base + LONGEST_SAMPLES - FRAME_SAMPLES
        for timeline, row, heard in zip(self._timelines, self._rows, block.heard, strict=True):
            for frame, position, now in heard:
                index, correction = timeline.place(position, now)
                if block.is_paused:
                    continue
                if not correction and begin <= index <= last:
                    start = index - self._base
                    row[start : start + FRAME_SAMPLES] = frame
                else:
                    self._place(row, _fitted(frame, correction) if correction else frame, index, block.kept_from)
        count = min(block.samples, LONGEST_SAMPLES)
        ready = np.empty((count, 2), dtype=np.int16)
        for row, column in zip(self._rows, ready.T, strict=True):
            column[:] = row[:count]
        self._forward(block.end)
        return ready

    def _new_timelines(self) -> tuple[Timeline, Timeline]:
        return Timeline(self._started), Timeline(self._started)

    def _place(self, row: NDArray[np.int16], frame: Frame, index: int, kept_from: int) -> None:
        start = index - self._base
        if start < 0 or index < kept_from:
            skipped = max(kept_from, self._base) - index
            if skipped >= len(frame):
                self.late_frames += 1
                return
            frame = frame[skipped:]
            start += skipped
        stop = start + len(frame)
        if stop <= LONGEST_SAMPLES:
            row[start:stop] = frame

    def _forward(self, base: int) -> None:
        """Forget what lies before `base`."""
        moved = min(base - self._base, LONGEST_SAMPLES)
        if moved > 0:
            for row in self._rows:
                row[: LONGEST_SAMPLES - moved] = row[moved:]
                row[LONGEST_SAMPLES - moved :] = 0
            self._base = base


def _fitted(frame: Frame, correction: int) -> Frame:
    """`frame` with one sample repeated or left out in its middle, where the step is smallest of a few."""
    steps = np.abs(np.diff(frame[40 : FRAME_SAMPLES // 2 + 41].astype(np.int32)))
    at = 41 + int(steps.argmin())
    if correction > 0:
        return np.insert(frame, at, frame[at])
    return np.delete(frame, at)
