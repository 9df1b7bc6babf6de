"""Parts of the shop by themselves: what is not named stays as it is, secrets least of all go out or get lost."""

from __future__ import annotations

import re

import pytest

from gateway.errors import SettingsError
from gateway.store.shop_document.shop_file import MASK, read_shop, write_shop
from gateway.store.shop_document.shop_parts import (
    general_of,
    parts_of,
    with_general,
    with_part,
    without_part,
)
from gateway.telephony.recording_policy import Notice, RecordCalls
from gateway.telephony.shop import FollowMe, Shop
from gateway.telephony.shop_kinds import KEY_OF, changeable
from tests.fakes.exchange_view import SHOP


def test_a_new_phone_gets_a_password_that_nobody_knows_and_keeps_it() -> None:
    shop = with_part(SHOP, "phones", "109", {"name": "Store"})
    phone = shop.phone("109")
    assert phone is not None
    assert (phone.name, len(phone.password)) == ("Store", 20)
    again = with_part(shop, "phones", "109", {"name": "Back door", "password": MASK}).phone("109")
    assert again is not None
    assert (again.name, again.password) == ("Back door", phone.password)
    other = with_part(shop, "phones", "109", {"password": None}).phone("109")
    assert other is not None
    assert other.password not in (phone.password, "")
    assert (shop.lines, shop.couriers, shop.phones[: len(SHOP.phones)]) == (SHOP.lines, SHOP.couriers, SHOP.phones)


def test_a_courier_comes_changes_and_goes() -> None:
    shop = with_part(SHOP, "couriers", "2009", {"name": "Oleg", "mobile": "89161112233", "pin": "739184"})
    courier = shop.courier("2009")
    assert courier is not None
    assert (courier.mobile, courier.pin) == ("+79161112233", "739184")
    shop = with_part(shop, "couriers", "2009", {"confirms": True, "pin": MASK, "follow": "mobile"})
    changed = shop.courier("2009")
    assert changed is not None
    assert (changed.pin, changed.confirms, changed.follow) == ("739184", True, FollowMe.MOBILE)
    shop = with_part(shop, "couriers", "2009", {"pin": ""})
    assert shop.courier("2009") is not None
    assert shop.couriers[-1].pin is None
    assert without_part(shop, "couriers", "2009") == SHOP


def test_lists_show_everything_but_secrets() -> None:
    shop = with_part(SHOP, "trunks", "provider", {"host": "sip.example.org", "user": "u", "password": "hush-hush"})
    for kind, key in KEY_OF.items():
        for table in parts_of(shop, kind):
            assert set(table) == changeable(kind) | {key}
    (trunk,) = (each for each in parts_of(shop, "trunks") if each["name"] == "provider")
    assert trunk["password"] == MASK
    assert "hush-hush" not in repr(parts_of(shop, "trunks"))
    assert all(each["password"] == MASK for each in parts_of(shop, "phones"))


def test_a_providers_password_goes_to_the_host_that_it_was_entered_for() -> None:
    shop = with_part(SHOP, "trunks", "city", {"host": "sip.example.org:5070", "user": "u", "password": "hush-hush"})
    refusal = re.escape(
        'The password of "city" was entered for sip.example.org:5070: enter the one for sip.example.net'
    )
    for kept in ({}, {"password": MASK}):
        with pytest.raises(SettingsError, match=refusal):
            with_part(shop, "trunks", "city", {"host": "sip.example.net", **kept})
    with pytest.raises(SettingsError, match=refusal):
        read_shop(write_shop(shop).replace("sip.example.org", "sip.example.net"), shop)
    for changes, password in (
        ({"host": "SIP.example.org:5071"}, "hush-hush"),
        ({"host": "sip.example.net", "password": "other"}, "other"),
        ({"host": "sip.example.net", "user": None, "password": None}, None),
    ):
        assert with_part(shop, "trunks", "city", changes).trunks[-1].password == password


@pytest.mark.parametrize(
    ("kind", "key", "changes", "said"),
    [
        ("couriers", "2009", {"mobile": "12"}, "mobile"), ("couriers", "2009", {}, "mobile"),
        ("phones", "", {}, "extension"), ("phones", "109", {"minutes_per_day": "many"}, "minutes_per_day"),
        ("lines", "red", {"rings": ["999"]}, "999"), ("trunks", "p", {}, "host"),
    ],
)  # fmt: skip
def test_the_checks_of_the_shop_hold(kind: str, key: str, changes: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        with_part(SHOP, kind, key, changes)


def test_what_something_still_names_cannot_be_taken_away_and_what_is_not_there_neither() -> None:
    shop = with_part(with_part(SHOP, "phones", "109", {}), "lines", "red", {"rings": ["109"]})
    with pytest.raises(SettingsError, match="109"):
        without_part(shop, "phones", "109")
    with pytest.raises(LookupError):
        without_part(SHOP, "phones", "999")


def test_what_is_so_of_the_whole_shop() -> None:
    assert general_of(Shop()) == {
        "name": "Shop", "language": "en", "time_zone": "Europe/Moscow", "currency": "RUB", "country": "RU",
        "recorded_calls": "none", "recording_notice": "announce",
    }  # fmt: skip
    changed = with_general(
        SHOP,
        {
            "name": "Цветы",
            "language": "ru",
            "time_zone": "Asia/Omsk",
            "recorded_calls": "all",
            "recording_notice": "beep",
        },
    )
    assert (changed.name, changed.language, changed.time_zone) == ("Цветы", "ru", "Asia/Omsk")
    assert (changed.recording.calls, changed.recording.notice) == (RecordCalls.ALL, Notice.BEEP)
    assert (changed.phones, changed.lines, changed.trunks) == (SHOP.phones, SHOP.lines, SHOP.trunks)
    for wrong in ({"time_zone": "Asia/Nowhere"}, {"language": "xx"}, {"country": "Russia"}, {"recorded_calls": "some"}):
        with pytest.raises(SettingsError, match=r".+"):
            with_general(SHOP, wrong)
