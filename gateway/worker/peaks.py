"""The waveform of a recording, small enough to draw."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import soundfile  # type: ignore[import-untyped]  # it has no types of its own

from gateway.api.problems import RecordingAway
from gateway.worker.recordings import OpenRecording

_BLOCK_FRAMES = 1 << 20
_KEPT = 128


@dataclass(frozen=True, slots=True)
class Peaks:
    """`channels` holds one list per channel, each with the largest absolute sample of its slice, 0 to 1."""

    seconds: float
    channels: list[list[float]]


def measure_peaks(recording: OpenRecording, points: int) -> Peaks:
    """At most `points` peaks per channel of a recording. Blocks. Raises RecordingAway for a file that is no sound."""
    try:
        with recording.as_file() as file, soundfile.SoundFile(file) as sound:
            slice_frames = max(1, -(-sound.frames // points))
            blocks = sound.blocks(blocksize=_block_frames(slice_frames), dtype="int16", always_2d=True)
            rows = [_peaks_of(block, slice_frames) for block in blocks]
            channels, rate, frames = sound.channels, sound.samplerate, sound.frames
    except (soundfile.LibsndfileError, OSError) as error:
        raise RecordingAway(f"The file is not a whole recording: {error}.") from error
    peaks = np.concatenate(rows) if rows else np.zeros((0, channels))
    return Peaks(round(frames / rate, 3), [[round(float(peak), 3) for peak in column] for column in peaks.T])


class PeaksCache:
    """The last waveforms, by file and size of the drawing."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, int], Peaks] = OrderedDict()

    def of(self, name: str, recording: OpenRecording, points: int) -> Peaks:
        """The peaks, measured at most once while they are kept. Blocks."""
        key = (name, recording.etag, points)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        self._kept[key] = peaks = measure_peaks(recording, points)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return peaks


def _block_frames(slice_frames: int) -> int:
    """A whole number of slices, so that an hour of sound never lies in memory at once."""
    return max(1, _BLOCK_FRAMES // slice_frames) * slice_frames


def _peaks_of(samples: np.ndarray, slice_frames: int) -> np.ndarray:
    starts = np.arange(0, len(samples), slice_frames)
    return np.maximum.reduceat(np.abs(samples.astype(np.int32)), starts, axis=0) / 32768.0
