"""Which order ties whom, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.telephony.orders import Life, Order, Stage, alive, order_of_courier, order_of_customer

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
GRACE = timedelta(hours=2)
CUSTOMER = "+79035550001"


def order(number: str, **values: object) -> Order:
    """An order that is open, unless told otherwise."""
    given: dict[str, object] = {
        "id": number, "number": number, "phone": CUSTOMER, "courier": "2001", "created_at": NOW, "changed_at": NOW,
        "expires_at": NOW + timedelta(days=1), **values,
    }  # fmt: skip
    return Order(**given)  # type: ignore[arg-type]  # the names of the fields, by those who know them


@pytest.mark.parametrize(
    ("values", "after", "life"),
    [
        ({}, timedelta(0), Life.OPEN),
        ({}, timedelta(days=1, seconds=-1), Life.OPEN),
        ({}, timedelta(days=1), Life.GRACE),
        ({}, timedelta(days=1) + GRACE, Life.CLOSED),
        ({"ended_at": NOW}, timedelta(0), Life.GRACE),
        ({"ended_at": NOW}, GRACE - timedelta(seconds=1), Life.GRACE),
        ({"ended_at": NOW}, GRACE, Life.CLOSED),
        ({"ended_at": NOW + timedelta(days=3)}, timedelta(days=1), Life.GRACE),
        ({"closed_at": NOW}, timedelta(0), Life.CLOSED),
    ],
)
def test_the_life_of_an_order(values: dict[str, object], after: timedelta, life: Life) -> None:
    assert order("1001", **values).life(NOW + after, GRACE) is life
    assert bool(alive([order("1001", **values)], NOW + after, GRACE)) is (life is not Life.CLOSED)


def test_of_several_orders_the_one_that_counts_wins() -> None:
    earlier = NOW - timedelta(hours=1)
    orders = [
        order("1", courier="2001", ended_at=NOW),
        order("2", courier="2002", changed_at=earlier),
        order("3", courier="2003", changed_at=NOW),
        order("4", courier="2004", changed_at=earlier, stage=Stage.WITH_COURIER),
        order("5", courier=None, changed_at=NOW, stage=Stage.WITH_COURIER),
    ]
    for expected in ("4", "3", "2", "1"):
        found = order_of_customer(alive(orders, NOW, GRACE), CUSTOMER)
        assert found is not None
        assert found.number == expected
        orders.remove(found)
    assert order_of_customer(alive(orders, NOW, GRACE), CUSTOMER) is None


def test_unknown_and_withheld_numbers_reach_nobody() -> None:
    living = alive([order("1001"), order("1002", phone="")], NOW, GRACE)
    assert order_of_customer(living, "+79035550002") is None
    assert order_of_customer(living, "") is None


def test_a_courier_reaches_the_own_customers_only() -> None:
    orders = [order("A-1001"), order("B-1001", changed_at=NOW + timedelta(minutes=1)), order("77", courier="2002")]
    living = alive(orders, NOW, GRACE)
    found = order_of_courier(living, "2001", "1001")
    assert found is not None
    assert found.number == "B-1001", "of two with the same digits the later one"
    assert order_of_courier(living, "2001", "77") is None
    assert order_of_courier(living, "2001", "") is None
