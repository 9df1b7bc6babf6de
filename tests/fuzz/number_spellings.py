"""One verdict for every spelling of a number (T-F1): a short form in tests/telephony, 60,000 by `make fuzz`."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from gateway.telephony.numbers import BarredReason, Dialable, NumberPolicy, Verdict
from gateway.telephony.shop import NumberRules

_PREFIXES = (
    "79", "7495", "7800", "7809", "77", "7940", "7954", "44", "4470", "4487", "1201", "1900", "1876", "373", "375",
    "881", "882", "883", "870", "979", "380", "49", "995", "53", "252", "999", "7118", "7900",
)  # fmt: skip
_FOREIGN_DIGITS = {48 + value: 0x660 + value for value in range(10)}

SAME: tuple[Callable[[str], str], ...] = (
    lambda digits: "00" + digits,
    lambda digits: "%2B" + digits,
    lambda digits: "tel:+" + digits,
    lambda digits: "TEL:%2b" + digits,
    lambda digits: f"tel:{digits[1:]};phone-context=+{digits[0]}",
    lambda digits: f"tel:{digits[2:]};phone-context=+{digits[0]}-{digits[1]}",
    lambda digits: f"tel:+{digits};phone-context=+882",
    lambda digits: "+" + " ".join(re.findall(r"\d{1,3}", digits)),
    lambda digits: "+" + "-".join(digits),
    lambda digits: f"+({digits[:3]}) {digits[3:]}",
    lambda digits: "+" + "\u00a0".join(re.findall(r"\d{1,4}", digits)),
    lambda digits: f"  +{digits[:2]}.{digits[2:]} ",
)
"""Spellings of E.164 digits that mean the number itself."""

REFUSED: tuple[tuple[Callable[[str], str], BarredReason], ...] = (
    (lambda digits: f"+{digits}x", BarredReason.NOT_A_NUMBER),
    (lambda digits: f"+{digits};ext=1", BarredReason.NOT_A_NUMBER),
    (lambda digits: "+" + digits.translate(_FOREIGN_DIGITS), BarredReason.NOT_A_NUMBER),
    (lambda digits: f"+{digits},,1", BarredReason.NOT_A_NUMBER),
    (lambda digits: f"*31#+{digits}", BarredReason.SERVICE_CODE),
    (lambda digits: f"%2331%23{digits}", BarredReason.SERVICE_CODE),
)
"""Spellings that are refused whatever the number is."""

_HOMES = (("RU", "810"), ("US", "011"))
"""A country, and what is dialled there before the number of another one."""
SPELLINGS = len(SAME) + len(REFUSED) + 1


def disagreements(numbers: int, seed: int) -> list[str]:
    """Judge so many random numbers in all their spellings; what was judged otherwise than the number itself."""
    chance = random.Random(seed)
    homes = [
        (NumberPolicy(NumberRules(country=country, countries=("RU", "GB", "MD"))), abroad) for country, abroad in _HOMES
    ]
    found = []
    for place in range(numbers):
        prefix = chance.choice(_PREFIXES)
        digits = prefix + "".join(chance.choices("0123456789", k=chance.randint(6, 15) - min(len(prefix), 5)))
        policy, abroad = homes[place % len(homes)]
        found += _of_number(policy, digits[:15], abroad)
    return found


def _of_number(policy: NumberPolicy, digits: str, abroad: str) -> list[str]:
    verdict = policy.check("+" + digits)
    found = [text for spell in SAME if policy.check(text := spell(digits)) != verdict]
    found += [text for spell, reason in REFUSED if policy.check(text := spell(digits)) != Verdict(reason)]
    # Dialled as from a desk phone at home, a number that nobody has may be read as another one that nobody has.
    text = abroad + digits
    if _dialled(policy.check(text)) != _dialled(verdict):
        found.append(text)
    return found


def _dialled(verdict: Dialable | Verdict) -> str | None:
    return verdict.digits if isinstance(verdict, Dialable) else None
