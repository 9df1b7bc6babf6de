"""Live audio between 8 and 16 kHz: a short half-band filter, 1 ms of delay, a few microseconds of work.

For sound cards that know 16 kHz only. Prompts and recordings are converted by `resample`, which is better
and far slower.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
    """8 kHz in, 16 kHz out: one stream, fed piece by piece."""

    def __init__(self) -> None:
        self._past = np.zeros(_TAPS - 1, dtype=np.float32)

    def feed(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Twice as many samples."""
        spread = np.zeros(2 * len(samples), dtype=np.float32)
        spread[::2] = samples
        whole = np.concatenate((self._past, spread))
        self._past = whole[len(whole) - (_TAPS - 1) :]
        return _clipped(2 * np.convolve(whole, _KERNEL, mode="valid"))


def _clipped(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    rounded: NDArray[np.int16] = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
    return rounded
