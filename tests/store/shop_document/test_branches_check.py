"""Branches in shop.toml: read, written, kept in the store's document, and what is wrong with them; callers' regions."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.store.caller_regions import CallerRegions
from gateway.store.number_ranges import save
from gateway.store.shop_document.shop_file import plain, read_shop, shop_of_plain, write_shop
from gateway.telephony.number_place import NumberRange
from gateway.telephony.russian_regions import BY_KEY
from gateway.telephony.shop import Shop

TEXT = """
[[phones]]
extension = "101"
password = "a-long-password"

[[branches]]
name = "Moscow"
address = "Tverskaya 1"
region = "moscow"
phones = ["101"]
[branches.schedule]
monday = ["09:00-18:00"]
holidays = "RU"
[[branches.schedule.exceptions]]
day = "2026-12-31"
hours = ["09:00-12:00"]

[[branches]]
name = "Sakhalin"
place = "46.96, 142.73"
time_zone = "Asia/Sakhalin"
phones = ["101"]
"""


def test_branches_travel_in_the_file_and_in_the_store() -> None:
    shop = read_shop(TEXT)
    moscow, sakhalin = shop.branches
    assert moscow.schedule.monday == ("09:00-18:00",)
    assert [exception.day for exception in moscow.schedule.exceptions] == ["2026-12-31"]
    assert (sakhalin.position, sakhalin.schedule.time_zone) == ((46.96, 142.73), "Asia/Sakhalin")
    assert read_shop(write_shop(shop, with_secrets=True)).branches == shop.branches
    assert shop_of_plain(plain(shop)) == shop


@pytest.mark.parametrize(
    ("old", "new", "line", "sentence"),
    [
        ('region = "moscow"', 'region = "moscov"', 9, 'Did you mean "moscow"?'),
        ('place = "46.96, 142.73"', 'place = "Sakhalin"', 20, "must be degrees north and east"),
        ('time_zone = "Asia/Sakhalin"', 'time_zone = "Sakhalin"', 21, 'must be a time zone like "Asia/Sakhalin"'),
        ('name = "Sakhalin"', 'name = "Moscow"', 19, 'more than one branch "Moscow"'),
        ('monday = ["09:00-18:00"]', 'monday = ["9-18"]', 12, "must be hours like"),
        ('time_zone = "Asia/Sakhalin"\nphones = ["101"]', 'time_zone = "Asia/Sakhalin"', 18, "has no phones"),
        ('time_zone = "Asia/Sakhalin"\nphones = ["101"]', 'phones = ["999"]', 21, "is not the extension of a phone"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(old: str, new: str, line: int, sentence: str) -> None:
    assert old in TEXT
    with pytest.raises(SettingsError) as raised:
        read_shop(TEXT.replace(old, new))
    assert sentence in str(raised.value)
    assert f"shop.toml:{line}:" in str(raised.value)


async def test_the_ranges_are_read_when_a_file_is_brought(tmp_path: Path) -> None:
    path = tmp_path / "number-ranges.csv"
    regions = CallerRegions(path, Shop)
    await regions.look()
    assert regions.region_of("+74212123456") is BY_KEY["khabarovsk"], "fixed networks are known without a file"
    assert regions.region_of("+79000000001") is None
    save(path, [NumberRange(9000000000, 9000009999, BY_KEY["krasnodar"])])
    await regions.look()
    assert regions.region_of("+79000000001") is BY_KEY["krasnodar"]
    path.write_text("no ranges", encoding="ascii")
    os.utime(path, ns=(1, 1))
    await regions.look()
    assert regions.region_of("+79000000001") is None
    assert regions.region_of("+74212123456") is BY_KEY["khabarovsk"]
