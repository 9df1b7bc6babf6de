"""Speech-like sound, another for each seed: syllables with pitch and formants, breaths between them, never silent.

Each stretch of some ten milliseconds occurs once only, so that it can be found again at the other end.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 8_000
BREATH = 40.0
"""RMS of what is heard between the words: a line that is alive, well below speech."""
PEAK = 12_000.0

Samples = NDArray[np.int16]


def speech_like(seconds: float, seed: int) -> Samples:
    """Sound of that length, int16 at 8 kHz."""
    dice = np.random.default_rng(seed)
    length = int(seconds * RATE)
    voice = np.zeros(length)
    pitch = dice.uniform(90, 220)
    at = 0
    while at < length:
        syllable = _syllable(dice, pitch)
        end = min(at + len(syllable), length)
        voice[at:end] += syllable[: end - at]
        at = end + int(RATE * (dice.uniform(0.0, 0.06) if dice.random() < 0.8 else dice.uniform(0.15, 0.45)))
    voice *= PEAK / max(float(np.abs(voice).max()), 1.0)
    return np.clip(voice + dice.normal(0, BREATH, length), -32_768, 32_767).astype(np.int16)


def save(path: Path, samples: Samples) -> Path:
    """As a WAV; the path again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, len(samples), "NONE", "not compressed"))
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def _syllable(dice: np.random.Generator, pitch: float) -> NDArray[np.float64]:
    count = int(RATE * dice.uniform(0.12, 0.3))
    formants: tuple[float, ...]
    if dice.random() < 0.75:
        glide = pitch * (1 + dice.uniform(-0.15, 0.15) * np.linspace(0, 1, count) + dice.normal(0, 0.01, count))
        beats = np.floor(np.cumsum(glide) / RATE)
        source = np.diff(beats, prepend=0.0) * 8 + dice.normal(0, 0.15, count)
        formants = (dice.uniform(300, 850), dice.uniform(900, 2200), dice.uniform(2300, 3300))
    else:
        source = dice.normal(0, 0.6, count)
        formants = (dice.uniform(1500, 2400), dice.uniform(2500, 3600))
    sound = sum((np.convolve(source, _resonance(each))[:count] for each in formants), np.zeros(count))
    envelope = np.sin(np.pi * np.linspace(0, 1, count)) ** 0.5
    shaped: NDArray[np.float64] = sound * envelope * dice.uniform(0.4, 1.0)
    return shaped


def _resonance(frequency: float) -> NDArray[np.float64]:
    """The impulse response of a formant, 24 ms of it."""
    at = np.arange(192) / RATE
    response: NDArray[np.float64] = np.exp(-np.pi * 90 * at) * np.sin(2 * np.pi * frequency * at)
    return response
