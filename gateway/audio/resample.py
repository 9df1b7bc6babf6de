"""Conversion between sample rates by windowed sinc: recordings and prompts whole, a live voice from 8 to 16 kHz."""

from __future__ import annotations

from math import gcd

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import FRAME_SAMPLES, WIDE_FRAME_SAMPLES, Frame

_LOBES = 16
_BLOCK = 8_192


def converted(samples: NDArray[np.int16], source_rate: int, target_rate: int) -> NDArray[np.int16]:
    """`samples` at `target_rate`; what the lower of the two rates cannot carry is filtered out."""
    if source_rate == target_rate:
        return samples
    common = gcd(source_rate, target_rate)
    up, down = target_rate // common, source_rate // common
    ratio = min(1.0, up / down)
    reach = int(np.ceil(_LOBES / ratio))
    taps = np.arange(1 - reach, reach + 1)
    kernels = _kernels(taps, up, ratio)
    padded = np.concatenate((np.zeros(reach), samples, np.zeros(reach + 1)))
    count = len(samples) * up // down
    result = np.empty(count, dtype=np.int16)
    for start in range(0, count, _BLOCK):
        at = np.arange(start, min(start + _BLOCK, count), dtype=np.int64) * down
        near = padded[(at // up)[:, None] + taps[None, :] + reach]
        result[start : start + len(at)] = np.clip(np.rint(np.vecdot(near, kernels[at % up])), -32768, 32767)
    return result


def _kernels(taps: NDArray[np.int64], phases: int, ratio: float) -> NDArray[np.float64]:
    """One filter for each place that a new sample can have between two old ones."""
    distance = (taps[None, :] - (np.arange(phases) / phases)[:, None]) * ratio
    # A Kaiser window keeps the images more than 80 dB down; 0.94 leaves room for its skirt.
    window = np.i0(8.0 * np.sqrt(np.clip(1 - (distance / _LOBES) ** 2, 0, 1))) / np.i0(8.0)
    kernels: NDArray[np.float64] = 0.94 * ratio * np.sinc(0.94 * distance) * window
    return kernels


class LiveDoubler:
    """One live voice, from 8 to 16 kHz, frame by frame; it comes out 1 ms later than it went in."""

    def __init__(self) -> None:
        self._samples = np.zeros(FRAME_SAMPLES + _HALF_TAPS - 1, dtype=np.float32)
        self._windows = np.lib.stride_tricks.sliding_window_view(self._samples, _HALF_TAPS)

    def doubled(self, frame: Frame) -> NDArray[np.int16]:
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
