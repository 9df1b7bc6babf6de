"""The owner's own prompts: taken from files or said by text, made fit for a telephone, kept beside the packaged ones.

Whatever comes is brought to 8 kHz and to the loudness of the packaged prompts, without clicks (D8). A greeting may
last 18 seconds, so that nobody hangs up before it ends (A8).
"""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import SAMPLE_RATE
from gateway.audio.player import read_wav
from gateway.audio.prompts import DIRECTORY, LANGUAGES, prompt_path
from gateway.audio.prompts.render import levelled
from gateway.errors import GatewayError, PromptUnusable
from gateway.telephony.queues import SPOKEN, own_prompt
from gateway.worker.speech import Speech

GREETING_SECONDS = 18.0
LONGEST_SECONDS = 60.0
SHORTEST_SECONDS = 0.1
_SILENT = 100
"""A sample of a sound that nobody hears."""
_KEY = re.compile(r"[a-z0-9-]{1,64}(?:\.[a-z0-9-]{1,20})?", re.ASCII)


class PromptTooLong(GatewayError):
    """A prompt lasts longer than it may; `values` has both in seconds."""

    code = "prompt-too-long"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFacts:
    """A prompt as it is played now. `text` is that of the packaged one; `own`: the owner has replaced it."""

    key: str
    language: str
    text: str
    own: bool
    seconds: float
    loudness_db: float
    longest_seconds: float


class OwnPrompts:
    """Reads and writes below `directory`, `<language>/<key>.wav`. The verbs block."""

    def __init__(self, directory: Path, speech: Speech) -> None:
        self._directory = directory
        self._speech = speech

    def all(self, language: str, queues: Sequence[str] = ()) -> list[PromptFacts]:
        """Every prompt of a language, by its key; then those of these queues.

        Raises PromptUnusable for a language that there is none of.
        """
        if language not in LANGUAGES:
            raise PromptUnusable(f"There are no prompts in {language!r}.")
        found = [self._facts(language, key) for key in sorted(_texts()[language])]
        return found + [self._facts(language, own_prompt(key, queue)) for queue in queues for key in SPOKEN]

    def path(self, language: str, key: str) -> Path:
        """The file that is played. Raises PromptUnusable."""
        own, of_all = self._own(language, key), self._own(language, key.partition(".")[0])
        return next((each for each in (own, of_all) if each.is_file()), prompt_path(language, of_all.stem))

    def take(self, language: str, key: str, sound: Path) -> PromptFacts:
        """Use a WAV file of any rate from now on. Raises PromptUnusable, PromptTooLong and OSError."""
        own = self._own(language, key)
        samples = read_wav(sound)
        seconds, most = len(samples) / SAMPLE_RATE, _longest(key)
        if seconds > most:
            raise PromptTooLong(
                f"It lasts {seconds:.1f} seconds; this prompt may last {most:.0f}.", seconds=seconds, most=most
            )
        if seconds < SHORTEST_SECONDS or np.abs(samples.astype(np.int32)).max(initial=0) < _SILENT:
            raise PromptUnusable("The file is silent.")
        _write(own, levelled(samples))
        return self._facts(language, key)

    def say(self, language: str, key: str, text: str) -> PromptFacts:
        """Use a text from now on. Raises NoSpeech, PromptUnusable, PromptTooLong and OSError."""
        self._own(language, key)
        return self.take(language, key, self._speech.say(text, language))

    def forget(self, language: str, key: str) -> PromptFacts:
        """Use the packaged prompt again. Raises PromptUnusable and OSError."""
        self._own(language, key).unlink(missing_ok=True)
        return self._facts(language, key)

    def _own(self, language: str, key: str) -> Path:
        of_all, _, queue = key.partition(".")
        is_one = _KEY.fullmatch(key) is not None and (not queue or of_all in SPOKEN)
        if language not in LANGUAGES or not is_one or of_all not in _texts()[language]:
            raise PromptUnusable(f"There is no prompt called {key}.", key=key)
        return self._directory / language / f"{key}.wav"

    def _facts(self, language: str, key: str) -> PromptFacts:
        path = self.path(language, key)
        seconds, loudness = _measured(path, path.stat().st_mtime_ns)
        return PromptFacts(
            key=key,
            language=language,
            text=_texts()[language][key.partition(".")[0]],
            own=path == self._own(language, key),
            seconds=seconds,
            loudness_db=loudness,
            longest_seconds=_longest(key),
        )


def _longest(key: str) -> float:
    return GREETING_SECONDS if key.partition(".")[0] == "greeting" else LONGEST_SECONDS


@lru_cache(maxsize=256)
def _measured(path: Path, _changed_ns: int) -> tuple[float, float]:
    """Seconds, and dB below full scale."""
    samples = read_wav(path).astype(np.float64)
    power = float(np.mean(samples**2)) if len(samples) else 0.0
    return round(len(samples) / SAMPLE_RATE, 2), round(10 * float(np.log10(max(power, 1.0) / 32768**2)), 1)


@cache
def _texts() -> dict[str, dict[str, str]]:
    return tomllib.loads((DIRECTORY / "texts.toml").read_text(encoding="utf-8"))


def _write(path: Path, samples: NDArray[np.int16]) -> None:
    """Whole, or not at all."""
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, suffix=".draft")
    try:
        with os.fdopen(descriptor, "wb") as file:
            with wave.open(file, "wb") as sound:
                sound.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
                sound.writeframes(samples.astype("<i2").tobytes())
            file.flush()
            os.fsync(file.fileno())
        Path(draft).chmod(0o640)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
