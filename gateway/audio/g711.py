"""G.711, both laws: 8 bits a sample on the wire, 16 linear bits inside (ITU-T G.711, tables 1 and 2).

Both directions are one look-up per sample. The tables are built from the definition when the module
is loaded: eight segments, each twice as wide as the one before, sixteen steps in a segment.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import Frame


class Law(StrEnum):
    """Which companding law; the value is the encoding name of RFC 3551 in lower case."""

    ULAW = "pcmu"
    ALAW = "pcma"


def encode(frame: Frame, law: Law) -> bytes:
    """One byte per sample; the most significant bit of a byte is 1 for a positive sample, in both laws."""
    return _ENCODE[law].take(frame.view(np.uint16)).tobytes()


def decode(payload: bytes | bytearray | memoryview, law: Law) -> NDArray[np.int16]:
    """As many samples as `payload` has bytes; any byte is valid."""
    return _DECODE[law].take(np.frombuffer(payload, dtype=np.uint8))


def silence_byte(law: Law) -> int:
    """The byte that carries the smallest positive value, for filling."""
    return int(_ENCODE[law][0])


_ULAW_BIAS = 132
"""33 in the 14-bit scale of G.711 table 2: with it added, the segment is the position of the highest bit."""
_ULAW_CLIP = 32_635
_ALAW_TOGGLE = 0x55
"""G.711 table 1: even bits are inverted on the wire."""


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


def _ulaw_decoded(code: NDArray[np.int32]) -> NDArray[np.int16]:
    bits = ~code & 0xFF
    magnitude = (((bits & 0x0F) << 3) + _ULAW_BIAS << (bits >> 4 & 7)) - _ULAW_BIAS
    return np.where(bits & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_encoded(linear: NDArray[np.int32]) -> NDArray[np.uint8]:
    # There is no zero in A-law: -1 is the smallest negative value as 0 is the smallest positive one.
    magnitude = np.where(linear < 0, ~linear, linear)
    segment = _segment(magnitude, 7)
    step = magnitude >> np.where(segment == 0, 4, segment + 3) & 0x0F
    sign = np.where(linear < 0, 0, 0x80)
    code: NDArray[np.int32] = (sign | segment << 4 | step) ^ _ALAW_TOGGLE
    return code.astype(np.uint8)


def _alaw_decoded(code: NDArray[np.int32]) -> NDArray[np.int16]:
    bits = code ^ _ALAW_TOGGLE
    segment = bits >> 4 & 7
    step = (bits & 0x0F) << 4
    magnitude = np.where(segment == 0, step + 8, step + 0x108 << np.maximum(segment - 1, 0))
    return np.where(bits & 0x80, magnitude, -magnitude).astype(np.int16)


_LINEAR = np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32)
_CODES = np.arange(256, dtype=np.int32)
_ENCODE = {Law.ULAW: _ulaw_encoded(_LINEAR), Law.ALAW: _alaw_encoded(_LINEAR)}
_DECODE = {Law.ULAW: _ulaw_decoded(_CODES), Law.ALAW: _alaw_decoded(_CODES)}
