"""[contacts] of shop.toml, and the mobiles of phones: taken, written back, each breach at its line."""

from __future__ import annotations

import pytest

from gateway.errors import SettingsError
from gateway.store.shop_document.shop_file import plain, read_shop, shop_of_plain, write_shop
from gateway.telephony.contacts import ContactRules

TEXT = """\
[[phones]]
extension = "101"
password = "a-long-password"
mobile = "8 916 123-45-67"
[contacts]
regular_tags = ["vip"]
regular_calls = 3
regular_days = 30
mobile_seconds = 15
colleagues = ["101"]
phone_book = true
"""


def test_what_the_owner_says_of_contacts_is_kept() -> None:
    shop = read_shop(TEXT)
    assert shop.phones[0].mobile == "+79161234567"
    assert shop.contacts == ContactRules(
        regular_tags=("vip",), regular_calls=3, regular_days=30, mobile_seconds=15, colleagues=("101",), phone_book=True
    )
    assert read_shop(write_shop(shop, with_secrets=True)) == shop
    assert shop_of_plain(plain(shop)) == shop
    assert read_shop("").contacts == ContactRules()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("calls = 3", "calls = 51"), '7: "regular_calls" of [contacts] must be from 0 to 50, not 51.'),
        (("days = 30", "days = 0"), '8: "regular_days" of [contacts] must be from 1 to 365, not 0.'),
        (("= 15", "= 4"), '9: "mobile_seconds" of [contacts] must be from 5 to 60, not 4.'),
        (('s = ["101"]', 's = ["2001"]'), '10: "2001" in "colleagues" of [contacts] is not the extension of a phone.'),
        (("8 916 123-45-67", "112"), '4: The mobile "112" of phone "101" is no number that may be called.'),
        (("8 916 123-45-67", "+88213000000"), "is no number that may be called."),
        (("phone_book", "phonebook"), '"phonebook"'),
    ],
)
def test_every_breach_is_named_at_its_line(change: tuple[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        read_shop(TEXT.replace(*change))
    assert said in str(refusal.value)
