"""The recorder of a call: two channels, the caller on the left, the callee on the right, on one time line.

All that a call does here is to keep what it hears in a list; twice a second the list goes to the RecordingWriter's
thread, where frames are put in their places and onto the disk. The disk may be full, slow or read-only; the call
does not notice.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from enum import IntEnum
from pathlib import Path

from gateway.audio.assembly import HOLD_SAMPLES, Assembly, Block, Heard
from gateway.audio.frame import SAMPLE_RATE, Frame
from gateway.audio.recording_writer import RecordingResult, RecordingWriter


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
        self._assembly = Assembly(now)
        self._file = writer.begin(path, self._assembly.put)
        self._started = now
        self._heard: tuple[list[Heard], list[Heard]] = ([], [])
        self._base = 0
        """The index, in the recording, of the first sample that was not handed over yet."""
        self._next_flush = now + _FLUSH_SECONDS
        self._paused = False
        self._kept_from = 0
        """What was said before this index is not kept."""
        self._begins_anew = False
        """What is heard next is counted by other senders."""
        self._finished: Future[RecordingResult] | None = None

    @property
    def paused(self) -> bool:
        """Whether silence is being written."""
        return self._paused

    @property
    def late_frames(self) -> int:
        """Frames that came too late to be kept, as far as they have been looked at; all of them after the end."""
        return self._assembly.late_frames

    def write(self, channel: Channel, frame: Frame, position: int, now: float) -> None:
        """A frame of one party has arrived. After `close` it is ignored."""
        if self._finished is None:
            if now >= self._next_flush:
                self._flush(now)
            self._heard[channel].append((frame, position, now))

    def listener(self, channel: Channel, clock: Callable[[], float]) -> Callable[[Frame, int], None]:
        """The same for one party, as short as it can be: it is called for every frame."""

        def listener(frame: Frame, position: int) -> None:
            now = clock()
            if now >= self._next_flush:
                self.write(channel, frame, position, now)
            else:
                self._heard[channel].append((frame, position, now))

        return listener

    def pause(self, now: float) -> None:
        """Keep silence from now on: card data, a PIN. The time line goes on."""
        if not self._paused:
            self._flush(now)
            self._paused = True

    def resume(self, now: float) -> None:
        """Keep what is said from now on."""
        if self._paused:
            self._flush(now)
            self._paused = False
            self._kept_from = int((now - self._started) * SAMPLE_RATE)

    def change_parties(self) -> None:
        """Somebody else takes part from now on, who counts positions anew."""
        self._hand_over(self._base)
        self._begins_anew = True

    def close(self, now: float) -> Future[RecordingResult]:
        """End the recording; idempotent, returns at once. The future has the result when the file has its final name.

        The future never fails: what went wrong is in the result.
        """
        if self._finished is None:
            end = max(self._base, int((now - self._started) * SAMPLE_RATE))
            self._hand_over(end)
            self._finished = self._file.finish(end)
            self._next_flush = 0.0
        return self._finished

    def _flush(self, now: float) -> None:
        self._next_flush = now + _FLUSH_SECONDS
        self._hand_over(max(self._base, int((now - self._started) * SAMPLE_RATE) - HOLD_SAMPLES))

    def _hand_over(self, end: int) -> None:
        """Everything that was heard, and that what stands before index `end` may be written."""
        heard, self._heard = self._heard, ([], [])
        self._file.write(
            Block(
                heard,
                self._base,
                end,
                is_paused=self._paused,
                kept_from=self._kept_from,
                begins_anew=self._begins_anew,
            )
        )
        self._base = end
        self._begins_anew = False


_FLUSH_SECONDS = 0.25
