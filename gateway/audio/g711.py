"""G.711, both laws: 8 bits a sample on the wire, 16 linear bits inside (ITU-T G.711, tables 1 and 2).

The table is built from the definition when the module is loaded: eight segments, each twice as wide as the one
before, sixteen steps in a segment. Where audioop does exactly the same it does it here, in one call, which costs a
third of numpy's for so few samples; its mu-law rounds negative samples downwards, and is not used to encode.
"""

from __future__ import annotations

import warnings
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import Frame

with warnings.catch_warnings():
    # Python 3.13 has it no more: there the package audioop-lts takes its place.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop


class Law(StrEnum):
    """Which companding law; the value is the encoding name of RFC 3551 in lower case."""

    ULAW = "pcmu"
    ALAW = "pcma"


def encode(frame: Frame, law: Law) -> bytes:
    """One byte per sample; the most significant bit of a byte is 1 for a positive sample, in both laws.

    The samples must lie side by side.
    """
    if law is Law.ALAW:
        return audioop.lin2alaw(frame.data, 2)
    return _ENCODE_ULAW.take(frame).tobytes()  # negative samples count from the table's end


def decode(payload: bytes | bytearray | memoryview, law: Law) -> NDArray[np.int16]:
    """As many samples as `payload` has bytes; any byte is valid."""
    return np.frombuffer(audioop.alaw2lin(payload, 2) if law is Law.ALAW else audioop.ulaw2lin(payload, 2), _SIGNED)


_ULAW_BIAS = 132
"""33 in the 14-bit scale of G.711 table 2: with it added, the segment is the position of the highest bit."""
_ULAW_CLIP = 32_635


def _segment(magnitude: NDArray[np.int32], lowest_bit: int) -> NDArray[np.int32]:
    """The number of bits above `lowest_bit`, 0 to 7."""
    segment = np.zeros_like(magnitude)
    for each in range(1, 8):
        segment[magnitude >= 1 << (lowest_bit + each)] = each
    return segment


def _ulaw_encoded(linear: NDArray[np.int32]) -> NDArray[np.uint8]:
    magnitude = np.minimum(np.abs(linear), _ULAW_CLIP) + _ULAW_BIAS
    segment = _segment(magnitude, 7)
    step = magnitude >> (segment + 3) & 0x0F
    sign = np.where(linear < 0, 0x80, 0)
    code: NDArray[np.int32] = ~(sign | segment << 4 | step) & 0xFF
    return code.astype(np.uint8)


_ENCODE_ULAW = _ulaw_encoded(np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32))
_SIGNED = np.dtype(np.int16)
