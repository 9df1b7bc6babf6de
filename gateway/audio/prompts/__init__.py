"""The packaged prompts: finished WAV files in English and Russian, 8 kHz mono; see README.md beside them."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from gateway.errors import PromptUnusable

DIRECTORY = Path(__file__).parent
HOURS = DIRECTORY / "hours"
"""The pieces of the sentence that says when the shop opens; see texts.toml there."""
DELIVERY = DIRECTORY / "delivery"
"""The pieces of the sentence that says when an order is delivered; see texts.toml there."""
WAITING = DIRECTORY / "waiting"
"""The pieces of what a waiting caller is told of the queue."""
TRIAL = DIRECTORY / "trial"
"""What a test call says."""
PIECES = (HOURS, DELIVERY, WAITING, TRIAL)
"""What is only ever played as a part of a sentence: an owner's own prompts do not take its place."""
LANGUAGES = ("en", "ru")
KEYS = tuple(sorted(file.stem for file in (DIRECTORY / "en").glob("*.wav")))
"""Every prompt. A phone names one by its place here, from 1 on."""


def prompt_path(language: str, key: str) -> Path:
    """The file that says `key` (kebab-case, see texts.toml) in `language`, or in English where that one lacks it.

    Raises PromptUnusable when no language has it.
    """
    for each in (language, "en"):
        path = DIRECTORY / each / f"{key}.wav"
        if key and "/" not in key and each in LANGUAGES and path.is_file():
            return path
    raise PromptUnusable(f"There is no prompt called {key}.", key=key)


@cache
def prompt_texts(language: str) -> dict[str, str]:
    """What the packaged prompts and pieces say, by their keys; in English where there are none of that language."""
    spoken = language if language in LANGUAGES else LANGUAGES[0]
    found: dict[str, str] = {}
    for directory in (DIRECTORY, *PIECES):
        found |= tomllib.loads((directory / "texts.toml").read_text(encoding="utf-8"))[spoken]
    return found
