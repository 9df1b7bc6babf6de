"""The thread that has all disk work of all recordings, so that no call ever waits for a disk.

While a recording runs its file is called `.part` and is at any moment a WAV file that plays: the sizes in
its header are rewritten once a second, and the data is forced to the disk at most as often. When a
write fails the recording goes on trying; what could not be written is silence in its place.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gateway.audio import wav
from gateway.audio.assembly import Block
from gateway.audio.frame import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE
from gateway.audio.level import HEARD_LEAST_SECONDS, HEARD_MEAN_SQUARE, SILENT_DBFS, Verdict, dbfs
from gateway.syncing import sync_names


@dataclass(frozen=True, slots=True)
class RecordingResult:
    """A finished recording. Levels are those of the frames in which something was heard, left then right.

    `path` is the final name, or that of the `.part` file when `trouble` kept it from being renamed.
    `lost_seconds` is what could not be written and is silence in the file.
    """

    path: Path
    seconds: float
    size_bytes: int
    levels_dbfs: tuple[float, float]
    verdict: Verdict
    lost_seconds: float = 0.0
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class RecordingTrouble:
    """A recording cannot be written (`reason`: a sentence of the system), or (None) can be again."""

    path: Path
    reason: str | None


Assemble: TypeAlias = Callable[[Block], NDArray[np.int16]]
"""Both channels of what was heard, from the block's beginning; called once for each block, from the writer's thread."""

Report: TypeAlias = Callable[[RecordingTrouble], None]
"""Called from the writer's thread; hand it over to the loop with call_soon_threadsafe."""


class RecordingWriter:
    """One thread for all recordings: `with RecordingWriter(report) as writer: ...`, or `start` and `stop`."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._wake = threading.Condition()
        self._files: list[RecordingFile] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="recording-writer", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, *, within: float = 10.0) -> None:
        """Write what is waiting, then end the thread. Recordings that were not closed stay `.part` files.

        Returns after `within` seconds even when the disk hangs.
        """
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(within)

    def begin(self, path: Path, assemble: Assemble) -> RecordingFile:
        """A file to be written; nothing of it exists yet when this returns."""
        file = RecordingFile(path, assemble, self._wake, self._report)
        with self._wake:
            self._files.append(file)
            self._wake.notify()
        return file

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._stopping and not self._is_urgent():
                    # All files have their turn together: one awakening for all calls.
                    self._wake.wait(_TURN_SECONDS if self._files else None)
                    now = time.monotonic()
                    if any(file.has_work(now) for file in self._files):
                        break
                stopping = self._stopping
                files = tuple(self._files)
            now = time.monotonic()
            for file in files:
                if stopping or file.has_work(now):
                    file.work()
            with self._wake:
                self._files = [file for file in self._files if not file.done]
                if stopping and not any(file.has_work(time.monotonic()) for file in self._files):
                    break
        for file in self._files:
            file.abandon()

    def _is_urgent(self) -> bool:
        """Whether somebody waits for a file's end."""
        return any(file.is_finishing for file in self._files)


