"""Numbers that the policy has passed, for tests of what dials them."""

from __future__ import annotations

from gateway.telephony.numbers import Dialable, NumberPolicy
from gateway.telephony.shop import NumberRules


def dialable(text: str, country: str = "RU") -> Dialable:
    """The number as a modem may be given it; NumberBarred when the policy does not pass it."""
    return NumberPolicy(NumberRules(country=country)).require(text)
