"""What a person says into a phone, as samples: the way to record a prompt without a file."""

from __future__ import annotations

import asyncio

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import FRAME_SAMPLES, SAMPLE_RATE, Frame
from gateway.telephony.leg import Leg

_MOST_GAP_SAMPLES = SAMPLE_RATE
"""A sender that counts anew leaves no longer hole than this."""


async def dictated(leg: Leg, *, until: str, within: float) -> NDArray[np.int16] | None:
    """What the party says until the key `until` is pressed; None: it was not, in `within` seconds or ever.

    What the network has lost is silence.
    """
    heard: list[tuple[Frame, int]] = []
    unlisten = leg.port.listen(lambda frame, position: heard.append((frame, position)))
    try:
        async with asyncio.timeout(within):
            key: str | None = ""
            while key != until:
                key = await leg.next_key(within=None)
                if key is None:  # the leg has ended
                    return None
    except TimeoutError:
        return None
    finally:
        unlisten()
    return _joined(heard)


def _joined(heard: list[tuple[Frame, int]]) -> NDArray[np.int16]:
    parts: list[NDArray[np.int16]] = []
    expected: int | None = None
    for frame, position in heard:
        gap = position - expected if expected is not None else 0
        if 0 < gap <= _MOST_GAP_SAMPLES:
            parts.append(np.zeros(gap, dtype=np.int16))
        elif -_MOST_GAP_SAMPLES <= gap < 0:
            continue  # late, or twice
        parts.append(frame)
        expected = position + FRAME_SAMPLES
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int16)
