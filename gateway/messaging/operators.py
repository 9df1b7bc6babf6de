"""How operators are asked for the balance, and how they say it.

The codes and phrasings are written from general knowledge: no page of an operator was looked up for them, and none
was tried on a live SIM. A line may have its own `balance_code` and `balance_pattern`, which come first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_AMOUNT = r"([-\u2212]?\s?[0-9][0-9 \u00a0]*(?:[.,][0-9]{1,2})?)"
_WORDS = r"баланс\w*|balance|balans|остаток|ostatok|на\s+сч[её]те|na\s+s[ch]+[eё]te|доступно|dostupno"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """`names` is found in the name that the network shows; `pattern` has the amount as its first group."""

    name: str
    names: str
    balance_code: str
    pattern: str = rf"(?:{_WORDS})[^0-9\n]{{0,24}}?{_AMOUNT}"


OPERATORS = (
    Operator(name="MTS", names=r"\bmts\b|мтс", balance_code="*100#"),
    Operator(name="Beeline", names=r"bee\s?line|билайн", balance_code="*102#"),
    Operator(name="MegaFon", names=r"megafon|мегафон", balance_code="*100#"),
    Operator(name="t2", names=r"tele\s?2|теле\s?2|\bt2\b|т2", balance_code="*105#"),
    Operator(name="Yota", names=r"yota|йота", balance_code="*100#"),
)

ANY_OPERATOR_PATTERN = rf"(?:{_WORDS})[^0-9\n]{{0,24}}?{_AMOUNT}|{_AMOUNT}\s*(?:руб|rub|р\b|r\b|₽)"
"""For operators that are not listed: an amount behind a word for balance, or in front of one for roubles."""


def operator_of(name: str | None) -> Operator | None:
    """The operator that a network or the owner names so; None for one that is not listed."""
    if name is None:
        return None
    return next((each for each in OPERATORS if re.search(each.names, name, re.IGNORECASE)), None)


def amount_in(text: str, pattern: str) -> float | None:
    """The amount where `pattern` finds it: `1 234,50` and `-12.3` are numbers too; None: it finds none."""
    match = re.search(pattern, text, re.IGNORECASE)
    if match is None:
        return None
    found = next((group for group in match.groups() if group), "")
    digits = re.sub(r"[\s\u00a0]", "", found).replace("\u2212", "-").replace(",", ".")
    try:
        return float(digits)
    except ValueError:
        return None
