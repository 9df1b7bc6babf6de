"""The guard of toll-free numbers, as a function of the calls of late (E4, E6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from gateway.telephony.toll_free import TollFreeCall, TollFreeRules, TurnedAway, blocked_until, judge, spent

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 21, 21, tzinfo=UTC)
OPEN = TollFreeRules(
    caller_per_hour=0, prefix_per_minute=0, number_per_minute=0, number_at_once=0, short_calls=0, per_minute="3.50"
)
CALLER = "+79031112233"


def a_call(
    ago: float, *, talk: float | None = 60.0, rang: float = 10.0, caller: str = CALLER, way: str = "free",
    is_known: bool = False, over: bool = True,
) -> TollFreeCall:  # fmt: skip
    """A call that began `ago` seconds before NOW; `talk` None: not answered."""
    began = NOW - timedelta(seconds=ago)
    answered = None if talk is None else began + timedelta(seconds=rang)
    ended = (answered or began + timedelta(seconds=rang)) + timedelta(seconds=talk or 0)
    return TollFreeCall(
        id=f"{ago} {caller}", way=way, caller=caller, is_known=is_known, began_at=began, answered_at=answered,
        ended_at=ended if over else None,
    )  # fmt: skip


def verdict(calls: list[TollFreeCall], caller: str = "+79990000000", **rules: object) -> TurnedAway | None:
    limits = TollFreeRules(**{**_fields(OPEN), **rules})  # type: ignore[arg-type]  # names of its fields
    return judge(calls, limits, way="free", caller=caller, day_began=MIDNIGHT, now=NOW)


def _fields(rules: TollFreeRules) -> dict[str, object]:
    return {name: getattr(rules, name) for name in TollFreeRules.__dataclass_fields__}


@pytest.mark.parametrize(
    ("calls", "rings_too", "money"),
    [
        ([], False, "0"),
        ([a_call(600, talk=60)], False, "3.50"),
        ([a_call(600, talk=61)], False, "7.00"),
        ([a_call(600, talk=None, rang=30)], False, "0"),
        ([a_call(600, talk=None, rang=30)], True, "3.50"),
        ([a_call(600, talk=55, rang=10)], True, "7.00"),
        ([a_call(130, talk=1, over=False)], False, "7.00"),
        ([a_call(15 * 3600 + 1)], False, "0"),
        ([a_call(600, way="other"), a_call(600, is_known=True)], False, "3.50"),
    ],
)
def test_begun_minutes_of_this_day_and_number_are_paid(calls: list[TollFreeCall], rings_too: bool, money: str) -> None:
    rules = TollFreeRules(per_minute="3.50", bills_ringing=rings_too)
    assert spent(calls, rules, "free", MIDNIGHT, NOW) == Decimal(money)


def test_the_budget_stops_when_it_is_spent_and_not_before() -> None:
    calls = [a_call(600 + n) for n in range(28)]
    assert verdict(calls, daily_budget=99) is None
    assert verdict(calls, daily_budget=98) is TurnedAway.BUDGET
    assert verdict(calls, daily_budget=0) is None


def test_each_limit_counts_its_own() -> None:
    same = [a_call(50 - n) for n in range(5)]
    assert verdict(same, CALLER, caller_per_hour=5) is TurnedAway.CALLER
    assert verdict(same, CALLER, caller_per_hour=6) is None
    assert verdict(same, "+79990000000", caller_per_hour=5) is None
    assert verdict([a_call(3601)] * 5, CALLER, caller_per_hour=5) is None
    near = [a_call(30, caller=f"+7903111{n:04}") for n in range(5)]
    assert verdict(near, "+79031119999", prefix_per_minute=5) is TurnedAway.PREFIX
    assert verdict(near, "+79041119999", prefix_per_minute=5) is None
    assert verdict(near, "+79041119999", number_per_minute=5) is TurnedAway.NUMBER
    assert verdict([a_call(61, caller=call.caller) for call in near], number_per_minute=5) is None
    running = [a_call(300, over=False, caller=call.caller) for call in near]
    assert verdict(running, number_at_once=5) is TurnedAway.AT_ONCE
    assert verdict(running[1:], number_at_once=5) is None


def test_known_customers_count_for_money_only() -> None:
    calls = [a_call(30, is_known=True, over=False) for _ in range(20)]
    assert verdict(calls, CALLER, caller_per_hour=5, prefix_per_minute=5, number_per_minute=5, number_at_once=5) is None
    assert verdict(calls, CALLER, daily_budget=1) is TurnedAway.BUDGET


def test_short_calls_block_a_caller_until_the_block_expires() -> None:
    rules = {"short_calls": 3, "short_seconds": 5, "block_hours": 2}
    short = [a_call(3000 - 60 * n, talk=2) for n in range(3)]
    assert verdict(short, CALLER, **rules) is TurnedAway.BLOCKED
    assert verdict(short, "+79990000000", **rules) is None
    assert verdict(short[:2], CALLER, **rules) is None
    assert verdict([a_call(3000 - 60 * n, talk=6) for n in range(3)], CALLER, **rules) is None
    assert verdict([a_call(9000 - 60 * n, talk=2) for n in range(3)], CALLER, **rules) is None, "two hours are over"
    assert verdict([a_call(6000 - 2400 * n, talk=2) for n in range(3)], CALLER, **rules) is None, "over an hour apart"
    assert verdict([a_call(3000 - n, talk=None, rang=1) for n in range(3)], CALLER, **rules) is TurnedAway.BLOCKED
    ends = short[2].ended_at
    assert ends is not None
    assert blocked_until(short, TollFreeRules(short_calls=3, block_hours=2), CALLER) == ends + timedelta(hours=2)


def test_who_withholds_the_number_shares_only_the_limits_of_all() -> None:
    calls = [a_call(30, talk=1, caller="") for _ in range(8)]
    assert verdict(calls, "", caller_per_hour=5, prefix_per_minute=5, short_calls=3) is None
    assert verdict(calls, "", number_per_minute=8) is TurnedAway.NUMBER
