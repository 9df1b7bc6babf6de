"""Every spelling of a number has its verdict; 60,000 and more by `make fuzz` (T-F1)."""

from __future__ import annotations

import random

from gateway.telephony.numbers import Dialable, NumberPolicy
from gateway.telephony.shop import NumberRules
from tests.fuzz.number_spellings import REFUSED, SAME, disagreements


def test_every_spelling_has_the_verdict_of_its_number() -> None:
    seed = random.getrandbits(32)
    assert disagreements(200, seed) == [], f"seed {seed}"


def test_the_spellings_are_what_they_are_meant_to_be() -> None:
    policy = NumberPolicy(NumberRules())
    real = policy.check("+79161234567")
    assert isinstance(real, Dialable)
    assert [policy.check(spell("79161234567")) for spell in SAME] == [real] * 12
    assert len({spell("79161234567") for spell in SAME}) == 12
    assert not any(isinstance(policy.check(spell("79161234567")), Dialable) for spell, _ in REFUSED)
