"""Live audio between 8 and 16 kHz: short filters, 1 ms of delay, a few microseconds of work.

For wide-band codecs, and for sound cards that know 16 kHz only. Prompts and recordings are converted by
`resample`, which is better and far slower.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import FRAME_SAMPLES, WIDE_FRAME_SAMPLES, Frame

_REACH = 15
_TAPS = 2 * _REACH + 1


def _half_band() -> NDArray[np.float32]:
    """A windowed sinc that passes up to 3.4 kHz of 16 kHz audio and holds back what is above 4.6 kHz."""
    taps = np.arange(-_REACH, _REACH + 1)
    kernel = 0.5 * np.sinc(taps / 2) * np.kaiser(_TAPS, 5.0)
    result: NDArray[np.float32] = (kernel / kernel.sum()).astype(np.float32)
    return result


_KERNEL = _half_band()


class Halver:
    """16 kHz in, 8 kHz out: one stream, fed piece by piece."""

    def __init__(self) -> None:
        self._past = np.zeros(_TAPS - 1, dtype=np.float32)
        self._skip = 0

    def feed(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Every second sample of what was filtered; pieces of any length."""
        whole = np.concatenate((self._past, samples.astype(np.float32)))
        filtered = np.convolve(whole, _KERNEL, mode="valid")
        self._past = whole[len(whole) - (_TAPS - 1) :]
        kept = filtered[self._skip :: 2]
        self._skip = (self._skip + len(samples)) % 2
        return _clipped(kept)


class Doubler:
    """8 kHz in, 16 kHz out: one stream, frame by frame.

    Two phases of a low-pass filter instead of one long one: a third of the work, and the images of a voice lie deeper.
    """

    def __init__(self) -> None:
        self._samples = np.zeros(FRAME_SAMPLES + _HALF_TAPS - 1, dtype=np.float32)
        self._windows = np.lib.stride_tricks.sliding_window_view(self._samples, _HALF_TAPS)

    def feed(self, frame: Frame) -> NDArray[np.int16]:
        """320 samples for 160."""
        samples = self._samples
        samples[: _HALF_TAPS - 1] = samples[FRAME_SAMPLES:]
        samples[_HALF_TAPS - 1 :] = frame
        wide: NDArray[np.float32] = self._windows.dot(_PHASES).reshape(WIDE_FRAME_SAMPLES)
        np.rint(wide, out=wide)
        np.minimum(wide, 32767, out=wide)
        np.maximum(wide, -32768, out=wide)
        return wide.astype(np.int16)


_HALF_TAPS = 16
"""32 taps at 16 kHz: as good to the ear as 48, and half a millisecond sooner (docs/decisions/wide-band.md)."""


def _doubling_filter() -> NDArray[np.float32]:
    """A low-pass filter at 4 kHz as its two phases: for the samples at the old places, and for those between them."""
    distance = np.arange(2 * _HALF_TAPS) - (2 * _HALF_TAPS - 1) / 2
    taps = 0.94 * np.sinc(0.94 * distance / 2) * np.kaiser(2 * _HALF_TAPS, 6.0)
    # A window runs from the oldest sample to the newest, a filter from its newest to its oldest.
    return np.stack((taps[::2][::-1], taps[1::2][::-1]), axis=1).astype(np.float32)


_PHASES = _doubling_filter()


def _clipped(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    rounded: NDArray[np.int16] = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
    return rounded
