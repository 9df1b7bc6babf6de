"""The judge must tell good audio from bad; a judge that always says yes would make every check worthless."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.demo.judge import RATE, Samples, judge

RANDOM = np.random.default_rng(7)


def speech_like(seconds: float = 5.0) -> Samples:
    """Noise in syllables: 200 ms on, 60 ms soft."""
    noise = RANDOM.normal(0, 4000, int(seconds * RATE))
    smooth = np.convolve(noise, np.ones(4) / 4, "same")
    syllables = np.where((np.arange(smooth.size) // (RATE // 50)) % 13 < 10, 1.0, 0.3)
    return np.clip(smooth * syllables, -32000, 32000).astype(np.int16)


SOURCE = speech_like()


def with_lead(samples: Samples, seconds: float = 1.3) -> Samples:
    return np.concatenate([np.zeros(int(seconds * RATE), dtype=np.int16), samples, np.zeros(RATE, dtype=np.int16)])


def test_a_quieter_later_copy_is_good() -> None:
    verdict = judge(SOURCE, with_lead((SOURCE * 0.5).astype(np.int16)))
    assert verdict.good, str(verdict)


def test_silence_is_nothing_heard() -> None:
    assert not judge(SOURCE, np.zeros(RATE * 8, dtype=np.int16)).good


def test_other_speech_is_refused() -> None:
    assert not judge(SOURCE, with_lead(speech_like())).good


def test_a_clipped_start_is_refused() -> None:
    clipped = SOURCE.copy()
    clipped[: RATE // 4] = 0
    verdict = judge(SOURCE, with_lead(clipped))
    assert not verdict.good
    assert verdict.first_half_second < 0.95


@pytest.mark.parametrize("gap_ms", [30, 60, 200])
def test_a_hole_is_refused(gap_ms: int) -> None:
    holed = SOURCE.copy()
    start = 3 * RATE
    holed[start : start + gap_ms * RATE // 1000] = 0
    verdict = judge(SOURCE, with_lead(holed))
    assert not verdict.good
    assert verdict.longest_gap_ms > 20


@pytest.mark.parametrize("extra_ms", [-80, -60, 60, 80])
def test_another_length_is_refused(extra_ms: int) -> None:
    middle, shift = SOURCE.size // 2, abs(extra_ms) * RATE // 1000
    if extra_ms > 0:
        changed = np.concatenate([SOURCE[:middle], SOURCE[middle - shift : middle], SOURCE[middle:]])
    else:
        changed = np.concatenate([SOURCE[:middle], SOURCE[middle + shift :]])
    verdict = judge(SOURCE, with_lead(changed))
    assert not verdict.good
    assert abs(verdict.length_error_ms) > 40


def test_noise_over_it_is_refused() -> None:
    noisy = SOURCE.astype(float) + RANDOM.normal(0, 1500, SOURCE.size)
    assert not judge(SOURCE, with_lead(np.clip(noisy, -32768, 32767).astype(np.int16))).good


def test_a_silent_source_is_an_error() -> None:
    with pytest.raises(ValueError, match="silent"):
        judge(np.zeros(RATE, dtype=np.int16), SOURCE)
