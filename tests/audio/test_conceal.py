"""What is made up for missing sound: its level follows the voice, and it meets what comes next where that is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.audio.conceal import Concealer
from gateway.audio.frame import FRAME_SAMPLES
from tests.audio.voices import frames_of

_SECONDS = np.arange(8_000) / 8_000


def voice(loudness: NDArray[np.float64] | float = 1.0) -> NDArray[np.int16]:
    """A second of a vowel at 125 Hz."""
    parts = [np.sin(2 * np.pi * 125 * each * _SECONDS + each) / each for each in range(1, 8)]
    samples: NDArray[np.int16] = (4_000 * loudness * np.sum(parts, axis=0)).astype(np.int16)
    return samples


def rms(samples: NDArray[np.float32] | NDArray[np.int16]) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


def after(samples: NDArray[np.int16], *, lanes: int = 1) -> Concealer:
    """A concealer that has heard `samples`."""
    concealer = Concealer(lanes=lanes)
    for frame in frames_of(samples):
        concealer.played(frame if lanes == 1 else np.stack((frame, frame), axis=1))
    return concealer


def test_a_voice_that_falls_goes_on_falling() -> None:
    falling = voice(np.minimum(1.0, 0.7 ** ((_SECONDS - 0.9) * 125)))
    steady = voice()
    # Two periods of it, against the last two that were heard.
    quotient = [rms(after(each).more(FRAME_SAMPLES)[:128]) / rms(each[-128:]) for each in (falling, steady)]
    assert quotient[0] < 0.6 * quotient[1]
    assert quotient[1] == pytest.approx(0.92, abs=0.02)


def test_what_is_made_up_ends() -> None:
    concealer = after(voice())
    heard = [rms(concealer.more(FRAME_SAMPLES)) for _ in range(8)]
    assert heard[:6] == sorted(heard[:6], reverse=True)
    assert heard[6:] == [0.0, 0.0]


@pytest.mark.parametrize("lanes", [1, 2])
def test_a_gap_whose_end_is_known_is_filled_from_both_sides(lanes: int) -> None:
    # Another vowel follows: what is made up must turn into it.
    before, following = voice()[:4_000], (voice(0.5)[4_000:] * np.sign(np.sin(2 * np.pi * 500 * _SECONDS[4_000:])))
    first = following[:FRAME_SAMPLES].astype(np.int16)
    wide = first if lanes == 1 else np.stack((first, first), axis=1)
    known = after(before, lanes=lanes).between(wide).reshape(FRAME_SAMPLES, -1)[:, 0]
    unknown = after(before, lanes=lanes).more(FRAME_SAMPLES).reshape(FRAME_SAMPLES, -1)[:, 0]
    assert np.corrcoef(known[:40], unknown[:40])[0, 1] > 0.95, "it begins as the voice was"
    assert abs(known[-1] - float(first[0])) < abs(unknown[-1] - float(first[0])) + 1
    # What a periodic voice says before a moment it says again 64 samples later.
    expected = following[64 - 40 : 64].astype(float)
    assert np.corrcoef(known[-40:], expected)[0, 1] > 0.9, "it ends as what comes begins"
