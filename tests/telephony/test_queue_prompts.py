"""What waiting callers are told, said by prompts, and the pieces themselves."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest

from gateway.audio.player import read_wav
from gateway.audio.prompts import KEYS, LANGUAGES, WAITING
from gateway.telephony.queue_prompts import LAST_PLACE, SAID_MINUTES, place_prompts, wait_prompts
from gateway.telephony.spoken import Gender, counted, number

TEXTS: dict[str, dict[str, str]] = tomllib.loads((WAITING / "texts.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, None), (0, 1), (60, 1), (61, 2), (595, 10), (601, 15), (1500, 25), (1501, 30), (1800, 30), (1801, None)],
)
def test_minutes_are_rounded_up_and_nothing_very_long_is_said(seconds: float | None, said: int | None) -> None:
    assert wait_prompts(seconds) == (() if said is None else ("about-wait", f"wait-{said}"))


@pytest.mark.parametrize(("place", "is_said"), [(0, False), (1, True), (LAST_PLACE, True), (LAST_PLACE + 1, False)])
def test_a_place_far_back_is_not_said(place: int, is_said: bool) -> None:
    assert place_prompts(place) == (("your-place", f"place-{place}") if is_said else ())


def test_minutes_stand_in_the_accusative() -> None:
    minutes = ("минуту", "минуты", "минут")
    for value in SAID_MINUTES:
        words = counted(value, minutes, Gender.FEMININE).replace("одна", "одну")
        assert TEXTS["ru"][f"wait-{value}"] == f"{words}."
    for place in range(1, LAST_PLACE + 1):
        assert {each: TEXTS[each][f"place-{place}"] for each in LANGUAGES} == {
            each: f"{number(place, each)}." for each in LANGUAGES
        }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_piece_is_there_and_as_loud_as_a_prompt(language: str) -> None:
    needed = {"your-place", "about-wait", *(f"place-{each}" for each in range(1, LAST_PLACE + 1))}
    needed |= {f"wait-{each}" for each in SAID_MINUTES}
    assert set(TEXTS[language]) == needed
    assert not needed & set(KEYS), "an owner's prompt has no other meaning"
    assert {file.stem for file in (WAITING / language).iterdir()} == needed
    for file in (WAITING / language).iterdir():
        samples = read_wav(file).astype(float)
        assert -19 <= 20 * np.log10(np.sqrt(np.mean(samples**2)) / 32_768) <= -16
        assert 0.3 < len(samples) / 8000 < 3.0
