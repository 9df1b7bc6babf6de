"""The shop's PBX by itself: passwords go in and never out, and it takes them along when it goes."""

from __future__ import annotations

import re

import pytest

from gateway.errors import SettingsError
from gateway.settings import Settings
from gateway.store.shop_document.pbx_settings import pbx_of, with_pbx, without_pbx
from gateway.store.shop_document.shop_file import MASK, read_shop, write_shop
from gateway.store.store import open_store
from gateway.telephony.shop import PbxSettings, Shop, SipTransport
from tests.fakes.exchange_view import SHOP
from tests.store.conftest import HandClock, small_shop

SET = with_pbx(SHOP, {"host": "pbx.example.lan", "port": 5070, "transport": "tcp"}, {"2001": "hush-hush"})


def passwords(shop: Shop) -> dict[str, str | None]:
    return {each.extension: each.pbx_password for each in shop.couriers}


def test_it_is_set_with_the_passwords_of_couriers() -> None:
    assert SET.pbx == PbxSettings(host="pbx.example.lan", port=5070, transport=SipTransport.TCP)
    assert passwords(SET) == {"2001": "hush-hush", "2002": None}
    assert [account.name for account in SET.pbx_accounts] == ["pbx 2001"]
    assert pbx_of(SET) == {
        "pbx": {"host": "pbx.example.lan", "port": 5070, "transport": "tcp"},
        "couriers": [
            {"extension": "2001", "name": "Ivan", "has_password": True},
            {"extension": "2002", "name": "Пётр", "has_password": False},
        ],
    }
    assert pbx_of(SHOP)["pbx"] is None
    assert (SET.phones, SET.lines, SET.couriers[0].pin) == (SHOP.phones, SHOP.lines, SHOP.couriers[0].pin)


def test_what_is_not_named_stays_and_a_mask_is_no_password() -> None:
    moved = with_pbx(SET, {"host": "PBX.example.lan", "port": None}, {"2001": MASK, "2002": "other"})
    assert moved.pbx == PbxSettings(host="PBX.example.lan", transport=SipTransport.TCP)
    assert passwords(moved) == {"2001": "hush-hush", "2002": "other"}
    for nothing in (None, ""):
        assert passwords(with_pbx(moved, {}, {"2001": nothing})) == {"2001": None, "2002": "other"}
    assert read_shop(write_shop(moved), moved) == moved, "as a file with masks"


def test_a_password_goes_to_the_host_that_it_was_entered_for() -> None:
    refusal = re.escape('The password of "2001" was entered for pbx.example.lan: enter the one for')
    with pytest.raises(SettingsError, match=refusal):
        with_pbx(SET, {"host": "192.168.1.10"}, {"2001": MASK, "2002": "other"})
    moved = with_pbx(SET, {"host": "192.168.1.10"}, {"2001": "hush-hush", "2002": "other"})
    assert passwords(moved) == {"2001": "hush-hush", "2002": "other"}
    assert passwords(with_pbx(SET, {"host": "192.168.1.10"}, {"2001": None})) == {"2001": None, "2002": None}

    file = write_shop(SET)
    left_out = file.replace(f'pbx_password = "{MASK}"\n', "")
    for each in (file, left_out):
        with pytest.raises(SettingsError, match=refusal):
            read_shop(each.replace("pbx.example.lan", "pbx.example.org"), SET)
    assert passwords(read_shop(left_out.replace("5070", "5071"), SET)) == passwords(SET)
    for typed, kept in (("hush-hush", "hush-hush"), ("", None)):
        other = file.replace("pbx.example.lan", "pbx.example.org").replace(
            f'pbx_password = "{MASK}"', f'pbx_password = "{typed}"'
        )
        assert passwords(read_shop(other, SET)) == {"2001": kept, "2002": None}


def test_a_file_that_it_trusts_stays() -> None:
    trusting = read_shop(
        '[pbx]\nhost = "pbx.example.lan"\ntransport = "tls"\nca_file = "/etc/simbridge/pbx.pem"\n', SHOP
    )
    changed = with_pbx(trusting, {"port": 5061}, {})
    assert changed.pbx is not None
    assert (changed.pbx.port, changed.pbx.ca_file) == (5061, "/etc/simbridge/pbx.pem")


@pytest.mark.parametrize(
    ("changes", "given", "said"),
    [
        ({}, {}, r'\[pbx\] needs "host"'),
        ({"host": ""}, {}, r'\[pbx\] needs "host"'),
        ({"host": "two words"}, {}, '"host" of .pbx. must be a host name or address, not "two words"'),
        ({"host": "pbx.lan:5060"}, {}, "must be a host name or address"),
        ({"host": "pbx.lan", "port": 0}, {}, "must be from 1 to 65535, not 0"),
        ({"host": "pbx.lan", "port": "5060"}, {}, '"port" of .pbx. must be a whole number, not text'),
        ({"host": "pbx.lan", "transport": "pigeon"}, {}, "must be one of udp, tcp, tls, auto"),
        ({"host": "pbx.lan"}, {"2099": "x"}, 'no courier with the extension "2099"'),
        ({"host": "pbx.lan"}, {"101": "x"}, 'no courier with the extension "101"'),
        ({"host": "pbx.lan"}, {"2001": "a\x01b"}, "must not hold control characters"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, object], given: dict[str, str | None], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        with_pbx(SHOP, changes, given)


def test_it_takes_the_passwords_along() -> None:
    assert without_pbx(SET) == SHOP
    with pytest.raises(LookupError):
        without_pbx(SHOP)


async def test_taking_it_away_is_undone(places: Settings, clock: HandClock) -> None:
    async with open_store(places, clock) as store:
        await store.save_shop(small_shop(), by="anna")
        (courier, *_) = store.shop().couriers
        await store.change_pbx({"host": "pbx.example.lan"}, {courier.extension: "hush-hush"}, by="anna")
        with_it = store.shop()
        assert store.pbx()["couriers"][0]["has_password"]
        await store.remove_pbx(by="boris")
        assert store.shop() == small_shop()
        newest, before, _ = await store.versions()
        assert (newest.saved_by, newest.changed, before.changed) == ("boris", ("couriers", "pbx"), ("couriers", "pbx"))
        assert await store.restore_version(before.number, by="anna")
        assert store.shop() == with_it, "with the password"
        with pytest.raises(SettingsError):
            await store.change_pbx({"port": 0}, {}, by="anna")
        assert store.shop() == with_it
