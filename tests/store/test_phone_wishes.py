"""What phones want done with their calls: how it is written, checked, and kept across a restart."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from gateway.errors import SettingsError
from gateway.settings import Settings
from gateway.store.shop_document.shop_file import read_shop, write_shop
from gateway.store.store import open_store
from gateway.telephony.forwarding import Feature, PhoneChange
from tests.store.conftest import HandClock, small_shop

PHONE = '[[phones]]\nextension = "101"\npassword = "a-long-password"\n'
OTHERS = '[[phones]]\nextension = "102"\npassword = "x"\n[[couriers]]\nextension = "2001"\nmobile = "+79161234567"\n'


async def test_a_dialled_wish_survives_a_restart(places: Settings, clock: HandClock) -> None:
    always = PhoneChange(feature=Feature.FORWARD_ALWAYS, is_on=True, target="2001")
    quiet = PhoneChange(feature=Feature.DO_NOT_DISTURB, is_on=True)
    async with open_store(places, clock) as store:
        await store.save_shop(small_shop(), by="owner")
        extension = store.shop().phones[0].extension
        await asyncio.gather(store.change_phone(extension, always), store.change_phone(extension, quiet))
        await store.change_phone("999", quiet)
    async with open_store(places, clock) as store:
        phone = store.shop().phones[0]
        assert (phone.forward_always, phone.do_not_disturb) == ("2001", True)
        assert replace(phone, forward_always=None, do_not_disturb=False) == small_shop().phones[0]


async def test_codes_do_not_push_out_the_owners_versions(places: Settings, clock: HandClock) -> None:
    async with open_store(places, clock) as store:
        await store.save_shop(small_shop(), by="owner")
        extension = store.shop().phones[0].extension
        for number in range(24):
            quiet = PhoneChange(feature=Feature.DO_NOT_DISTURB, is_on=number % 2 == 0)
            await store.change_phone(extension, quiet)
    with closing(sqlite3.connect(places.database)) as connection:
        rows = connection.execute("SELECT saved_by FROM shop_versions ORDER BY number").fetchall()
        assert rows == [("owner",), (f"phone {extension}",)]
        assert connection.execute("SELECT count(*) FROM audit WHERE action = 'shop.saved'").fetchone() == (25,)


@pytest.mark.parametrize("target", ["102", "2001", "+74951230001", "84951230001"])
def test_where_calls_may_be_forwarded_to(target: str) -> None:
    shop = read_shop(f'{PHONE}forward_always = "{target}"\nmac = "805ec0a1b2c3"\nforward_after_seconds = 15\n{OTHERS}')
    assert shop.phones[0].forward_always == target
    assert read_shop(write_shop(shop, with_secrets=True)) == shop


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('forward_always = "101"', "cannot forward to itself"),
        ('forward_busy = "103"', "must be an extension or a number that may be called"),
        ('forward_no_answer = "+88213000000"', "must be an extension or a number that may be called"),
        ('forward_no_answer = "*21#"', "must be an extension or a number that may be called"),
        ("forward_after_seconds = 2", "must be from 5 to 55"),
        ('mac = "80:5E:C0:A1:B2:C3"', "12 digits"),
    ],
)
def test_what_cannot_be_wished(line: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=r"shop\.toml:4: ") as caught:
        read_shop(f"{PHONE}{line}\n{OTHERS}")
    assert sentence in str(caught.value)
