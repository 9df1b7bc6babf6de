"""FullBand: the voice of a wide-band phone at 16 kHz, beside the 8 kHz that everybody else is given.

A frame of 8 kHz and its twin of 16 are of the same 20 ms, and the twin is there only while its frame is being
delivered: whoever wants it asks for it by the frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.audio.codec import Codec
from gateway.audio.coder import new_wide_coder
from gateway.audio.frame import WIDE_FRAME_SAMPLES, Frame
from gateway.audio.twice import Halver


class FullBand:
    """Both directions of one phone, from the moment in which somebody can hear more than the telephone's band."""

    def __init__(self, codec: Codec) -> None:
        self._coder = new_wide_coder(codec)
        self._halver = Halver()
        self._frame: Frame | None = None
        self._twin: NDArray[np.int16] | None = None

    def decode(self, payload: bytes) -> Frame:
        """20 ms at 8 kHz, whose twin is known from now on; another length for what does not carry 20 ms."""
        return self._halved(self._coder.decode(payload))

    def recover(self, payload: bytes) -> Frame:
        """The 20 ms before `payload`, as far as it repeats them; often nothing."""
        return self._halved(self._coder.recover(payload))

    def twin_of(self, frame: Frame) -> NDArray[np.int16] | None:
        """320 samples; None: that frame has no more than 8 kHz."""
        return self._twin if frame is self._frame else None

    def encode(self, wide: NDArray[np.int16]) -> bytes:
        """The payload for 320 samples."""
        return self._coder.encode(wide)

    def _halved(self, wide: NDArray[np.int16]) -> Frame:
        if len(wide) == WIDE_FRAME_SAMPLES:
            self._frame, self._twin = self._halver.feed(wide), wide
            return self._frame
        self._frame = self._twin = None
        # A broken packet, or nothing that could be repeated; a filter has nothing to say of no samples.
        return self._halver.feed(wide) if len(wide) else wide
