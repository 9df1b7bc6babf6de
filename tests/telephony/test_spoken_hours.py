"""When the shop opens again, said to a caller."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from gateway.telephony.schedule import Because, Opening, Schedule
from gateway.telephony.spoken import at_clock, until_clock
from gateway.telephony.spoken_hours import said

MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 11, 22, 20, tzinfo=UTC)  # Sunday, 23:00 in Moscow


@pytest.mark.parametrize(
    ("opens_at", "russian", "english"),
    [
        ("2026-11-22 23:30", "сегодня в двадцать три часа тридцать минут", "today at twenty-three thirty"),
        ("2026-11-23 09:00", "завтра в девять часов", "tomorrow at nine o'clock"),
        ("2026-11-23 00:00", "завтра в ноль часов", "tomorrow at midnight"),
        ("2026-11-24 10:01", "во вторник в десять часов одну минуту", "on Tuesday at ten oh one"),
        ("2026-11-28 21:00", "в субботу в двадцать один час", "on Saturday at twenty-one o'clock"),
        (
            "2026-11-29 09:00",
            "двадцать девятого ноября в девять часов",
            "on the twenty-ninth of November at nine o'clock",
        ),
        (
            "2027-01-03 09:21",
            "третьего января в девять часов двадцать одну минуту",
            "on the third of January at nine twenty-one",
        ),
    ],
)
def test_when_it_opens_again(opens_at: str, russian: str, english: str) -> None:
    at = datetime.fromisoformat(opens_at).replace(tzinfo=MOSCOW).astimezone(UTC)
    closed = Opening(is_open=False, until=at, opens_at=at, reason=Because.HOURS)
    assert said(closed, NOW, MOSCOW, "ru") == f"Мы снова откроемся {russian}."
    assert said(closed, NOW, MOSCOW, "en") == f"We are open again {english}."


def test_what_is_tomorrow_by_the_clock_of_the_shop_is_said_so() -> None:
    early = datetime(2026, 11, 22, 22, tzinfo=UTC)  # Monday, 01:00 in Moscow
    week = Schedule(monday=("09:00-18:00",)).in_zone("Europe/Moscow")
    assert said(week.state_at(early), early, MOSCOW, "ru") == "Мы снова откроемся сегодня в девять часов."


@pytest.mark.parametrize(
    ("until", "russian", "english"),
    [
        (
            datetime(2026, 11, 22, 20, 30, tzinfo=UTC),
            "Мы открыты до двадцати трёх часов тридцати минут.",
            "We are open until twenty-three thirty.",
        ),
        (datetime(2026, 11, 22, 21, tzinfo=UTC), "Мы открыты до полуночи.", "We are open until midnight."),
        (datetime(2026, 11, 22, 23, tzinfo=UTC), "Мы открыты до двух часов.", "We are open until two o'clock."),
        (datetime(2026, 11, 29, 21, tzinfo=UTC), "Мы сейчас открыты.", "We are open now."),
        (None, "Мы сейчас открыты.", "We are open now."),
    ],
)
def test_until_when_it_is_open(until: datetime | None, russian: str, english: str) -> None:
    opened = Opening(is_open=True, until=until, opens_at=None, reason=Because.HOURS)
    assert (said(opened, NOW, MOSCOW, "ru"), said(opened, NOW, MOSCOW, "en")) == (russian, english)


def test_a_shop_that_does_not_open_says_only_that_it_is_closed() -> None:
    closed = Opening(is_open=False, until=None, opens_at=None, reason=Because.EXCEPTION)
    assert said(closed, NOW, MOSCOW, "ru") == "Мы сейчас закрыты."
    assert said(closed, NOW, MOSCOW, "en") == "We are closed now."


def test_every_minute_of_a_day_is_said_in_its_case() -> None:
    """Feminine one: `одну минуту` at a time and `одной минуты` until a time, never `одна`."""
    for minute in range(24 * 60):
        value = time(minute // 60, minute % 60)
        assert "одна" not in at_clock(value, "ru")
        assert not any(word in until_clock(value, "ru").split() for word in ("одна", "одну", "два", "три", "час"))
