"""The recorder of a call: two channels, the caller on the left, the callee on the right, on one time line.

Everything that a call does here is memory: frames are put in their place in a short stereo buffer, and
what can no longer change goes to the RecordingWriter's thread every 400 ms. The disk may
be full, slow or read-only; the call does not notice.
"""

from __future__ import annotations

from concurrent.futures import Future
from enum import IntEnum
from pathlib import Path

import numpy as np

from gateway.audio.frame import FRAME_SAMPLES, SAMPLE_RATE, Frame
from gateway.audio.recording_writer import RecordingResult, RecordingWriter
from gateway.audio.timeline import Timeline


class Channel(IntEnum):
    """Which party; the number is that of the channel in the file."""

    CALLER = 0
    CALLEE = 1


class Recorder:
    """One recording, from `now` on (seconds of the caller's monotonic clock, as in every call).

    `path` is the name of the finished file; until then it is `path` with `.part` added. Frames may
    come out of order and up to 300 ms late; what is missing is silence. `close` must be called.
    """

    def __init__(self, path: Path, writer: RecordingWriter, now: float) -> None:
        self.path = path
        self.late_frames = 0
        """Frames that came too late to be kept."""
        self._file = writer.begin(path)
        self._started = now
        self._timelines = (Timeline(now), Timeline(now))
        # Apart until they are written: a frame is put into a row at half the cost of a column.
        self._rows = (np.zeros(_BUFFER_SAMPLES, dtype=np.int16), np.zeros(_BUFFER_SAMPLES, dtype=np.int16))
        self._base = 0
        """The index, in the recording, of the first sample of the rows."""
        self._next_flush = now + _FLUSH_SECONDS
        self._paused = False
        self._kept_from = 0
        """What was said before this index is not kept."""
        self._finished: Future[RecordingResult] | None = None

    @property
    def paused(self) -> bool:
        """Whether silence is being written."""
        return self._paused

    def write(self, channel: Channel, frame: Frame, position: int, now: float) -> None:
        """A frame of one party has arrived. After `close` it is ignored."""
        if self._finished is not None:
            return
        if now >= self._next_flush:
            self._flush(now)
        index, correction = self._timelines[channel].place(position, now)
        if self._paused:
            return
        if correction:
            frame = _fitted(frame, FRAME_SAMPLES + correction)
        start = index - self._base
        stop = start + len(frame)
        if start < 0 or index < self._kept_from:
            skipped = max(self._kept_from, self._base) - index
            if skipped >= len(frame):
                self.late_frames += 1
                return
            frame = frame[skipped:]
            start += skipped
        if stop <= _BUFFER_SAMPLES:
            self._rows[channel][start:stop] = frame

    def pause(self, now: float) -> None:
        """Keep silence from now on: card data, a PIN. The time line goes on."""
        self._paused = True
        self._flush(now)

    def resume(self, now: float) -> None:
        """Keep what is said from now on."""
        if self._paused:
            self._flush(now)
            self._paused = False
            self._kept_from = int((now - self._started) * SAMPLE_RATE)

    def close(self, now: float) -> Future[RecordingResult]:
        """End the recording; idempotent, returns at once. The future has the result when the file has its final name.

        The future never fails: what went wrong is in the result.
        """
        if self._finished is None:
            end = max(self._base, int((now - self._started) * SAMPLE_RATE))
            self._write_out(end)
            self._finished = self._file.finish(end)
        return self._finished

    def _flush(self, now: float) -> None:
        self._next_flush = now + _FLUSH_SECONDS
        settled = int((now - self._started) * SAMPLE_RATE) - _HOLD_SAMPLES
        if settled > self._base:
            self._write_out(settled)

    def _write_out(self, end: int) -> None:
        """Hand everything before index `end` to the writer."""
        count = min(end - self._base, _BUFFER_SAMPLES)
        ready = np.empty((count, 2), dtype=np.int16)
        for row, column in zip(self._rows, ready.T, strict=True):
            column[:] = row[:count]
            row[: _BUFFER_SAMPLES - count] = row[count:]
            row[_BUFFER_SAMPLES - count :] = 0
        self._file.write(self._base, ready)
        self._base = end


def _fitted(frame: Frame, count: int) -> Frame:
    """`frame` with one sample repeated or left out in its middle, where the step is smallest of a few."""
    steps = np.abs(np.diff(frame[40:121].astype(np.int32)))
    at = 41 + int(steps.argmin())
    if count > len(frame):
        return np.insert(frame, at, frame[at])
    return np.delete(frame, at)


_FLUSH_SECONDS = 0.4
_HOLD_SAMPLES = 3 * SAMPLE_RATE // 10
_BUFFER_SAMPLES = 4 * SAMPLE_RATE // 5
