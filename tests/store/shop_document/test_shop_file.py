"""shop.toml: what is written reads back, secrets stay, every error is named with its line."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as some

from gateway.errors import SettingsError, StoreError
from gateway.store.shop_document.shop_file import (
    MASK,
    plain,
    read_shop,
    read_shop_with_notes,
    shop_of_plain,
    write_shop,
)
from gateway.telephony.recording_policy import Notice, RecordCalls, RecordingPolicy
from gateway.telephony.shop import (
    CourierSettings,
    LineSettings,
    NumberRules,
    PbxSettings,
    PhoneSettings,
    Shop,
    TrunkSettings,
)
from tests.faults import rounds

WHOLE = """\
[shop]
name = "Лавка"
language = "ru"
time_zone = "Asia/Yekaterinburg"
currency = "RUB"
[[lines]]
name = "red"
modem = "m0"
number = "8 916 000-00-01"
rings = ["101"]
pin_file = "pins/red"
operator = "MegaFon"
contract = "42"
holder = "Иванов"
minutes_per_day = 30
[[lines]]
name = "blue"
iccid = "8970100000000000001"
[[phones]]
extension = "101"
name = "Front desk"
password = "front-desk-password"
[[phones]]
extension = "102"
[[couriers]]
extension = "2001"
name = "Courier"
mobile = "89161234567"
lines = ["red"]
pin = "482913"
pbx_password = "courier-at-pbx"
[[trunks]]
name = "provider"
host = "sip.example.net"
user = "shop"
password = "trunk-password"
number = "+74951234567"
[pbx]
host = "pbx.example.lan"
[recording]
calls = "couriers"
notice = "beep"
keep_days = 30
[numbers]
country = "RU"
countries = ["BY"]
"""


def errors(text: str) -> list[str]:
    with pytest.raises(SettingsError) as error:
        read_shop(text)
    return [line.removeprefix("shop.toml:") for line in str(error.value).splitlines()]


def test_a_whole_file() -> None:
    shop = read_shop(WHOLE)
    generated = shop.phones[1].password
    assert len(generated) >= 16
    assert shop == Shop(
        name="Лавка",
        language="ru",
        time_zone="Asia/Yekaterinburg",
        lines=(
            LineSettings(
                name="red", modem="m0", number="+79160000001", rings=("101",), pin_file="pins/red",
                operator="MegaFon", contract="42", holder="Иванов", minutes_per_day=30,
            ),
            LineSettings(name="blue", iccid="8970100000000000001"),
        ),
        phones=(
            PhoneSettings(extension="101", name="Front desk", password="front-desk-password"),
            PhoneSettings(extension="102", password=generated),
        ),
        couriers=(
            CourierSettings(extension="2001", name="Courier", mobile="+79161234567", lines=("red",), pin="482913",
                            pbx_password="courier-at-pbx"),
        ),
        trunks=(
            TrunkSettings(name="provider", host="sip.example.net", user="shop", password="trunk-password",
                          number="+74951234567"),
        ),
        pbx=PbxSettings(host="pbx.example.lan"),
        recording=RecordingPolicy(calls=RecordCalls.COURIERS, notice=Notice.BEEP, keep_days=30),
        numbers=NumberRules(country="RU", countries=("BY",)),
    )  # fmt: skip


def test_secrets_are_masked_kept_generated_and_taken_away() -> None:
    shop = read_shop(WHOLE)
    masked = write_shop(shop)
    for secret in ("front-desk-password", "482913", "courier-at-pbx", "trunk-password", shop.phones[1].password):
        assert secret not in masked
        assert secret in write_shop(shop, with_secrets=True)
    assert masked.count(MASK) == 5
    assert read_shop(masked, shop) == shop
    left_out = "\n".join(line for line in masked.splitlines() if MASK not in line)
    assert read_shop(left_out, shop) == shop
    taken_away = read_shop(masked.replace(f'pin = "{MASK}"', 'pin = ""'), shop)
    assert taken_away.couriers[0].pin is None

    elsewhere = read_shop_with_notes(masked)
    assert elsewhere.generated == ("101", "102")
    assert elsewhere.shop.couriers[0].pin is None
    assert [note.split(" is masked")[0] for note in elsewhere.notes] == [
        'The pin of "2001"',
        'The pbx_password of "2001"',
        'The password of "provider"',
    ]
    assert len({read_shop("[[phones]]\nextension='101'").phones[0].password for _ in range(50)}) == 50


def test_an_empty_file_is_the_default_shop() -> None:
    assert read_shop("") == Shop()


def test_the_line_of_every_error() -> None:
    text = """\
