"""A line's rules change by themselves: nothing else of the shop does, secrets least of all."""

from __future__ import annotations

import pytest

from gateway.errors import SettingsError
from gateway.store.shop_document.line_settings import rules_of, with_rules
from gateway.telephony.shop import LineSettings, Loudness
from tests.fakes.exchange_view import SHOP


def test_nothing_else_changes() -> None:
    changed = with_rules(SHOP, "red", {"to_mobile": "loud", "rings": [], "number": ""})
    assert changed.line("red") == LineSettings(name="red", modem="m0", to_mobile=Loudness.LOUD)
    assert (changed.line("blue"), changed.phones, changed.couriers) == (SHOP.line("blue"), SHOP.phones, SHOP.couriers)
    assert with_rules(changed, "red", rules_of(SHOP.lines[0])) == with_rules(SHOP, "red", {})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rings": ["999"]}, "999"), ({"roaming": "yes"}, "roaming"), ({"sms_per_day": -1}, "sms_per_day"),
        ({"to_mobile": "deafening"}, "to_mobile"), ({"number": "12"}, "number"),
    ],
)  # fmt: skip
def test_the_checks_of_the_shop_hold(changes: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        with_rules(SHOP, "red", changes)
    with pytest.raises(LookupError):
        with_rules(SHOP, "green", changes)
