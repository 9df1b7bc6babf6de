"""Noise that stands for a quiet room: where a sender is silent by agreement (RFC 3389), and where a voice was lost.

Dead silence sounds like a broken line. The noise is white, from one table, so that it costs a look-up and a product.
"""

from __future__ import annotations

from random import Random

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import FRAME_SAMPLES, Frame

LOUDEST_RMS = 32.0
"""-57 dBFS against a sine: what is louder is no background, whoever tells it."""
_TABLE_SAMPLES = 8_191
"""A second, and a prime number, so that frames are not repeated soon."""
_LEVEL_MASK = 0x7F


class Noise:
    """One stream of it."""

    def __init__(self) -> None:
        self._at = 0

    def samples(self, count: int) -> NDArray[np.float32]:
        """The next `count` samples with a root mean square of 1; at most a second at a time."""
        start = self._at
        self._at = (start + count) % _TABLE_SAMPLES
        return _TABLE[start : start + count]

    def frame(self, rms: float) -> Frame:
        """20 ms as loud as that, in units of a sample."""
        return (self.samples(FRAME_SAMPLES) * rms).astype(np.int16)


def told_rms(payload: bytes) -> float:
    """How loud the noise of a comfort noise packet is to be; 0: it says nothing (RFC 3389 section 3.1).

    Its first byte is the level below overload in decibels; the form of the spectrum, if it follows, is not heard.
    """
    if not payload:
        return 0.0
    return min(LOUDEST_RMS, float(32768.0 * 10 ** (-(payload[0] & _LEVEL_MASK) / 20)))


def _table() -> NDArray[np.float32]:
    # numpy's own generators would be two megabytes that nothing else needs.
    chance = Random(1)  # noqa: S311  # noise, and the same one everywhere
    made = np.array([chance.gauss() for _ in range(_TABLE_SAMPLES)], dtype=np.float32)
    made /= float(np.sqrt(np.mean(made * made)))
    return np.concatenate((made, made))


_TABLE = _table()
