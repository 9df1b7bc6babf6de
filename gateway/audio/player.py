"""Audio that is pulled: clips with repetitions and pauses, sequences; and what is in a WAV file."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE, SILENCE, Frame
from gateway.audio.port import FrameSource
from gateway.audio.resample import converted
from gateway.errors import PromptUnusable


class ClipSource:
    """Samples at 8 kHz, played `times` times (None: for ever) with `pause_ms` of silence between; the end is padded."""

    def __init__(self, samples: NDArray[np.int16], *, times: int | None = 1, pause_ms: int = 0) -> None:
        frames = -(-len(samples) // FRAME_SAMPLES)
        padded = np.zeros(frames * FRAME_SAMPLES, dtype=np.int16)
        padded[: len(samples)] = samples
        padded.setflags(write=False)
        self._samples = padded
        self._frames = frames
        self._pause = pause_ms // FRAME_MS
        self._left = times if frames else 0
        self._at = 0

    @property
    def seconds(self) -> float:
        """The length of one round, without the pause."""
        return self._frames * FRAME_MS / 1000

    def next_frame(self) -> Frame | None:
        """The next 20 ms; None after the last round."""
        if self._left == 0:
            return None
        at, self._at = self._at, self._at + 1
        if at < self._frames:
            if self._at == self._frames and (self._left == 1 or not self._pause):
                self._next_round()
            return self._samples[at * FRAME_SAMPLES : (at + 1) * FRAME_SAMPLES]
        if self._at == self._frames + self._pause:
            self._next_round()
        return SILENCE

    def _next_round(self) -> None:
        self._at = 0
        if self._left is not None:
            self._left -= 1


class SequenceSource:
    """One source after the other, without a gap."""

    def __init__(self, *sources: FrameSource) -> None:
        self._sources = list(sources)

    def next_frame(self) -> Frame | None:
        """The next 20 ms; None when the last source has ended."""
        while self._sources:
            frame = self._sources[0].next_frame()
            if frame is not None:
                return frame
            self._sources.pop(0)
        return None


def read_wav(path: Path) -> NDArray[np.int16]:
    """The samples of a WAV file at 8 kHz mono: 8, 16, 24 or 32 bits, any rate from 4 to 192 kHz, channels are averaged.

    Raises PromptUnusable with a sentence that says what is wrong with the file.
    """
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = file.readframes(file.getnframes())
    except FileNotFoundError as error:
        raise PromptUnusable(f"The file {path} does not exist.", path=str(path)) from error
    except OSError as error:
        raise PromptUnusable(f"The file {path} cannot be read: {error.strerror}.", path=str(path)) from error
    except (wave.Error, EOFError) as error:
        why = str(error) or "it ends too early"
        raise PromptUnusable(f"The file {path} is not a WAV file with PCM samples: {why}.", path=str(path)) from error
    if not 4_000 <= rate <= 192_000:
        raise PromptUnusable(
            f"The file {path} has {rate} samples a second; 4000 to 192000 can be used.", path=str(path)
        )
    samples = _as_int16(data, width)
    if channels > 1:
        whole = len(samples) // channels * channels
        samples = samples[:whole].reshape(-1, channels).mean(axis=1).astype(np.int16)
    return converted(samples, rate, SAMPLE_RATE)


def _as_int16(data: bytes, width: int) -> NDArray[np.int16]:
    """The upper 16 bits of each sample (WAV: 8 bits are unsigned, all else is signed and little-endian)."""
    data = data[: len(data) // width * width]
    if width == 1:
        return ((np.frombuffer(data, dtype=np.uint8).astype(np.int16) - 128) * 256).astype(np.int16)
    return np.frombuffer(data, dtype=np.uint8).reshape(-1, width)[:, -2:].copy().view("<i2").reshape(-1)
