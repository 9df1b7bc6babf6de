"""Files and phone books of each make: what they hold, who may fetch them, and for how long."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from gateway.provisioning.desk import OPEN_SECONDS, Document, ProvisioningDesk
from gateway.telephony.contacts import ContactRules
from gateway.telephony.shop import CourierSettings, PhoneSettings, Shop, Srtp

PASSWORD = "s3cret<&>\"'word"
MAC = "805ec0a1b2c3"
BASE = "http://192.168.1.5:8080/provisioning/"
SHOP = Shop(
    language="ru",
    phones=(
        PhoneSettings(extension="101", name='Касса "A" & <b>', password=PASSWORD),
        PhoneSettings(extension="102", password="another-password"),
    ),
    couriers=(CourierSettings(extension="2001", name="Иван", mobile="+79161234567"),),
)
NAMES = {"yealink": f"{MAC}.cfg", "grandstream": f"cfg{MAC}.xml", "snom": f"{MAC}.xml", "linphone": "linphone.xml"}
BOOK_NAMES = ("yealink-book.xml", "snom-book.xml", "phonebook.xml")


class Room:
    """A desk with a clock and a shop that the test turns."""

    def __init__(self, shop: Shop = SHOP) -> None:
        self.shop = shop
        self.time = 0.0
        self.addresses = [("127.0.0.1", 5060), ("192.168.1.5", 5062), ("10.0.0.5", 5062)]
        self.contacts: list[tuple[str, str]] = []
        self.desk = ProvisioningDesk(
            lambda: self.shop, lambda: self.addresses, lambda: self.time, lambda: self.contacts
        )

    def token(self, extension: str = "101") -> str:
        opened = self.desk.open(extension)
        assert opened is not None
        return opened.token

    def fetch(self, name: str, token: str | None = None, base: str = BASE) -> Document:
        document = self.desk.fetch(token or self.token(), name, base)
        assert document is not None
        return document


def settings_of(make: str, text: str) -> dict[str, str]:
    """The values of a file, by their names, as the phone reads them."""
    if make == "yealink":
        assert text.startswith("#!version:1.0.0.1\n")
        return dict(line.split(" = ", 1) for line in text.splitlines()[1:])
    document = ET.fromstring(text.encode())  # noqa: S314  # our own document
    if make == "linphone":
        return {
            f"{section.get('name')}.{entry.get('name')}": entry.text or "" for section in document for entry in section
        }
    return {(element.tag): element.text or "" for element in document.iter()}


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (
            "yealink",
            {
                "account.1.user_name": "101",
                "account.1.password": PASSWORD,
                "account.1.sip_server.1.address": "192.168.1.5",
                "account.1.sip_server.1.port": "5062",
                "account.1.display_name": 'Касса "A" & <b>',
                "lang.gui": "Russian",
                "linekey.2.value": "102",
                "linekey.2.extension": "**102",
                "linekey.3.value": "2001",
                "linekey.3.label": "Иван",
            },
        ),
        (
            "grandstream",
            {"P35": "101", "P34": PASSWORD, "P47": "192.168.1.5:5062", "P3": 'Касса "A" & <b>', "P330": "1"},
        ),
        ("snom", {"user_name": "101", "user_pass": PASSWORD, "user_host": "192.168.1.5:5062", "user_srtp": "off"}),
        (
            "linphone",
            {
                "auth_info_0.username": "101",
                "auth_info_0.passwd": PASSWORD,
                "proxy_0.reg_proxy": "<sip:192.168.1.5:5062;transport=udp>",
                "proxy_0.reg_identity": '"Касса A & <b>" <sip:101@192.168.1.5>',
            },
        ),
    ],
)
def test_each_make_gets_its_account(make: str, expected: dict[str, str]) -> None:
    document = Room().fetch(NAMES[make])
    assert document.is_secret
    values = settings_of(make, document.text)
    assert {key: values.get(key) for key in expected} == expected


def test_lamps_of_a_snom_can_pick_up_phones_but_not_couriers() -> None:
    text = Room().fetch(NAMES["snom"]).text
    keys = [each.text for each in ET.fromstring(text.encode()).iter("fkey")]  # noqa: S314  # our own document
    assert keys == ["line", "blf <sip:102@192.168.1.5>|**", "blf <sip:2001@192.168.1.5>"]


@pytest.mark.parametrize(
    ("srtp", "values"),
    [(Srtp.OFF, ("0", "0", "off")), (Srtp.PREFERRED, ("1", "1", "optional")), (Srtp.REQUIRED, ("2", "2", "mandatory"))],
)
def test_sealed_media_is_set_as_the_shop_wants(srtp: Srtp, values: tuple[str, str, str]) -> None:
    room = Room(replace(SHOP, phones=(replace(SHOP.phones[0], srtp=srtp),)))
    assert settings_of("yealink", room.fetch(NAMES["yealink"]).text)["account.1.srtp_encryption"] == values[0]
    assert settings_of("grandstream", room.fetch(NAMES["grandstream"]).text)["P183"] == values[1]
    assert settings_of("snom", room.fetch(NAMES["snom"]).text)["user_savp"] == values[2]


def test_a_name_cannot_add_a_line_or_an_element() -> None:
    hostile = replace(SHOP.phones[0], name="x\naccount.1.password = mine\u2028</P3><P34>mine</P34>")
    room = Room(replace(SHOP, phones=(hostile,)))
    assert settings_of("yealink", room.fetch(NAMES["yealink"]).text)["account.1.password"] == PASSWORD
    assert settings_of("grandstream", room.fetch(NAMES["grandstream"]).text)["P34"] == PASSWORD


@pytest.mark.parametrize("name", ["000413a1b2c3.htm", "snomD385-000413A1B2C3.xml", MAC.upper() + ".CFG"])
def test_phones_spell_the_names_of_their_files_in_their_own_way(name: str) -> None:
    assert Room().fetch(name).is_secret


@pytest.mark.parametrize(
    "name",
    ["", "y000000000028.boot", "805ec0a1b2.cfg", "../shop.toml", f"{MAC}.cfg\n", "cfg.xml", f"{MAC}.cfg/x", "x" * 300],
)
def test_there_are_no_other_files(name: str) -> None:
    room = Room()
    assert room.desk.fetch(room.token(), name, BASE) is None


def test_a_word_opens_one_phone_for_an_hour() -> None:
    room = Room()
    first = room.token()
    assert room.fetch("linphone.xml", first).extension == "101"
    assert room.fetch("linphone.xml", room.token("102")).extension == "102"
    room.time = OPEN_SECONDS - 1
    assert room.fetch("linphone.xml", first).extension == "101"
    room.time = OPEN_SECONDS
    assert room.desk.fetch(first, "linphone.xml", BASE) is None


def test_a_new_word_ends_the_former_one_and_closing_ends_all() -> None:
    room = Room()
    first, second = room.token(), room.token()
    assert first != second
    assert room.desk.fetch(first, "linphone.xml", BASE) is None
    assert room.desk.close("101")
    assert not room.desk.close("101")
    assert room.desk.fetch(second, "linphone.xml", BASE) is None


def test_a_phone_that_is_gone_gets_nothing() -> None:
    room = Room()
    assert room.desk.open("999") is None
    token = room.token()
    room.shop = replace(SHOP, phones=SHOP.phones[1:])
    assert room.desk.fetch(token, "linphone.xml", BASE) is None


@pytest.mark.parametrize("token", ["", "x", "ы", "0" * 32])
def test_nobody_guesses_a_word(token: str) -> None:
    room = Room()
    room.token()
    for name in (*NAMES.values(), *BOOK_NAMES):
        assert room.desk.fetch(token, name, BASE) is None


def test_a_named_desk_phone_alone_is_given_the_file() -> None:
    room = Room(replace(SHOP, phones=(replace(SHOP.phones[0], mac=MAC),)))
    opened = room.desk.open("101")
    assert opened is not None
    assert opened.files == NAMES
    assert room.desk.fetch(opened.token, "000413a1b2c3.cfg", BASE) is None
    assert room.desk.fetch(opened.token, NAMES["yealink"], BASE) is not None
    assert room.desk.fetch(opened.token, "linphone.xml", BASE) is not None


@pytest.mark.parametrize(
    ("base", "server"),
    [
        ("http://192.168.1.5:8080/provisioning/", "192.168.1.5"),
        ("https://10.0.0.5/provisioning", "10.0.0.5"),
        ("http://simbridge.local:8080/provisioning/", "192.168.1.5"),
        ("http://127.0.0.1:8080/provisioning/", "127.0.0.1"),
    ],
)
def test_the_server_is_where_the_phone_has_found_us(base: str, server: str) -> None:
    values = settings_of("yealink", Room().fetch(NAMES["yealink"], base=base).text)
    assert values["account.1.sip_server.1.address"] == server


@pytest.mark.parametrize(
    "base", ["", "ftp://x/", "http://x\n/", "http://x/<b>/", "javascript:1", "http://user@x/", "http:///x/"]
)
def test_a_place_that_no_phone_could_know_is_refused(base: str) -> None:
    room = Room()
    with pytest.raises(ValueError, match="no place"):
        room.desk.fetch(room.token(), "linphone.xml", base)


def book_of(room: Room) -> tuple[str, str]:
    """Where the file of a Yealink says that the phone book lies: the word and the name."""
    url = settings_of("yealink", room.fetch(NAMES["yealink"]).text)["remote_phonebook.data.1.url"]
    match = re.fullmatch(re.escape(BASE) + r"([\w-]{32})/(yealink-book\.xml)", url)
    assert match is not None, url
    return match[1], match[2]


@pytest.mark.parametrize("name", BOOK_NAMES)
def test_the_phone_book_lists_everybody_and_no_secret(name: str) -> None:
    room = Room()
    word, _ = book_of(room)
    room.desk.close("101")
    room.time = 10 * OPEN_SECONDS
    document = room.fetch(name, word)
    texts = [each.text for each in ET.fromstring(document.text.encode()).iter()]  # noqa: S314  # our own document
    assert {"101", "102", "2001", "Иван", 'Касса "A" & <b>'} <= set(texts)
    assert not document.is_secret
    assert PASSWORD not in document.text
    assert "+7916" not in document.text


def test_the_word_of_the_phone_book_opens_no_configuration_and_ends_with_the_password() -> None:
    room = Room()
    word, name = book_of(room)
    assert room.desk.fetch(word, NAMES["yealink"], BASE) is None
    room.shop = replace(SHOP, phones=(replace(SHOP.phones[0], password="a-new-password"),))
    assert room.desk.fetch(word, name, BASE) is None


@pytest.mark.parametrize("name", BOOK_NAMES)
def test_contacts_stand_in_the_phone_book_where_the_owner_wants_them(name: str) -> None:
    room = Room()
    room.contacts = [("Мария & Ко", "+79031112233"), *((f"Contact {number}", str(number)) for number in range(2000))]
    word, _ = book_of(room)
    assert "+79031112233" not in room.fetch(name, word).text
    room.shop = replace(SHOP, contacts=ContactRules(phone_book=True))
    texts = [each.text for each in ET.fromstring(room.fetch(name, word).text.encode()).iter()]  # noqa: S314  # our own document
    assert {"Иван", "Мария & Ко", "+79031112233", "Contact 998"} <= set(texts)
    assert "Contact 999" not in texts, "no more than a phone can hold"
