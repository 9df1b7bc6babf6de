"""shop.toml: what it says of messages, balances and codes, and what is wrong with it, by line."""

from __future__ import annotations

import pytest

from gateway.errors import SettingsError
from gateway.store.shop_document.shop_file import read_shop, write_shop
from gateway.telephony.shop import UssdRules

WHOLE = """\
[[lines]]
name = "red"
modem = "m0"
texts = ["101", "2001"]
sms_per_minute = 3
sms_per_day = 20
balance_code = "*100#"
balance_pattern = "Balance: ([0-9.]+)"
low_balance = 50
[[phones]]
extension = "101"
password = "front-desk-password"
[[couriers]]
extension = "2001"
mobile = "+79161234567"
[ussd]
codes = ["*111#", "*111*2#"]
answers = ["1", "99"]
balance_hours = 12
"""


def test_it_comes_back() -> None:
    shop = read_shop(WHOLE)
    (line,) = shop.lines
    assert (line.texts, line.sms_per_minute, line.sms_per_day) == (("101", "2001"), 3, 20)
    assert (line.balance_code, line.balance_pattern, line.low_balance) == ("*100#", "Balance: ([0-9.]+)", 50)
    assert shop.ussd == UssdRules(codes=("*111#", "*111*2#"), answers=("1", "99"), balance_hours=12)
    assert read_shop(write_shop(shop, with_secrets=True)) == shop


def test_nobody_writes_and_no_code_is_sent_unless_the_owner_says_so() -> None:
    shop = read_shop('[[lines]]\nname = "red"\nmodem = "m0"\n')
    assert shop.lines[0].texts == ()
    assert (shop.ussd.codes, shop.ussd.answers) == ((), ())


@pytest.mark.parametrize(
    ("old", "new", "line", "hint"),
    [
        ('texts = ["101", "2001"]', 'texts = ["110"]', 4, '"110" in "texts"'),
        ("sms_per_minute = 3", "sms_per_minute = 0", 5, "from 1 to 60"),
        ("sms_per_day = 20", "sms_per_day = -1", 6, "from 0 to 10000"),
        ('balance_code = "*100#"', 'balance_code = "100"', 7, "balance_code"),
        ("Balance: ([0-9.]+)", "Balance: ([0-9", 8, "regular expression"),
        ("Balance: ([0-9.]+)", "Balance", 8, "regular expression"), ("= 50", "= -1", 9, "low_balance"),
        ('"*111#"', '"*111"', 17, "codes"), ('"*111#"', '"*111#;D900"', 17, "codes"), ('"99"', '"x"', 18, "answers"),
        ("= 12", "= 1000", 19, "balance_hours"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(old: str, new: str, line: int, hint: str) -> None:
    text = WHOLE.replace(old, new, 1)
    assert text != WHOLE
    with pytest.raises(SettingsError) as error:
        read_shop(text)
    (said,) = str(error.value).splitlines()
    assert said.startswith(f"shop.toml:{line}: ")
    assert hint in said
