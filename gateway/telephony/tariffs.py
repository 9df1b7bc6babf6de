"""What a call costs: by the way it leaves and the number it goes to (B3). Money is counted in hundredths."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffSettings:
    """What calls by one way cost; of several that fit a number the longest prefix counts."""

    way: str
    """The name of a line or of a provider."""
    prefix: str = ""
    """What the numbers begin with, such as "+7916"; left out: any number."""
    per_minute: str = "0"
    """In the shop's currency, such as "1.50"."""
    step_seconds: int = 60
    """What is begun is paid whole."""
    free_seconds: int = 0
    """Calls that are no longer cost nothing."""
    plan_minutes: int = 0
    """So many minutes a month cost nothing."""


def tariff_for(tariffs: Iterable[TariffSettings], way: str, number: str) -> TariffSettings | None:
    """The tariff of that provider, PBX account or line for a number (E.164): the longest prefix wins."""
    fitting = [each for each in tariffs if each.way == way and number.startswith(each.prefix)]
    return max(fitting, key=lambda each: len(each.prefix), default=None)


def cost_of(tariff: TariffSettings, seconds: int, *, plan_left_seconds: int = 0) -> int:
    """What so many seconds of talk cost, in hundredths of the currency.

    Up to `free_seconds` nothing; what the plan still holds nothing; the rest is counted in whole steps.
    """
    if seconds <= tariff.free_seconds:
        return 0
    steps = math.ceil(max(0, seconds - plan_left_seconds) / tariff.step_seconds)
    cost = Decimal(tariff.per_minute) * steps * tariff.step_seconds * 100 / 60
    return int(cost.quantize(Decimal(1), rounding=ROUND_HALF_UP))
