"""G.722 at 64 kbit/s: a wide-band voice on the wire, the telephone's band of it inside (ITU-T G.722, RFC 3551).

The codec is two: one for the band below 4 kHz, one for the band above. Towards us the lower one alone is decoded: it
is what a sharp filter would leave of the whole, at half the cost and without the delay of joining the bands. Towards
the phone the voice is brought to 16 kHz first: a lower band alone would leave the upper one to chance, which a
wide-band phone makes audible as a hiss.
"""

from __future__ import annotations

import numpy as np
from G722 import G722
from numpy.typing import NDArray

from gateway.audio.frame import SAMPLE_RATE, WIDE_SAMPLE_RATE, Frame
from gateway.audio.twice import Doubler

_BIT_RATE = 64_000


class G722Coder:
    """One voice in both directions: 160 bytes for 20 ms. `is_wide`: frames are of 16 kHz, by both bands."""

    def __init__(self, *, is_wide: bool = False) -> None:
        self._is_wide = is_wide
        self._encoder: G722 | None = None
        self._decoder: G722 | None = None
        self._doubler = Doubler()

    def encode(self, frame: Frame) -> bytes:
        """A byte for each sample of 8 kHz, or two of 16."""
        if self._encoder is None:
            self._encoder = G722(WIDE_SAMPLE_RATE, _BIT_RATE)
        return bytes(self._encoder.encode(frame if self._is_wide else self._doubler.feed(frame)))

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """A sample for each byte, or two; any byte is valid."""
        if self._decoder is None:
            self._decoder = G722(WIDE_SAMPLE_RATE if self._is_wide else SAMPLE_RATE, _BIT_RATE)
        return np.asarray(self._decoder.decode(payload), dtype=np.int16)

    def recover(self, payload: bytes) -> NDArray[np.int16]:  # noqa: ARG002  # the seam of every coder
        """Nothing: no packet says anything of another."""
        return np.zeros(0, dtype=np.int16)

    def samples_in(self, payload: bytes) -> int:
        """A byte carries two samples of 16 kHz, one of ours."""
        return len(payload)
