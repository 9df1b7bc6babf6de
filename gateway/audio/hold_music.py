"""What somebody hears who waits: a quiet run of broken chords, made here, so that nobody's rights are touched."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import SAMPLE_RATE
from gateway.audio.player import ClipSource

_NOTE_SECONDS = 0.4
_RING_SECONDS = 1.6
"""How long a plucked note goes on sounding below those that follow."""
_PEAK = 6_000
"""-15 dBFS at the loudest: music of a narrow band is soon too loud."""
_CHORDS = (
    (261.63, 329.63, 392.00, 523.25, 392.00, 329.63),
    (220.00, 261.63, 329.63, 440.00, 329.63, 261.63),
    (174.61, 220.00, 261.63, 349.23, 261.63, 220.00),
    (196.00, 246.94, 293.66, 392.00, 293.66, 246.94),
)
"""C, A minor, F and G major, in hertz (equal temperament, a = 440)."""


def hold_music() -> ClipSource:
    """The music from its beginning, without end."""
    return ClipSource(_rendered(), times=None)


@cache
def _rendered() -> NDArray[np.int16]:
    """One round, whose last notes ring on into its first ones: the repetition has no seam."""
    notes = [frequency for chord in _CHORDS for frequency in chord]
    step = int(_NOTE_SECONDS * SAMPLE_RATE)
    round_ = np.zeros(len(notes) * step)
    time = np.arange(int(_RING_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    fading = np.exp(-2.5 * time) * np.minimum(1.0, time / 0.01) * np.minimum(1.0, (_RING_SECONDS - time) / 0.05)
    for place, frequency in enumerate(notes):
        wave = np.sin(2 * np.pi * frequency * time) + 0.3 * np.sin(4 * np.pi * frequency * time)
        at = (place * step + np.arange(len(time))) % len(round_)
        round_[at] += wave * fading
    samples: NDArray[np.int16] = (round_ * (_PEAK / np.abs(round_).max())).astype(np.int16)
    samples.setflags(write=False)
    return samples
