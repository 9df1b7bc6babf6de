"""The unit of audio: 20 ms of mono PCM. The only place where these numbers stand."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 8_000
FRAME_MS = 20
FRAME_SAMPLES = 160
FRAME_BYTES = 320
FRAME_SECONDS = 0.020
FRAMES_PER_SECOND = 50

WIDE_SAMPLE_RATE = 16_000
WIDE_FRAME_SAMPLES = 320

Frame: TypeAlias = NDArray[np.int16]
"""160 samples of int16 at 8 kHz. Whoever receives a frame may keep it but must not change it."""

SILENCE: Frame = np.zeros(FRAME_SAMPLES, dtype=np.int16)
SILENCE.setflags(write=False)


def frame_from_bytes(data: bytes | bytearray | memoryview) -> Frame:
    """A frame that looks at `data`, 320 bytes of s16le, without copying."""
    return np.frombuffer(data, _SAMPLE)


_SAMPLE = np.dtype("<i2")
