"""Conversion between sample rates by windowed sinc, of recordings and prompts as a whole; a live voice: `twice`."""

from __future__ import annotations

from math import gcd

import numpy as np
from numpy.typing import NDArray

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
