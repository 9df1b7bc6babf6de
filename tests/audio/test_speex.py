"""Noise and echo are taken away, and the voice is left, by the library that is installed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pesq import pesq

from gateway.audio.frame import FRAME_SAMPLES
from gateway.audio.speex import VoiceCleaner, is_installed
from tests.audio.voices import RUSSIAN, speech


def cleaned(cleaner: VoiceCleaner, said: NDArray[np.int16], played: NDArray[np.int16]) -> NDArray[np.float64]:
    pieces = [
        cleaner.cleaned(said[at : at + FRAME_SAMPLES], played[at : at + FRAME_SAMPLES])
        for at in range(0, len(said) - FRAME_SAMPLES + 1, FRAME_SAMPLES)
    ]
    return np.concatenate(pieces).astype(float)


def db(part: NDArray[np.float64], of: NDArray[np.float64]) -> float:
    return float(10 * np.log10(np.mean(part**2) / np.mean(of**2)))


def test_the_library_is_here() -> None:
    assert is_installed()


def test_noise_is_taken_down_and_the_voice_is_left() -> None:
    voice = speech()
    silence = np.zeros(16_000, dtype=np.int16)
    noise = np.random.default_rng(3).normal(0, 200, len(voice) + 16_000)
    said = np.clip(np.concatenate((silence, voice)) + noise, -32_768, 32_767).astype(np.int16)
    heard = cleaned(VoiceCleaner(reduces_noise=True, cancels_echo=False), said, np.zeros_like(said))
    before = said[: len(heard)].astype(float)
    assert db(heard[8_000:15_000], before[8_000:15_000]) < -10, "the noise, once it is known"
    assert db(heard[16_000:], before[16_000:]) > -1, "the voice"
    noisy, clean = (float(pesq(8_000, voice, each[16_000:].astype(np.int16), "nb")) for each in (before, heard))
    assert clean > noisy + 0.3


@pytest.mark.parametrize("late_ms", [5, 60])
def test_our_own_echo_is_taken_away_and_the_party_is_heard_over_us(late_ms: int) -> None:
    played = np.tile(speech(), 2)
    echo = np.concatenate((np.zeros(late_ms * 8), played[: -late_ms * 8] * 0.3))
    party = np.zeros(len(played))
    other = speech(RUSSIAN, "ru")[:16_000]
    party[-len(other) :] = other
    said = np.clip(echo + party, -32_768, 32_767).astype(np.int16)
    heard = cleaned(VoiceCleaner(reduces_noise=False, cancels_echo=True), said, played)
    before = said[: len(heard)].astype(float)
    learned = slice(len(heard) // 2, len(heard) - len(other))
    assert db(heard[learned], before[learned]) < -15, "the echo, once its path is learned"
    both = slice(len(heard) - len(other), len(heard))
    assert db(heard[both], party[both]) > -4, "the party that speaks at the same time"
