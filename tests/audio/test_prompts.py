"""The packaged prompts are there, in both languages, and fit for a telephone."""

from __future__ import annotations

import tomllib
import wave

import numpy as np
import pytest

from gateway.audio.player import read_wav
from gateway.audio.prompts import DIRECTORY, LANGUAGES, prompt_path
from gateway.errors import PromptUnusable

TEXTS: dict[str, dict[str, str]] = tomllib.loads((DIRECTORY / "texts.toml").read_text(encoding="utf-8"))
EVERY_PROMPT = [(language, key) for language, prompts in TEXTS.items() for key in prompts]
NEEDED = {
    "recording-notice", "enter-pin", "wrong-pin", "enter-number", "no-such-extension", "number-not-allowed",
    "no-free-line", "courier-unreachable", "busy", "please-wait", "greeting", "goodbye", "budget-spent",
    *(f"digit-{digit}" for digit in range(10)),
}  # fmt: skip


def test_every_language_has_every_prompt_and_no_file_is_left_over() -> None:
    assert tuple(TEXTS) == LANGUAGES
    for language in LANGUAGES:
        assert set(TEXTS[language]) >= NEEDED
        assert set(TEXTS[language]) == set(TEXTS["en"])
        assert {path.stem for path in (DIRECTORY / language).iterdir()} == set(TEXTS[language])


@pytest.mark.parametrize(("language", "key"), EVERY_PROMPT)
def test_a_prompt_is_fit_for_a_telephone(language: str, key: str) -> None:
    path = prompt_path(language, key)
    assert path.stat().st_size < 60_000
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
    samples = read_wav(path).astype(float)
    rms = 20 * np.log10(np.sqrt(np.mean(samples**2)) / 32_768)
    assert -19 <= rms <= -16
    # No click: it begins and ends at nothing and does not jump there.
    for edge in (samples[:40], samples[-40:]):
        assert np.abs(edge[[0, -1]]).min() <= 2
        assert np.abs(np.diff(edge)).max() < 1000


def test_a_language_without_a_prompt_speaks_english() -> None:
    assert prompt_path("de", "busy") == DIRECTORY / "en" / "busy.wav"


@pytest.mark.parametrize("key", ["nonsense", "", "../en/busy", "../../secret"])
def test_a_prompt_that_does_not_exist(key: str) -> None:
    with pytest.raises(PromptUnusable, match="no prompt called"):
        prompt_path("ru", key)
