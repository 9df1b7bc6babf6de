"""The waveform of a recording, small enough to draw."""

from __future__ import annotations

import io
import os
import wave
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

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
    """At most `points` peaks per channel of a 16-bit PCM WAV file. Blocks. Raises RecordingAway for another file."""
    try:
        with io.FileIO(os.dup(recording.descriptor)) as raw, wave.open(raw) as sound:
            if sound.getsampwidth() != 2:
                raise RecordingAway("The file is not 16-bit PCM.")
            channels, rate, frames = sound.getnchannels(), sound.getframerate(), sound.getnframes()
            slice_frames = max(1, -(-frames // points))
            rows = [
                _peaks_of(sound.readframes(block), channels, slice_frames) for block in _blocks(frames, slice_frames)
            ]
    except (wave.Error, EOFError, OSError) as error:
        raise RecordingAway(f"The file is not a whole WAV file: {error}.") from error
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


def _blocks(frames: int, slice_frames: int) -> list[int]:
    """Block lengths that are whole numbers of slices, so that an hour of sound never lies in memory at once."""
    block = max(1, _BLOCK_FRAMES // slice_frames) * slice_frames
    return [min(block, frames - start) for start in range(0, frames, block)]


def _peaks_of(pcm: bytes, channels: int, slice_frames: int) -> np.ndarray:
    samples = np.frombuffer(pcm[: len(pcm) // (2 * channels) * 2 * channels], "<i2").reshape(-1, channels)
    if len(samples) == 0:
        return np.zeros((0, channels))
    starts = np.arange(0, len(samples), slice_frames)
    return np.maximum.reduceat(np.abs(samples.astype(np.int32)), starts, axis=0) / 32768.0
