"""B3: what a call costs."""

from __future__ import annotations

import pytest

from gateway.telephony.shop import Shop
from gateway.telephony.tariffs import TariffSettings, cost_of, tariff_for


@pytest.mark.parametrize(
    ("tariff", "seconds", "left", "cost"),
    [
        ({"per_minute": "1.50", "step_seconds": 60}, 90, 0, 300),
        ({"per_minute": "1.50", "step_seconds": 1}, 90, 0, 225),
        ({"per_minute": "1.50", "step_seconds": 60, "plan_minutes": 300}, 90, 300 * 60, 0),
        ({"per_minute": "1.50", "step_seconds": 60}, 90, 60, 150),
        ({"per_minute": "1.50", "step_seconds": 60, "free_seconds": 3}, 3, 0, 0),
        ({"per_minute": "1.50", "step_seconds": 60, "free_seconds": 3}, 4, 0, 150),
        ({"per_minute": "0.1", "step_seconds": 1}, 1, 0, 0),
        ({"per_minute": "0.3", "step_seconds": 1}, 1, 0, 1),
        ({}, 3600, 0, 0),
    ],
)
def test_the_cost_of_a_call(tariff: dict[str, object], seconds: int, left: int, cost: int) -> None:
    settings = TariffSettings(way="red", **tariff)  # type: ignore[arg-type]  # by the names of its fields
    assert cost_of(settings, seconds, plan_left_seconds=left) == cost


def test_the_longest_prefix_of_the_way_counts() -> None:
    tariffs = (
        TariffSettings(way="red", per_minute="3"),
        TariffSettings(way="red", prefix="+7916", per_minute="0"),
        TariffSettings(way="red", prefix="+7", per_minute="2"),
        TariffSettings(way="blue", prefix="+79161", per_minute="9"),
    )
    shop = Shop(tariffs=tariffs)
    assert tariff_for(shop.tariffs, "red", "+79161234567") is tariffs[1]
    assert tariff_for(shop.tariffs, "red", "+74951234567") is tariffs[2]
    assert tariff_for(shop.tariffs, "red", "112") is tariffs[0]
    assert tariff_for(shop.tariffs, "green", "+79161234567") is None
