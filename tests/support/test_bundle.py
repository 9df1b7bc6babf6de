"""What is sent to who helps holds no secret and nobody's number or name."""

from __future__ import annotations

import json
import sqlite3
import tarfile
import time
from contextlib import closing
from pathlib import Path

import pytest

from gateway.settings import load_settings
from gateway.store.shop_document.shop_commands import import_shop
from gateway.support.bundle import write_bundle
from gateway.support.masks import Masks, personal_words

SECRETS = (
    "k3Zq9vTxw2LpR7ma",
    "482913",
    "Tr0nkP4ssw0rt",
    "a passphrase of ours",
    "4829",
    "HWDX-2XZ5-SGYY",
    "pBx-s3cret-9",
    "hooks.example/T0/b0/xYz",
    "crm.example/t0ml",
    "sh4red-with-the-crm",
    "crm.example/p4nel",
    "p4nel-crm-secret",
    "sh4red-of-the-hook",
    "77123:AAbbCC-of-the-bot",
    "m0squit0-of-the-house",
    "panel.example/p0st",
    "88456:of-the-panels-bot",
    "p4nel-mail-word",
    "p4nel-hook-secret",
    "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
)
PEOPLE = (
    *("Иван Петров", "Front desk of Maria", "Shop of Ivanova", "ООО Ромашка", "D-778/2026", "shop-account-77"),
    *("Olga", "Пекарня Сидоровой", "Клавдия Захаровна", "Семён Аркадьевич", "Зинаида"),
)
NUMBERS = ("79161234567", "79160000001", "74951234567", "356938035643809", "8970101234567890123", "805ec0a1b2c3")
SHOP = """
[shop]
name = "Shop of Ivanova"
language = "ru"
[[lines]]
name = "red"
imei = "356938035643809"
number = "+79160000001"
holder = "ООО Ромашка"
contract = "D-778/2026"
pin_file = "{pin}"
[[phones]]
extension = "101"
name = "Front desk of Maria"
password = "k3Zq9vTxw2LpR7ma"
mac = "805ec0a1b2c3"
[[couriers]]
extension = "2001"
name = "Иван Петров"
mobile = "+79161234567"
lines = ["red"]
pin = "482913"
pbx_password = "pBx-s3cret-9"
[[trunks]]
name = "provider"
host = "127.0.0.1"
user = "shop-account-77"
password = "Tr0nkP4ssw0rt"
number = "+74951234567"
[pbx]
host = "127.0.0.1"
"""
LOG = """2026-03-02T09:00:01+0000 pi simbridge[97]: Call from +7 916 123-45-67 to 8 (495) 123-45-67 by red: answered.
2026-03-02T09:00:02+0000 pi simbridge[97]: Иван Петров (2001, 79161234567) has entered 482913.
2026-03-02T09:00:03+0000 pi simbridge[97]: SIM 8970101234567890123 in 356938035643809; front desk of maria is away.
2026-03-02T09:00:04+0000 pi simbridge[97]: AT+CPIN="4829"; 07919761989901F0040B919761214365F7000062302090000021
2026-03-02T09:00:05+0000 pi simbridge[97]: REGISTER from 93.184.216.34 and from 192.168.1.20, mail to maria@example.org
2026-03-02T09:00:06+0000 pi simbridge[97]: The owner's setup code is HWDX-2XZ5-SGYY.
2026-03-02T09:00:07+0000 pi simbridge[97]: https://panel.example/p0st bot88456:of-the-panels-bot say no.
2026-03-02T09:00:07+0000 pi simbridge[97]: p4nel-mail-word and p4nel-hook-secret are of the panel.
2026-03-02T09:00:07+0000 pi simbridge[97]: https://hooks.example/T0/b0/xYz?a=1 and bot77123:AAbbCC-of-the-bot say no.
2026-03-02T09:00:08+0000 pi simbridge[97]: m0squit0-of-the-house is not what the broker wants.
2026-03-02T09:00:09+0000 pi simbridge[97]: Olga took a support bundle; пекарня сидоровой has called.
2026-03-02T09:00:10+0000 pi simbridge[97]: Клавдия Захаровна, Семён Аркадьевич, Зинаида, 2a00:1450:4001:81b::200e.
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "backup-passphrase").write_text("a passphrase of ours\n")
    (tmp_path / "secrets" / "red-pin").write_text("4829\n")
    (tmp_path / "hook").write_text("sh4red-of-the-hook\n")
    (tmp_path / "bot").write_text("77123:AAbbCC-of-the-bot\n")
    (tmp_path / "crm").write_text("sh4red-with-the-crm\n")
    (tmp_path / "mqtt").write_text("m0squit0-of-the-house\n")
    config = tmp_path / "gateway.toml"
    config.write_text(
        'data_dir = "data"\n# call 8-916-123-45-67 when it breaks\n[discovery]\nenabled = false\n'
        '[backup]\npassphrase_file = "secrets/backup-passphrase"\n'
        '[alerts]\nwebhook = "https://hooks.example/T0/b0/xYz"\nwebhook_secret_file = "hook"\nsms = ["+79160000001"]\n'
        'telegram_token_file = "bot"\ntelegram_chats = ["123456789"]\n'
        '[[webhooks]]\nname = "crm"\nurl = "https://crm.example/t0ml"\nsecret_file = "crm"\n'
        '[mqtt]\nhost = "broker.lan"\nuser = "shop"\npassword_file = "mqtt"\n'
    )
    settings = load_settings(config)
    settings.data_dir.mkdir()
    (settings.data_dir / "setup-code").write_text("HWDX-2XZ5-SGYY\n")
    shop = tmp_path / "shop.toml"
    shop.write_text(SHOP.format(pin=tmp_path / "secrets" / "red-pin"), encoding="utf-8")
    import_shop(settings, shop)
    with closing(sqlite3.connect(settings.database)) as database, database:
        database.execute("insert into users values ('u', 'g', 'Olga', 'olga', 'x', 'owner', '2026', null, null)")
        database.execute(
            "insert into contacts (id, gateway_id, name, sorted_by, tags, note, search, created_at, changed_at)"
            " values ('c', 'g', 'Пекарня Сидоровой', '', '[]', '', '', '2026', '2026')"
        )
        database.execute(
            "insert into orders (id, gateway_id, number, digits, phone, customer, stage, note, created_at, changed_at,"
            " expires_at, callback_required) values ('o', 'g', '7', '7', '', 'Клавдия Захаровна', 'new', '', '2026',"
            " '2026', '2026', 0)"
        )
        database.execute(
            "insert into call_backs values ('b', 'g', '', 'Семён Аркадьевич', '', '[]', '', '2026', '2026', '2026',"
            " '2026', 'waiting', 0, '', '')"
        )
        database.execute(
            "insert into site_visits values ('v', 'g', '', 'Зинаида', '', '2026', '2026', '', '', '', '', '{}', '')"
        )
        ways = {
            "telegram": {"token": "88456:of-the-panels-bot", "chats": ["5"]},
            "mail": {"password": "p4nel-mail-word"},
        }
        ways["webhook"] = {"url": "https://panel.example/p0st", "secret": "p4nel-hook-secret"}
        database.execute("insert into alert_ways (id, gateway_id, document) values ('w', 'g', ?)", (json.dumps(ways),))
        hook = {
            "name": "C",
            "url": "https://crm.example/p4nel",
            "secret": "p4nel-crm-secret",
            "events": ["sms.received"],
        }
        kept = "insert into event_hooks (id, gateway_id, document) values ('e', 'g', ?)"
        database.execute(kept, (json.dumps(hook),))
        database.execute(
            "insert into second_steps values ('s', 'g', 'u', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', '2026', 1, 0, null)"
        )
    return config


def texts_of(bundle: Path) -> dict[str, str]:
    with tarfile.open(bundle) as archive:
        found = {}
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            found[member.name.removeprefix("simbridge-support/")] = content.read().decode()
        return found


def test_nothing_secret_and_nobody_is_in_it(config: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.tar.gz"
    assert write_bundle(load_settings(config), config, bundle, log=lambda: LOG) == 6
    texts = texts_of(bundle)
    assert set(texts) == {"machine.json", "doctor.txt", "gateway.toml", "shop.toml", "calls.json", "log.txt"}
    whole = "\n".join(texts.values())
    only_digits = "".join(each for each in whole if each.isdigit())
    for planted in (*SECRETS, *PEOPLE, *NUMBERS):
        assert planted.casefold() not in whole.casefold(), planted
    for number in NUMBERS[:3]:
        assert number[1:] not in only_digits, "however it is spelled"
    for planted in ("93.184.216.34", "maria@example.org", "0B919761214365F7", "2a00:1450"):
        assert planted not in whole


def test_what_helps_is_in_it(config: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.tar.gz"
    write_bundle(load_settings(config), config, bundle, log=lambda: LOG)
    texts = texts_of(bundle)
    assert "2026-03-02T09:00:01+0000" in texts["log.txt"]
    assert "192.168.1.20" in texts["log.txt"]
    assert "by red: answered." in texts["log.txt"]
    assert "(2001," in texts["log.txt"], "an extension is nobody's number"
    assert 'host = "127.0.0.1"' in texts["shop.toml"]
    assert "owner-missing" in texts["doctor.txt"]
    assert '"python"' in texts["machine.json"]
    assert bundle.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("dial 112 or 2001", "dial 112 or 2001"),
        ("+79161234567", "<number xxxxxxxxx67>"),
        ("8 (916) 123-45-67.", "<number xxxxxxxxx67>."),
        ("2026-03-02 09:00:01,123 INFO", "2026-03-02 09:00:01,123 INFO"),
        ("from 10.0.0.7:5060 and 93.184.216.34", "from 10.0.0.7:5060 and <address>"),
        ("[2a00:1450:4001:81b::200e]:5060, fe80::1 and ::1", "[<address>]:5060, fe80::1 and ::1"),
        ("at 09:00:01, on 80:5E:c0:a1:b2:c3", "at 09:00:01, on <address>"),
        ("gateway::calls", "gateway::calls"),
    ],
)
def test_numbers_by_their_look(text: str, masked: str) -> None:
    assert Masks([]).masked(text) == masked


def test_the_longer_word_goes_first_and_case_is_no_help() -> None:
    masks = Masks([("Anna", False), ("Anna Maria", False), ("12", True)])
    assert masks.masked("ANNA MARIA, anna, 12") == "<personal>, <personal>, <secret>"


def test_names_are_whole_words_and_may_be_many() -> None:
    masks = Masks([], [*(f"Customer {number}" for number in range(20_000)), "Ann", "Ann Lee", "A", "+7"])
    began = time.process_time()
    masked = masks.masked("Ann Lee, ANN and Annual; customer 19999, customer 20001, A\n" * 500)
    assert masked == "<personal>, <personal> and Annual; <personal>, customer 20001, A\n" * 500
    assert time.process_time() - began < 10


def test_names_of_fields_are_no_names() -> None:
    document = {"order_source": {"phone": "phone"}, "phones": [{"extension": "101", "name": "Анна"}]}
    assert list(personal_words(document)) == [("Анна", False)]
    assert Masks(personal_words(document)).masked("the phone of Анна") == "the phone of <personal>"
