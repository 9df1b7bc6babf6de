"""Numbers, times and durations as a person reads them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask

from web import formats
from web.app import create_app

MOSCOW = formats.zone("Europe/Moscow")
NOW = datetime(2027, 1, 31, 21, 30, tzinfo=UTC)  # half past midnight of 1 February in Moscow


@pytest.fixture(params=["en", "ru"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    app: Flask = create_app("http://127.0.0.1:1")
    with app.test_request_context(headers={"Cookie": f"language={request.param}"}):
        yield str(request.param)


@pytest.mark.parametrize(
    ("number", "country", "shown"),
    [
        ("+79161234567", "RU", "8 (916) 123-45-67"), ("+74951234567", "RU", "8 (495) 123-45-67"),
        ("+79161234567", "DE", "+7 916 123-45-67"), ("+375291234567", "RU", "+375 29 123-45-67"),
        ("+4915123456789", "DE", "01512 3456789"), ("101", "RU", "101"), ("112", "RU", "112"), ("MTS", "RU", "MTS"),
        ("+1", "RU", "+1"), ("+9999999999999999", "RU", "+9999999999999999"), ("sip:x@y", "RU", "sip:x@y"),
    ],
)  # fmt: skip
def test_numbers_are_shown_the_local_way(number: str, country: str, shown: str) -> None:
    assert formats.phone_number(number, country) == shown


def test_a_withheld_number_is_said_in_words(language: str) -> None:
    expected = {"en": "Withheld number", "ru": "Номер скрыт"}[language]
    assert formats.phone_number("", "RU") == formats.phone_number(None, "RU") == expected


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "–"), (0, "–"), (0.2, "0:01"), (59.6, "1:00"), (61, "1:01"), (3599, "59:59"), (3723, "1:02:03")],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert formats.duration(seconds) == shown


def test_moments_are_of_the_shops_day(language: str) -> None:
    shown = [
        formats.moment(text, MOSCOW, NOW)
        for text in (
            "2027-01-31T21:05:00.000Z",
            "2027-01-31T20:55:00.000Z",
            "2027-01-30T09:00:00Z",
            "2026-12-31T09:00:00Z",
        )
    ]
    assert (
        shown
        == {
            "en": ["00:05", "Yesterday, 23:55", "30 Jan, 12:00", "31 Dec 2026, 12:00"],
            "ru": ["00:05", "Вчера, 23:55", "30 янв., 12:00", "31 дек. 2026, 12:00"],
        }[language]
    )
    assert formats.moment(None, MOSCOW, NOW) == "–"


def test_days_have_names(language: str) -> None:
    names = [formats.day_name(f"2027-01-{day}T12:00:00Z", MOSCOW, NOW) for day in (31, 30)]
    assert (
        names
        == {
            "en": ["Yesterday", "Saturday, 30 January 2027"],
            "ru": ["Вчера", "Суббота, 30 января 2027"],
        }[language]
    )


def test_sizes(language: str) -> None:
    shown = [formats.file_size(size) for size in (None, 400, 44_000, 1_568_044)]
    assert (
        shown
        == {
            "en": ["–", "1 kB", "44 kB", "1.6 MB"],
            "ru": ["–", "1 кБ", "44 кБ", "1,6 МБ"],
        }[language]
    )


def test_amounts(language: str) -> None:
    shown = [formats.decimal(12.5), formats.decimal(1234), formats.decimal(0.47, 1)]
    assert shown == {"en": ["12.50", "1234.00", "0.5"], "ru": ["12,50", "1234,00", "0,5"]}[language]


def test_an_unknown_time_zone_does_not_break_a_page() -> None:
    assert formats.zone("Nowhere/Atlantis").key == formats.zone("../etc/passwd").key == "UTC"


def test_how_good_a_voice_was(language: str) -> None:
    shown = [formats.quality(score) for score in (4.4, 4.1, 3.64, 3.2, 1.0)]
    assert (
        shown
        == {
            "en": ["excellent (4.4 of 5)", "good (4.1 of 5)", "fair (3.6 of 5)", "poor (3.2 of 5)", "bad (1.0 of 5)"],
            "ru": [
                "отлично (4,4 из 5)", "хорошо (4,1 из 5)", "сносно (3,6 из 5)", "плохо (3,2 из 5)",
                "очень плохо (1,0 из 5)",
            ],
        }[language]
    )  # fmt: skip
    assert formats.decibels(-21.4) == {"en": "−21 dBFS", "ru": "−21 дБ от полной шкалы"}[language]
