"""Where a number is from (E1)."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.telephony.number_place import NumberRange, Places
from gateway.telephony.russian_regions import BY_CODE, BY_KEY, REGIONS, region_named


@pytest.mark.parametrize(
    ("number", "country", "region", "zone"),
    [
        ("+74951234567", "RU", "moscow", "Europe/Moscow"),
        ("+74212123456", "RU", "khabarovsk", "Asia/Vladivostok"),
        ("+74242123456", "RU", "sakhalin", "Asia/Sakhalin"),
        ("+78121234567", "RU", "petersburg", "Europe/Moscow"),
        ("+79161234567", "RU", None, None),
        ("+78001234567", "RU", None, None),
        ("+77272501234", "KZ", None, None),
        ("+493012345678", "DE", None, "Europe/Berlin"),
        ("+12125551234", "US", None, "America/New_York"),
    ],
)
def test_without_the_registry_the_codes_of_fixed_networks_are_known(
    number: str, country: str, region: str | None, zone: str | None
) -> None:
    place = Places().of(number)
    assert place is not None
    assert (place.country, place.region and place.region.key) == (country, region)
    if country != "KZ":  # which had two zones until 2024
        assert place.time_zone == zone


@pytest.mark.parametrize("number", ["", "101", "anonymous", "+", "+7", "+99912345678", "+7495", "89161234567"])
def test_what_is_no_number_has_no_place(number: str) -> None:
    assert Places().of(number) is None


def test_ranges_go_before_codes_and_end_where_they_end() -> None:
    omsk, tomsk = BY_KEY["omsk"], BY_KEY["tomsk"]
    places = Places(
        [
            NumberRange(9130000000, 9131999999, omsk),
            NumberRange(9132000000, 9132000009, None),
            NumberRange(9133000000, 9133999999, tomsk),
            NumberRange(3812000000, 3812999999, tomsk),
        ]
    )
    found = {
        number: place.region and place.region.key
        for number in ("+79130000000", "+79131999999", "+79132000005", "+79132000010", "+79133000000", "+79140000000")
        if (place := places.of(number)) is not None
    }
    assert list(found.values()) == ["omsk", "omsk", None, None, "tomsk", None]
    assert places.of("+73812200000").region == tomsk  # type: ignore[union-attr]  # it is a number
    assert places.of("+73813200000").region is None  # type: ignore[union-attr]  # the registry has that code, without it
    assert places.of("+73832200000").region == BY_KEY["novosibirsk"]  # type: ignore[union-attr]  # it is a number


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("г. Москва и Московская область", "moscow"),
        ("г. Омск|Омская область", "omsk"),
        ("г. Томск|Томская область", "tomsk"),
        ("г. Ленинск-Кузнецкий|Кемеровская область - Кузбасс область", "kemerovo"),
        ("г. Кировск|Мурманская область", "murmansk"),
        ("г.о. город Новосибирск|Новосибирская обл.", "novosibirsk"),
        ("Республика Саха /Якутия/", "yakutia"),
        ("Ямало-Ненецкий АО", "yamal"),
        ("Ненецкий АО", "nenets"),
        ("Ханты-Мансийский Автономный округ - Югра АО", "yugra"),
        ("Коми-Пермяцкий округ|Пермский край", "perm"),
        ("Чувашская Республика - Чувашия", "chuvashia"),
        ("Республика Северная Осетия - Алания", "north-ossetia"),
        ("Сахалинская обл.", "sakhalin"),
        ("Российская Федерация", None),
        ("", None),
    ],
)
def test_regions_as_the_regulator_writes_them(written: str, key: str | None) -> None:
    found = region_named(written)
    assert (found.key if found is not None else None) == key


def test_the_table_of_regions_holds_together() -> None:
    assert len(BY_KEY) == len(REGIONS)
    assert sum(len(region.codes) for region in REGIONS) == len(BY_CODE)
    for region in REGIONS:
        found = region_named(region.russian)
        assert found is not None
        assert found.russian == region.russian
        assert datetime(2026, 11, 22, tzinfo=UTC).astimezone(ZoneInfo(region.zone)).utcoffset() is not None
