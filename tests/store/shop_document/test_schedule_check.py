"""The table [schedule] of shop.toml: what is written reads back, and what is wrong is told with its line."""

from __future__ import annotations

import pytest

from gateway.errors import SettingsError
from gateway.store.shop_document.shop_file import plain, read_shop, shop_of_plain, write_shop
from gateway.telephony.schedule import Schedule, ScheduleException
from gateway.telephony.shop import Shop

WHOLE = """\
[shop]
time_zone = "Asia/Yekaterinburg"
[schedule]
monday = ["09:00-13:00", "14:00-18:00"]
friday = ["20:00-02:00"]
holidays = "RU"
holiday_hours = ["10:00-12:00"]
[[schedule.exceptions]]
day = "2026-12-31"
hours = ["09:00-15:00"]
name = "The last day"
[[schedule.exceptions]]
day = "2027-01-01"
until = "2027-01-10"
"""


def test_hours_are_read_in_the_zone_of_the_shop_and_written_again() -> None:
    shop = read_shop(WHOLE)
    expected = Schedule(
        monday=("09:00-13:00", "14:00-18:00"),
        friday=("20:00-02:00",),
        holidays="RU",
        holiday_hours=("10:00-12:00",),
        exceptions=(
            ScheduleException(day="2026-12-31", hours=("09:00-15:00",), name="The last day"),
            ScheduleException(day="2027-01-01", until="2027-01-10"),
        ),
    )
    assert shop.schedule == expected.in_zone("Asia/Yekaterinburg")
    assert read_shop(write_shop(shop)) == shop == shop_of_plain(plain(shop))
    assert "time_zone" not in plain(shop)["schedule"], "the zone is kept once, with the shop"
    assert read_shop("").schedule == Shop().schedule


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('monday = ["9-18"]', '2: "monday" of [schedule]: "9-18" must be hours like "09:00-18:00".'),
        ('monday = "09:00-18:00"', '2: "monday" of [schedule] must be a list'),
        ('sunday = ["09:00-13:00", "12:00-15:00"]', '2: "sunday" of [schedule]: hours of a day must not overlap.'),
        ('holidays = "XX"', '2: "holidays" of [schedule] must be a country'),
        ('holiday_hours = ["10:00-10:00"]', "begins and ends at the same time"),
        ('mondays = ["09:00-18:00"]', 'did you mean "monday"?'),
        ('time_zone = "Europe/Moscow"', '"time_zone" is not a setting of [schedule]'),
        ('[[schedule.exceptions]]\nday = "31.12.2026"', '3: "day" of [[schedule.exceptions]] must be a date like'),
        ('[[schedule.exceptions]]\nday = "20261231"', "must be a date like"),
        ('[[schedule.exceptions]]\nname = "no day"', '[[schedule.exceptions]] needs "day".'),
        ('[[schedule.exceptions]]\nday = "2026-12-31"\nuntil = "2026-12-30"', "must be that day or a later one"),
        ('[[schedule.exceptions]]\nday = "2026-12-31"\nhours = ["open"]', '4: "hours" of [[schedule.exceptions]]'),
        (f'[[schedule.exceptions]]\nday = "2026-12-31"\nname = "{"x" * 101}"', "over 100 characters"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(line: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_shop(f"[schedule]\n{line}\n")
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
