"""Packets of any length become frames of 20 ms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import FRAME_SAMPLES, Frame

_MOST_OPEN = 4
_PAUSE_SAMPLES = 10 * FRAME_SAMPLES


class Regrouper:
    """A packet of exactly one frame passes through untouched; others fill frames on a 20 ms grid.

    A frame is delivered once it is full, or, with silence where nothing came, once a later one is full.
    """

    def __init__(self, deliver: Callable[[Frame, int], None]) -> None:
        self._deliver = deliver
        self._shift = 0
        self._next = 0
        self._open: dict[int, tuple[Frame, int]] = {}

    def push(self, samples: NDArray[np.int16], position: int) -> None:
        """Samples of the peer's timeline from `position` on."""
        placed = position + self._shift
        if placed == self._next and len(samples) == FRAME_SAMPLES and not self._open and not placed % FRAME_SAMPLES:
            # Nearly always.
            self._next = placed + FRAME_SAMPLES
            self._deliver(samples, placed)
            return
        whole = len(samples) == FRAME_SAMPLES and not self._open
        if placed % FRAME_SAMPLES and placed > self._next and (whole or placed - self._next > _PAUSE_SAMPLES):
            # The grid begins anew with this packet: the pause before it is a little longer, nothing is split.
            self._shift += -placed % FRAME_SAMPLES
            placed = position + self._shift
        if whole and placed % FRAME_SAMPLES == 0:
            self._next = max(self._next, placed + FRAME_SAMPLES)
            self._deliver(samples, placed)
            return
        self._next = max(self._next, placed + len(samples))
        while len(samples):
            index, offset = divmod(placed, FRAME_SAMPLES)
            taken = samples[: FRAME_SAMPLES - offset]
            self._fill(index, offset, taken)
            samples = samples[len(taken) :]
            placed += len(taken)

    def _fill(self, index: int, offset: int, samples: NDArray[np.int16]) -> None:
        frame, filled = self._open.pop(index, (np.zeros(FRAME_SAMPLES, dtype=np.int16), 0))
        frame[offset : offset + len(samples)] = samples
        filled += len(samples)
        if filled < FRAME_SAMPLES:
            self._open[index] = (frame, filled)
            if len(self._open) > _MOST_OPEN:
                self._flush_before(max(self._open))
            return
        self._flush_before(index)
        self._deliver(frame, index * FRAME_SAMPLES)

    def _flush_before(self, index: int) -> None:
        for earlier in sorted(each for each in self._open if each < index):
            frame, _ = self._open.pop(earlier)
            self._deliver(frame, earlier * FRAME_SAMPLES)
