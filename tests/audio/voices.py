"""Speech for tests: rendered by espeak-ng at run time, 8 kHz."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import FRAME_SAMPLES
from gateway.audio.player import read_wav

ENGLISH = (
    "The courier has left the warehouse, and will be with you in about twenty minutes. "
    "Please have the exact amount ready. If one of the boxes is damaged, tell him at the door. "
    "If nobody answers, he will call this number again."
)
RUSSIAN = (
    "Курьер выехал со склада и будет у вас примерно через двадцать минут. "
    "Пожалуйста, приготовьте нужную сумму без сдачи. Если коробка повреждена, скажите ему сразу. "
    "Если никто не ответит, он перезвонит позже."
)


@cache
def speech(
    text: str = ENGLISH, voice: str = "en", *, words_per_minute: int = 160, pitch: int = 50
) -> NDArray[np.int16]:
    """`text` as spoken by espeak-ng, with a peak of half of full scale, in whole frames."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "speech.wav"
        arguments = ["-v", voice, "-s", str(words_per_minute), "-p", str(pitch), "-w", str(path), text]
        subprocess.run(["espeak-ng", *arguments], check=True, timeout=30)
        samples = read_wav(path).astype(np.float64)
    samples *= 16_384 / np.abs(samples).max()
    padded = np.zeros(-(-len(samples) // FRAME_SAMPLES) * FRAME_SAMPLES, dtype=np.int16)
    padded[: len(samples)] = samples
    padded.setflags(write=False)
    return padded


def frames_of(samples: NDArray[np.int16]) -> list[NDArray[np.int16]]:
    """Whole frames; an incomplete one at the end is left out."""
    return [samples[each : each + FRAME_SAMPLES] for each in range(0, len(samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES)]
