"""What a call costs: by the way it leaves and the number it goes to (B3). Money is counted in hundredths."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal

from gateway.telephony.shop import Shop, TariffSettings


def tariff_for(shop: Shop, way: str, number: str) -> TariffSettings | None:
    """The tariff of that provider, PBX account or line for a number (E.164): the longest prefix wins."""
    fitting = [each for each in shop.tariffs if each.way == way and number.startswith(each.prefix)]
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
