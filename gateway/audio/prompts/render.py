"""Renders the packaged prompts from texts.toml with espeak-ng: `python -m gateway.audio.prompts.render`.

For whoever changes a text; the gateway itself only plays the finished files.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import SAMPLE_RATE
from gateway.audio.player import read_wav
from gateway.audio.prompts import DIRECTORY, PIECES

TARGET_DBFS = -17.5
"""Root mean square of the spoken part, against digital full scale (a sample of 32,768)."""
_PEAK = 29_000
_EDGE_MS = 40
_RAMP_MS = 5
_SPEECH_FLOOR = 0.02
_WORDS_PER_MINUTE = {"en": "155", "ru": "150"}


def main() -> int:
    """Render every prompt, and the pieces of sentences; the exit status is 0 when all were written."""
    for directory in (DIRECTORY, *PIECES):
        texts = tomllib.loads((directory / "texts.toml").read_text(encoding="utf-8"))
        for language, prompts in texts.items():
            for key, text in prompts.items():
                samples = levelled(spoken(text, language))
                path = directory / language / f"{key}.wav"
                path.parent.mkdir(exist_ok=True)
                write(path, samples)
                sys.stdout.write(f"{path.relative_to(DIRECTORY)}: {len(samples) / SAMPLE_RATE:.2f} s\n")
    return 0


def spoken(text: str, language: str) -> NDArray[np.int16]:
    """`text` as espeak-ng says it, at 8 kHz. Raises CalledProcessError or FileNotFoundError without espeak-ng."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "spoken.wav"
        command = ["espeak-ng", "-v", language, "-s", _WORDS_PER_MINUTE[language], "-w", str(path), text]
        subprocess.run(command, check=True, timeout=60)  # noqa: S603 - our own texts, no shell
        return read_wav(path)


def levelled(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Trimmed to 40 ms around the speech, at one loudness, soft at both ends.

    Peaks that would go over are pressed together, so that the loudness holds for every prompt.
    """
    ramp = _RAMP_MS * SAMPLE_RATE // 1000
    edge = _EDGE_MS * SAMPLE_RATE // 1000
    voice = samples.astype(np.float64)
    slope = np.sin(np.linspace(0, np.pi / 2, ramp)) ** 2
    voice[:ramp] *= slope
    voice[-ramp:] *= slope[::-1]
    voice = np.concatenate((np.zeros(edge), voice, np.zeros(edge)))
    loud = np.flatnonzero(np.abs(voice) > _SPEECH_FLOOR * np.abs(voice).max())
    voice = voice[max(0, loud[0] - edge) : loud[-1] + edge]
    target = 32_768 * 10 ** (TARGET_DBFS / 20)
    for _ in range(8):
        voice *= target / np.sqrt(np.mean(voice**2))
        voice = _PEAK * np.tanh(voice / _PEAK)
    voice[:ramp] *= slope
    voice[-ramp:] *= slope[::-1]
    return np.rint(voice).astype(np.int16)


def write(path: Path, samples: NDArray[np.int16]) -> None:
    """A WAV file of 8 kHz, mono, 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.astype("<i2").tobytes())


if __name__ == "__main__":
    sys.exit(main())
