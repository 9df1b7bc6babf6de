"""When the shop opens, said by prompts, and the prompts themselves."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.audio.player import read_wav
from gateway.audio.prompts import HOURS, KEYS, LANGUAGES
from gateway.telephony.hours_prompts import opens_prompts
from gateway.telephony.schedule import Because, Opening

TEXTS: dict[str, dict[str, str]] = tomllib.loads((HOURS / "texts.toml").read_text(encoding="utf-8"))
MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 3, 6, 20, 0, tzinfo=UTC)
"""Friday, eleven in the evening in Moscow."""


def _closed(opens_at: datetime | None) -> Opening:
    return Opening(is_open=False, until=opens_at, opens_at=opens_at, reason=Because.HOURS)


@pytest.mark.parametrize(
    ("day", "hour", "minute", "keys"),
    [
        (6, 23, 30, ("opens-again", "day-today", "at-2330")),
        (7, 9, 0, ("opens-again", "day-tomorrow", "at-0900")),
        (8, 10, 30, ("opens-again", "day-sunday", "at-1030")),
        (12, 0, 0, ("opens-again", "day-thursday", "at-0000")),
        (13, 9, 0, ()),
        (9, 9, 15, ()),
    ],
)
def test_the_day_and_the_time_are_those_of_the_shop_s_clock(
    day: int, hour: int, minute: int, keys: tuple[str, ...]
) -> None:
    opens_at = datetime(2026, 3, day, hour, minute, tzinfo=MOSCOW).astimezone(UTC)
    assert opens_prompts(_closed(opens_at), NOW, MOSCOW) == keys


def test_a_shop_that_never_opens_says_nothing() -> None:
    assert opens_prompts(_closed(None), NOW, MOSCOW) == ()


def test_there_is_a_piece_for_whatever_is_said() -> None:
    for minutes in range(0, 7 * 24 * 60, 15):
        for key in opens_prompts(_closed(NOW + timedelta(minutes=minutes)), NOW, MOSCOW):
            assert key in TEXTS["en"]
            assert key not in KEYS, "an owner's prompt has no other meaning"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_piece_is_there_and_as_loud_as_a_prompt(language: str) -> None:
    assert set(TEXTS) == set(LANGUAGES)
    assert set(TEXTS[language]) == set(TEXTS["en"])
    assert {file.stem for file in (HOURS / language).iterdir()} == set(TEXTS[language])
    for file in (HOURS / language).iterdir():
        samples = read_wav(file).astype(float)
        assert -19 <= 20 * np.log10(np.sqrt(np.mean(samples**2)) / 32_768) <= -16
        assert 0.3 < len(samples) / 8000 < 3.5
