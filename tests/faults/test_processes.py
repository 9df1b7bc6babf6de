"""Two daemons at once (X-D1), and settings that somebody has spoilt (X-D6)."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.settings import load_settings
from gateway.store.shop_document.shop_file import read_shop, write_shop
from gateway.telephony.shop import Shop
from tests.faults import rounds

_TWO_AT_ONCE = """
import os, signal, sys, time
from pathlib import Path
from gateway.errors import AlreadyRunning
from gateway.store.database import held

data = Path(sys.argv[1])
for number in range(int(sys.argv[2])):
    said, saying = os.pipe()
    start, starting = os.pipe()
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            os.close(starting)
            os.read(start, 1)  # ends when the parent closes its side: for both in the same moment
            try:
                with held(data / str(number)):
                    os.write(saying, b"held;")
                    time.sleep(60)
            except AlreadyRunning as fault:
                os.write(saying, b"%d;" % fault.values["pid"])
            os._exit(0)
        children.append(child)
    os.close(saying)
    os.close(starting)
    words = b""
    while words.count(b";") < 2:
        words += os.read(said, 100)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    os.close(said)
    os.close(start)
    answers = sorted(words.split(b";")[:2])
    assert answers[1] == b"held" and int(answers[0]) in children, (number, words)
"""


def test_of_two_daemons_that_start_at_once_one_lives(tmp_path: Path) -> None:
    """The other one names the first one's process."""
    subprocess.run([sys.executable, "-c", _TWO_AT_ONCE, str(tmp_path), str(rounds(25, 100))], check=True)


_SHOP = """[shop]
name = "Shop"
language = "ru"
time_zone = "Europe/Moscow"
currency = "RUB"
[[lines]]
name = "red"
modem = "m0"
number = "+79160000001"
rings = ["101"]
[[phones]]
extension = "101"
name = "Front desk"
password = "k3Zq9vTxw2LpR7ma"
[[couriers]]
extension = "2001"
name = "Courier 2001"
mobile = "+79161234567"
lines = ["red"]
pin = "482913"
[recording]
calls = "all"
notice = "announce"
keep_days = 90
[numbers]
country = "RU"
"""

_GATEWAY = """data_dir = "data"
[sip]
bind = ["127.0.0.1"]
port = 5060
rtp_ports = [10000, 11999]
[api]
bind = "127.0.0.1:8090"
[web]
bind = "lan:8080"
[[modems]]
name = "m0"
at = "/dev/ttyUSB2"
voice = "/dev/ttyUSB1"
dialect = "huawei"
[backup]
keep = 14
"""


def spoilt(text: str, dice: random.Random) -> str:
    """One to three of: a sign changed, taken out, put in; a line taken out, doubled, moved."""
    for _ in range(dice.randint(1, 3)):
        lines = text.splitlines(keepends=True) or [""]
        place, line = dice.randrange(len(text) + 1), dice.randrange(len(lines))
        sign = dice.choice('="[]{}#\n\\\x00\x1b,.-+09azЯ\u202e\U0001f4de')
        match dice.randrange(6):
            case 0:
                text = text[:place] + sign + text[place + 1 :]
            case 1:
                text = text[:place] + text[place + 1 :]
            case 2:
                text = text[:place] + sign + text[place:]
            case 3:
                text = "".join(lines[:line] + lines[line + 1 :])
            case 4:
                text = "".join([*lines[:line], lines[line], *lines[line:]])
            case _:
                moved = lines.pop(line)
                lines.insert(dice.randrange(len(lines) + 1), moved)
                text = "".join(lines)
    return text


@pytest.fixture
def dice() -> random.Random:
    seed = random.randrange(10**6)
    print("seed", seed)
    return random.Random(seed)


def test_a_spoilt_shop_is_refused_whole_or_means_what_it_says(dice: random.Random) -> None:
    faults: list[str] = []
    for _ in range(rounds(100, 300)):
        text = spoilt(_SHOP, dice)
        try:
            shop = read_shop(text, Shop())
        except SettingsError as fault:
            faults.append(str(fault))
        else:
            assert read_shop(write_shop(shop, with_secrets=True), Shop()) == shop, text
    assert faults
    assert all(re.match(r"shop\.toml:[1-9][0-9]*: \S", fault) for fault in faults), "the owner is told where"


def test_a_spoilt_gateway_toml_is_refused_with_its_line(tmp_path: Path, dice: random.Random) -> None:
    config = tmp_path / "gateway.toml"
    faults: list[str] = []
    for _ in range(rounds(100, 300)):
        config.write_text(spoilt(_GATEWAY, dice), encoding="utf-8")
        try:
            load_settings(config)
        except SettingsError as fault:
            faults.append(str(fault))
    assert faults
    assert all(re.match(rf"{re.escape(str(config))}:[1-9][0-9]*: \S", fault) for fault in faults)
