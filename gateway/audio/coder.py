"""Coders: what speaks the codecs, behind one interface.

Inside, a voice is 8 kHz: a call by a SIM has no more to give. A wide-band codec is therefore decoded to, and encoded
from, 8 kHz; two phones that agree on the same codec keep their full band because their packets are passed through
unopened, those with different wide ones and those in a conference because there are 16 kHz for them beside the 8
(`full_band`; docs/decisions/wide-band.md).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gateway.audio import g711, opus
from gateway.audio.codec import Codec
from gateway.audio.frame import WIDE_SAMPLE_RATE, Frame
from gateway.audio.g711 import Law
from gateway.audio.g722 import G722Coder
from gateway.audio.opus import OpusCoder


class Coder(Protocol):
    """One voice in both directions; some codecs remember what went before."""

    def encode(self, frame: Frame) -> bytes:
        """The payload that carries 20 ms."""

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """The samples at 8 kHz that a payload carries; none for a payload that is broken."""

    def recover(self, payload: bytes) -> NDArray[np.int16]:
        """What a lost packet held, as far as the one after it, `payload`, repeats it; often nothing."""

    def samples_in(self, payload: bytes) -> int:
        """How many samples at 8 kHz a payload lasts, without decoding it; 0 when it is broken."""


class G711Coder:
    """Both laws of G.711."""

    def __init__(self, law: Law) -> None:
        self._law = law

    def encode(self, frame: Frame) -> bytes:
        """One byte per sample."""
        return g711.encode(frame, self._law)

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """One sample per byte; any byte is valid."""
        return g711.decode(payload, self._law)

    def recover(self, payload: bytes) -> NDArray[np.int16]:  # noqa: ARG002  # the seam of every coder
        """Nothing: each packet stands for itself."""
        return _NOTHING

    def samples_in(self, payload: bytes) -> int:
        """A byte is a sample."""
        return len(payload)


def new_coder(codec: Codec) -> Coder:
    """A coder for one call. Raises OSError for Opus where its library is not installed."""
    match codec:
        case Codec.PCMA:
            return G711Coder(Law.ALAW)
        case Codec.PCMU:
            return G711Coder(Law.ULAW)
        case Codec.G722:
            return G722Coder()
        case Codec.OPUS:
            return OpusCoder()


def new_wide_coder(codec: Codec) -> Coder:
    """The same for frames of 16 kHz; `codec` is a wide one."""
    return OpusCoder(WIDE_SAMPLE_RATE) if codec is Codec.OPUS else G722Coder(is_wide=True)


def available_codecs() -> tuple[Codec, ...]:
    """What can be spoken on this machine: Opus needs Debian's libopus0."""
    return tuple(each for each in Codec if each is not Codec.OPUS or opus.is_installed())


_NOTHING = np.zeros(0, dtype=np.int16)
