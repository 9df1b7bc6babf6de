"""Speech that the detector of keys must not mistake for one: languages, voices and speeds, as codecs leave them.

What is said are this project's own sentences and numbers of all lengths, spoken by espeak-ng; English text in the
voices of other languages gives their vowels. Each utterance is judged four times: as it is, in noise through A-law,
through GSM full rate by sox, and the same twenty decibels quieter.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.audio.dtmf import DtmfDetector
from gateway.audio.frame import SAMPLE_RATE
from gateway.audio.g711 import Law, decode, encode
from tests.audio.voices import frames_of, speech

LANGUAGES = ("en", "ru", "de", "fr-fr", "es", "it", "pl", "uk", "tr", "pt-br", "cmn", "kk", "ka", "fi")
VARIANTS = (
    "", "+f2", "+f4", "+f5", "+m3", "+m7", "+croak", "+whisper", "+klatt", "+klatt4", "+Alex", "+Andrea", "+Annie",
)  # fmt: skip
_CYRILLIC = ("ru", "uk", "kk")
_ROOT = Path(__file__).parents[2]


class Coding(StrEnum):
    """What has become of a voice on its way to us."""

    PLAIN = "as spoken"
    NOISE = "noise, A-law"
    GSM = "GSM full rate"
    GSM_QUIET = "GSM full rate, 20 dB quieter"


@dataclass(frozen=True, slots=True)
class Utterance:
    """What espeak-ng is asked to say, and how."""

    voice: str
    text: str
    words_per_minute: int
    pitch: int

    def spoken(self) -> NDArray[np.int16]:
        """Its sound, 8 kHz."""
        return speech.__wrapped__(self.text, self.voice, words_per_minute=self.words_per_minute, pitch=self.pitch)


def utterances(dice: random.Random) -> Iterator[Utterance]:
    """One after the other, without end; each language in its turn."""
    while True:
        for language in LANGUAGES:
            pool = _sentences()[language in _CYRILLIC]
            if dice.random() < 0.3:
                text = " ".join(str(dice.randrange(10 ** dice.randint(1, 6))) for _ in range(40))
            else:
                text = " ".join(dice.sample(pool, 6))
            yield Utterance(language + dice.choice(VARIANTS), text, dice.randint(110, 260), dice.randint(5, 95))


def coded(voice: NDArray[np.int16], coding: Coding, rng: np.random.Generator) -> NDArray[np.int16]:
    """The same after a codec."""
    match coding:
        case Coding.PLAIN:
            return voice
        case Coding.NOISE:
            noisy = voice + rng.normal(0, 4_096 / 10 ** (rng.uniform(20, 40) / 20), len(voice))
            return decode(encode(np.clip(noisy, -32_768, 32_767).astype(np.int16), Law.ALAW), Law.ALAW)
        case Coding.GSM:
            return _by_gsm(voice)
        case Coding.GSM_QUIET:
            return _by_gsm((voice / 10).astype(np.int16))


def keys_heard(samples: NDArray[np.int16]) -> list[tuple[float, str]]:
    """What the detector takes for keys: seconds since the start, and which."""
    detector = DtmfDetector()
    found = ((index, detector.feed(frame)) for index, frame in enumerate(frames_of(samples)))
    return [(index * 0.020, key) for index, key in found if key]


def listen(minutes: float, seed: int) -> tuple[dict[Coding, list[str]], float]:
    """For each coding what was mistaken for a key, in words, and the hours that each of them was listened to."""
    dice, rng = random.Random(seed), np.random.default_rng(seed)
    mistakes: dict[Coding, list[str]] = {each: [] for each in Coding}
    seconds = 0.0
    for utterance in utterances(dice):
        voice = utterance.spoken()
        for coding in Coding:
            for at, key in keys_heard(coded(voice, coding, rng)):
                mistakes[coding].append(f"{key} at {at:.2f} s of {utterance}")
        seconds += len(voice) / SAMPLE_RATE
        if seconds >= 60 * minutes:
            break
    return mistakes, seconds / 3_600


def _by_gsm(voice: NDArray[np.int16]) -> NDArray[np.int16]:
    raw = ["-t", "raw", "-r", str(SAMPLE_RATE), "-e", "signed", "-b", "16", "-c", "1", "-"]
    packed = _sox([*raw, "-t", "gsm", "-"], voice.astype("<i2").tobytes())
    return np.frombuffer(_sox(["-t", "gsm", "-r", str(SAMPLE_RATE), "-", *raw], packed), dtype="<i2")


def _sox(arguments: list[str], data: bytes) -> bytes:
    return subprocess.run(["sox", *arguments], input=data, capture_output=True, check=True, timeout=60).stdout


@cache
def _sentences() -> tuple[list[str], list[str]]:
    """Of the owner's guide, in English, and of the errors and advice, in Russian."""
    guide = re.sub(r"[`*#|\[\]]", " ", (_ROOT / "docs" / "guide.md").read_text())
    english = [each for each in re.split(r"(?<=[.:!?])\s+", guide) if 30 < len(each) < 300]
    words = json.dumps(json.loads((_ROOT / "gateway" / "words.json").read_text()), ensure_ascii=False)
    return english, [each for each in re.findall(r'"([^"]*[а-я]{4}[^"]*)"', words) if len(each) > 20]