[shop]
nam = "Shop"
language = "rus"
time_zone = "Europe/Moskow"
currency = "rub"
[[lines]]
name = "red"
number = "12"
rings = ["110"]
[[lines]]
name = "red"
imei = "12345"
minutes_per_day = 5000
[[phones]]
extension = 101
[[phones]]
extension = "101"
password = ""
[[phones]]
extension = "112"
[[phones]]
extension = "10x"
name = "evil\\r\\nname"
[[couriers]]
extension = "101"
mobile = "89161234567"
lines = ["rde"]
pin = "4829"
[[couriers]]
extension = "2002"
mobile = "+373 691 23 456"
pin = 123456
[[couriers]]
extension = "2003"
mobile = "+7916 123-45-67"
[[couriers]]
extension = "2004"
mobile = "nobody"
[[couriers]]
extension = "2005"
mobile = "103"
[[couriers]]
extension = "2006"
mobile = "+7 809 123 45 67"
[[trunks]]
name = "red"
host = "sip example"
password = "x"
[pbx]
host = ""
port = 70000
[recording]
calls = "everything"
keep_days = 0
"""
    assert errors(text) == [
        '2: "nam" is not a setting of [shop]; did you mean "name"?',
        '3: "language" of [shop] must be one of en, ru, not "rus". Did you mean "ru"?',
        '4: "time_zone" of [shop] must be one like "Europe/Moscow", not "Europe/Moskow". Did you mean "Europe/Moscow"?',
        '5: "currency" of [shop] must be a code of three letters like "RUB".',
        '6: The line "red" needs one of "modem", "imei" and "iccid".',
        '8: "number" of [[lines]] must be a phone number like "+79160000001", not "12".',
        '9: "110" in "rings" of [[lines]] is not the extension of a phone. Did you mean "10x"?'.replace("10x", "112"),
        '11: The name "red" is taken already, in line 7.',
        '12: "imei" of [[lines]] must be 15 digits, not "12345".',
        '13: "minutes_per_day" of [[lines]] must be from 0 to 1440, not 5000.',
        '15: "extension" of [[phones]] must be text in quotes, not a number.',
        '18: "password" of [[phones]] must not be empty.',
        "20: 112 is the emergency number and cannot be an extension.",
        '22: "extension" of [[phones]] must be 1 to 8 digits, not "10x".',
        '23: "name" of [[phones]] must not hold control characters.',
        '27: "rde" in "lines" of [[couriers]] is not the name of a line. Did you mean "red"?',
        '28: The pin of courier "101" must have 6 to 12 digits.',
        '31: The mobile "+373 691 23 456" of courier "2002" is in a country that [numbers] does not allow.',
        '32: "pin" of [[couriers]] must be text in quotes, not a number.',
        '35: The mobile "+79161234567" is taken already, in line 26.',
        '38: The mobile "nobody" of courier "2004" is not a phone number; write it like +79161234567.',
        '41: The mobile "103" of courier "2005" is an emergency number.',
        '44: The mobile "+7 809 123 45 67" of courier "2006" is a premium, satellite or other special number.',
        '46: The name "red" is taken already, in line 7.',
        '47: "host" of [[trunks]] must be a host name or address, not "sip example".',
        '48: The trunk "red" has a password but no "user".',
        '50: "host" of [pbx] must be a host name or address, not "".',
        '51: "port" of [pbx] must be from 1 to 65535, not 70000.',
        '53: "calls" of [recording] must be one of all, couriers, none, not "everything".',
        '54: "keep_days" of [recording] must be from 1 to 3650, not 0.',
    ]


def test_an_unknown_country_is_one_error_and_not_one_for_each_number() -> None:
    text = '[numbers]\ncountry = "ru"\ncountries = ["Kazakhstan"]\n[[couriers]]\nextension = "2001"\nmobile = "8916"\n'
    assert errors(text) == [
        '2: "country" of [numbers] must hold codes of two letters like "RU", not "ru". Did you mean "RU"?',
        '3: "countries" of [numbers] must hold codes of two letters like "RU", not "Kazakhstan".',
    ]


def test_a_courier_is_not_reached_by_calling_our_own_line() -> None:
    text = (
        '[[lines]]\nname = "red"\nmodem = "m0"\nnumber = "89160000001"\n'
        '[[couriers]]\nextension = "2001"\nmobile = "+79160000001"\n'
    )
    assert errors(text) == ["7: +79160000001 is the number of a line; a courier's mobile is another phone."]


@pytest.mark.parametrize("zone", ["", "Europe", "../../etc/passwd", "/etc/localtime", "Mars/Base", "x" * 300])
def test_what_is_no_time_zone(zone: str) -> None:
    (error,) = errors(f'[shop]\ntime_zone = "{zone}"')
    assert error.startswith('2: "time_zone" of [shop] must be one like')


def test_no_secret_is_in_an_error() -> None:
    text = (
        '[[phones]]\nextension = "101"\npassword = ["secret-one"]\n'
        '[[couriers]]\nextension = "2001"\nmobile = "89161234567"\npin = "secret-two"\n'
        '[[couriers]]\nextension = "2002"\nmobile = "89161234568"\npin = 90210111\n'
        '[[trunks]]\nname = "t"\nhost = "h"\nuser = "u"\npassword = "secret\\u0000three"\n'
    )
    told = "\n".join(errors(text))
    assert told.count("\n") == 3
    assert "secret" not in told.replace("secret\\u", "")
    assert "90210111" not in told
    assert "secret-one" not in repr(read_shop('[[phones]]\nextension = "101"\npassword = "secret-one"'))


@pytest.mark.parametrize("text", ["lines = 1", "lines = [1]", "shop = 1", "phones = {}", "pbx = []", "numbers = 'RU'"])
def test_tables_of_the_wrong_kind(text: str) -> None:
    assert len(errors(text)) == 1


def test_a_file_is_called_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "my shop.toml"
    file.write_text("[shop]\nnam = 1\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"my shop\.toml:2: "):
        read_shop(file)


def test_a_later_versions_document_is_read_and_a_broken_one_is_refused() -> None:
    document = plain(read_shop(WHOLE))
    later = document | {"schedules": [{"name": "x"}]}
    later["phones"] = [{**phone, "colour": "red"} for phone in later["phones"]]
    assert plain(shop_of_plain(later)) == document
    for broken in ({"lines": 7}, {"phones": [{"extension": "101"}]}, {"numbers": {"country": None}}):
        with pytest.raises(StoreError):
            shop_of_plain(document | broken)


_TEXT = some.text(some.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
_ANY_TEXT = some.text(some.characters(exclude_categories=["Cs"]), max_size=20)
_SECRET = some.text(some.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=20).filter(
    lambda text: bool(text.strip()) and text != MASK
)


@some.composite
def shops(draw: some.DrawFn) -> Shop:
    """Any shop that may exist."""
    names = draw(some.lists(_SECRET, unique=True, max_size=4))
    extensions = draw(some.lists(some.from_regex(r"[2-9][0-9]{1,5}", fullmatch=True), unique=True, max_size=6))
    phones = extensions[: len(extensions) // 2]
    mobiles = draw(some.lists(some.integers(0, 9_999_999), unique=True, min_size=6, max_size=6))
    return Shop(
        name=draw(_TEXT),
        language=draw(some.sampled_from(["en", "ru"])),
        time_zone=draw(some.sampled_from(["Europe/Moscow", "Australia/Lord_Howe", "UTC"])),
        lines=tuple(
            LineSettings(
                name=name, modem=f"m{index}", rings=tuple(draw(some.lists(some.sampled_from(phones), max_size=2)))
                if phones else (), operator=draw(some.none() | _TEXT), holder=draw(some.none() | _TEXT),
                minutes_per_day=draw(some.integers(0, 1440)),
            )
            for index, name in enumerate(names)
        ),
        phones=tuple(
            PhoneSettings(extension=extension, name=draw(_TEXT), password=draw(_SECRET)) for extension in phones
        ),
        couriers=tuple(
            CourierSettings(
                extension=extension, name=draw(_TEXT), mobile=f"+7916{mobiles[index]:07}",
                lines=tuple(draw(some.lists(some.sampled_from(names), max_size=2))) if names else (),
                pin=draw(some.none() | some.from_regex(r"[0-9]{6,12}", fullmatch=True)),
            )
            for index, extension in enumerate(extensions[len(extensions) // 2 :])
        ),
        trunks=tuple(
            TrunkSettings(name=f"trunk {name}", host="sip.example.net", user="u", password=draw(some.none() | _SECRET))
            for name in names
        ),
        pbx=draw(some.none() | some.just(PbxSettings(host="pbx.lan", port=5080))),
        recording=RecordingPolicy(calls=draw(some.sampled_from(RecordCalls)), keep_days=draw(some.integers(1, 3650))),
        numbers=NumberRules(countries=tuple(draw(some.lists(some.sampled_from(["BY", "KZ", "MD"]), max_size=2)))),
    )  # fmt: skip


@pytest.mark.timeout(rounds(120, 7200))
@settings(max_examples=rounds(40, 10_000), deadline=None)
@given(shops())
def test_what_is_written_reads_back(shop: Shop) -> None:
    assert read_shop(write_shop(shop, with_secrets=True)) == shop
    assert read_shop(write_shop(shop), shop) == shop
    assert shop_of_plain(plain(shop)) == shop


@pytest.mark.timeout(rounds(120, 7200))
@settings(max_examples=rounds(100, 100_000), deadline=None)
@given(_ANY_TEXT, _ANY_TEXT, _ANY_TEXT)
def test_no_text_adds_a_key(name: str, password: str, holder: str) -> None:
    """T-L4: whatever is in a text, the file has the keys of the shop and no others."""
    shop = Shop(
        name=name,
        lines=(LineSettings(name=name, modem=holder, holder=holder),),
        phones=(PhoneSettings(extension=name, name=holder, password=password),),
        couriers=(CourierSettings(extension=holder, mobile=password, lines=(name,)),),
    )
    document: dict[str, Any] = tomli.loads(write_shop(shop, with_secrets=True))
    assert document["shop"]["name"] == name
    assert document["phones"][0]["password"] == password
    assert document["lines"][0]["holder"] == holder
    assert set(document) <= {"shop", *(each.name for each in fields(Shop))}
    assert {key for table in document["lines"] for key in table} <= {each.name for each in fields(LineSettings)}
    assert len(document["phones"]) == len(document["couriers"]) == 1


def test_what_is_wrong_with_ways_to_providers_and_the_pbx() -> None:
    text = (
        '[[trunks]]\nname = "pbx 2001"\nhost = "h"\ntransport = "sctp"\n'
        '[[trunks]]\nname = "b"\nhost = "h"\nca_file = "provider.pem"\nminutes_per_day = 99999\npresents = "to"\n'
        '[[couriers]]\nextension = "2001"\nmobile = "+79161234567"\npbx_password = "x"\n'
    )
    with pytest.raises(SettingsError) as refusal:
        read_shop(text)
    said = str(refusal.value)
    for sentence in (
        '2: A name must not begin with "pbx ": the PBX takes those.',
        '4: "transport" of [[trunks]] must be one of',
        '8: "ca_file" of [[trunks]] must be a path that begins with /',
        '9: "minutes_per_day" of [[trunks]] must be from 0 to 28800',
        '10: "presents" of [[trunks]] must be one of',
        '14: The courier "2001" has a "pbx_password", but there is no [pbx]',
    ):
        assert sentence in said, said