class RecordingFile:
    """One file. `write` and `finish` are called by the recorder; all else by the writer's thread."""

    def __init__(self, path: Path, assemble: Assemble, wake: threading.Condition, report: Report) -> None:
        self._path = path
        self._part = path.with_name(path.name + wav.PART_SUFFIX)
        self._wake = wake
        self._report = report
        self._waiting: deque[Block] = deque()
        self._waiting_samples = 0
        self._lost_samples = 0
        self._length = 0
        self._result: Future[RecordingResult] | None = None
        self.done = False
        # Only the thread looks at what follows.
        self._assemble = assemble
        self._assembled: tuple[Block, NDArray[np.int16]] | None = None
        """What is to be written next; it stays until it is on the disk."""
        self._descriptor: int | None = None
        self._written = 0
        """Samples from the start of the recording to the end of what is in the file."""
        self._trouble: str | None = None
        self._retry_at = 0.0
        self._next_sync = 0.0
        self._loud_energy = np.zeros(2)
        self._loud_frames = np.zeros(2, dtype=np.int64)
        self._unmeasured: NDArray[np.int16] = np.zeros((0, 2), dtype=np.int16)

    def write(self, block: Block) -> None:
        """What was heard; what is never written is silence. Does not block, does not raise."""
        with self._wake:
            while self._waiting and self._waiting_samples + block.samples > _MOST_WAITING_SAMPLES:
                oldest = self._waiting.popleft()
                self._waiting_samples -= oldest.samples
                self._lost_samples += oldest.samples
            self._waiting.append(block)
            self._waiting_samples += block.samples

    def finish(self, length: int) -> Future[RecordingResult]:
        """The recording has ended; it is `length` samples long. The future never fails and cannot be cancelled."""
        result: Future[RecordingResult] = Future()
        result.set_running_or_notify_cancel()
        with self._wake:
            self._length = length
            self._result = result
            self._wake.notify()
        return result

    @property
    def is_finishing(self) -> bool:
        """Whether the recording has ended and is not whole yet."""
        return self._result is not None and not self.done

    def has_work(self, now: float) -> bool:
        """Whether `work` would do something at `now`."""
        if self._result is not None:
            return not self.done
        return (bool(self._waiting) or self._assembled is not None) and now >= self._retry_at

    def work(self) -> None:
        """Write what waits; finish when there is nothing more to come. Faults of the disk are reported, not raised."""
        finishing = self._result
        if time.monotonic() >= self._retry_at or finishing is not None:
            self._attempt(self._write_waiting)
        if finishing is None:
            return
        if not self._waiting and self._assembled is None:
            self._attempt(self._complete)
        self._close()
        self.done = True
        finishing.set_result(self._outcome())

    def abandon(self) -> None:
        """The writer stops before the recording ended: leave a `.part` file that `repair` will finish."""
        if self._descriptor is not None:
            self._attempt(self._sync)
        self._close()

    def _attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except OSError as error:
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            reason = error.strerror or str(error)
            if reason != self._trouble:
                self._trouble = reason
                self._report(RecordingTrouble(self._path, reason))
        else:
            if self._trouble is not None:
                self._trouble = None
                self._report(RecordingTrouble(self._path, None))

    def _write_waiting(self) -> None:
        while (ready := self._next_assembled()) is not None:
            block, samples = ready
            if self._descriptor is None:
                self._open()
            self._put(samples.tobytes(), wav.HEADER_BYTES + block.begin * wav.SAMPLE_BYTES)
            self._written = max(self._written, block.begin + len(samples))
            self._measure(samples)
            self._assembled = None
        if self._descriptor is not None and time.monotonic() >= self._next_sync:
            self._sync()

    def _next_assembled(self) -> tuple[Block, NDArray[np.int16]] | None:
        if self._assembled is None:
            with self._wake:
                if not self._waiting:
                    return None
                block = self._waiting.popleft()
                self._waiting_samples -= block.samples
            self._assembled = block, self._assemble(block)
        return self._assembled

    def _open(self) -> None:
        directory = self._part.parent
        directory.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        sync_names(directory)
        sync_names(directory.parent)
        self._put(wav.wav_header(0), 0)

    def _put(self, data: bytes, offset: int) -> None:
        if self._descriptor is None:
            return
        view = memoryview(data)
        while view:
            count = os.pwrite(self._descriptor, view, offset)
            view = view[count:]
            offset += count

    def _sync(self) -> None:
        """Header, then everything onto the disk; the next time after a second, later on a slow disk."""
        before = time.monotonic()
        self._put(wav.wav_header(self._written), 0)
        if self._descriptor is not None:
            os.fdatasync(self._descriptor)
        now = time.monotonic()
        self._next_sync = now + max(_SYNC_SECONDS, 4 * (now - before))

    def _complete(self) -> None:
        if self._descriptor is None:
            self._open()
        self._written = max(self._length, self._written)
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, wav.HEADER_BYTES + self._written * wav.SAMPLE_BYTES)
        self._sync()
        self._path = wav.free_name(self._path)
        wav.finish(self._part, self._path)

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _measure(self, samples: NDArray[np.int16]) -> None:
        samples = np.concatenate((self._unmeasured, samples))
        whole = len(samples) // FRAME_SAMPLES * FRAME_SAMPLES
        self._unmeasured = samples[whole:]
        # Each channel's samples side by side, which is worth the copy.
        frames = np.ascontiguousarray(samples[:whole].reshape(-1, FRAME_SAMPLES, 2).transpose(0, 2, 1), np.float32)
        energies = np.einsum("fcs,fcs->fc", frames, frames) / FRAME_SAMPLES
        loud = energies > HEARD_MEAN_SQUARE
        self._loud_frames += loud.sum(axis=0)
        self._loud_energy += np.where(loud, energies, 0.0).sum(axis=0)

    def _outcome(self) -> RecordingResult:
        heard = self._loud_frames * FRAME_SECONDS >= HEARD_LEAST_SECONDS
        left, right = (
            dbfs(float(energy) / int(frames)) if frames else SILENT_DBFS
            for energy, frames in zip(self._loud_energy, self._loud_frames, strict=True)
        )
        waiting = sum(block.samples for block in self._waiting)
        if self._assembled is not None:
            waiting += self._assembled[0].samples
        return RecordingResult(
            path=self._path if self._trouble is None else self._part,
            seconds=max(self._length, self._written) / SAMPLE_RATE,
            size_bytes=wav.HEADER_BYTES + self._written * wav.SAMPLE_BYTES if self._written else 0,
            levels_dbfs=(left, right),
            verdict=Verdict.of(caller_heard=bool(heard[0]), callee_heard=bool(heard[1])),
            lost_seconds=(self._lost_samples + waiting) / SAMPLE_RATE,
            trouble=self._trouble,
        )


_MOST_WAITING_SAMPLES = 30 * SAMPLE_RATE
"""Half a minute, about 2 MB for each recording while a disk hangs or is full."""
_SYNC_SECONDS = 1.0
_RETRY_SECONDS = 1.0
_TURN_SECONDS = 0.1
