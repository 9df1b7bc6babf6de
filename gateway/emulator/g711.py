"""G.711 in the emulator's own tables (ITU-T G.711, mu-law and A-law, as RFC 3551 sends them)."""

from __future__ import annotations

import array
import functools

from gateway.emulator.sound import Samples

_MU_BIAS = 0x84
_MU_CLIP = 32635


def mu_law_value(octet: int) -> int:
    """The 16-bit sample of one octet. All bits are inverted on the wire; the sign bit is then 1 for negative."""
    octet = ~octet & 0xFF
    magnitude = (((octet & 0x0F) << 3) + _MU_BIAS << ((octet & 0x70) >> 4)) - _MU_BIAS
    return -magnitude if octet & 0x80 else magnitude


def a_law_value(octet: int) -> int:
    """The 16-bit sample of one octet. Even bits are inverted on the wire; the sign bit is then 1 for positive."""
    octet ^= 0x55
    exponent, mantissa = (octet & 0x70) >> 4, octet & 0x0F
    magnitude = (mantissa << 4) + 8 if exponent == 0 else (mantissa << 4) + 0x108 << (exponent - 1)
    return magnitude if octet & 0x80 else -magnitude


def mu_law_octet(sample: int) -> int:
    """The octet of one 16-bit sample."""
    magnitude = min(abs(sample), _MU_CLIP) + _MU_BIAS
    exponent = magnitude.bit_length() - 8
    mantissa = magnitude >> (exponent + 3) & 0x0F
    return ~((0x80 if sample < 0 else 0) | exponent << 4 | mantissa) & 0xFF


def a_law_octet(sample: int) -> int:
    """The octet of one 16-bit sample; the low three bits play no part."""
    positive = sample >= 0
    magnitude = (sample if positive else ~sample) >> 3
    if magnitude < 32:
        code = magnitude >> 1
    else:
        exponent = magnitude.bit_length() - 5
        code = exponent << 4 | (magnitude >> exponent & 0x0F)
    return (code | (0x80 if positive else 0)) ^ 0x55


class Codec:
    """One law, by tables."""

    def __init__(self, name: str, payload_type: int, *, is_mu: bool) -> None:
        self.name = name
        self.payload_type = payload_type
        to_value, to_octet = (mu_law_value, mu_law_octet) if is_mu else (a_law_value, a_law_octet)
        self._values = array.array("h", (to_value(octet) for octet in range(256)))
        # In the order of two's complement, so that a negative sample is a negative index.
        samples = (index if index < 32768 else index - 65536 for index in range(65536))
        self._octets = bytes(to_octet(sample) for sample in samples)

    def encode(self, samples: Samples) -> bytes:
        """One octet per sample."""
        return bytes(map(self._octets.__getitem__, samples))

    def decode(self, octets: bytes) -> Samples:
        """One sample per octet."""
        return array.array("h", map(self._values.__getitem__, octets))


@functools.cache
def codec(name: str) -> Codec:
    """The codec "PCMU" or "PCMA"; LookupError for another."""
    match name:
        case "PCMU":
            return Codec("PCMU", 0, is_mu=True)
        case "PCMA":
            return Codec("PCMA", 8, is_mu=False)
        case _:
            raise LookupError(f"There is no codec {name!r} here.")
