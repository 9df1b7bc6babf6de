"""The sums of a month: read once, counted in memory, and what they say of one more minute (T-F3)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, insert

from gateway.errors import MonthSpent, StoreError
from gateway.store.month import Bill, Months, MonthSums, minutes_left, month_refusal, open_bill
from gateway.store.schema import budget_minutes, reservations
from gateway.telephony.shop import LineSettings, Shop
from gateway.telephony.tariffs import TariffSettings
from tests.fakes.direct_store import memory_writer

RED = LineSettings(name="red", modem="m0")
TARIFF = TariffSettings(way="red", per_minute="1.50", plan_minutes=10)


def sums(minutes: int = 0, cost: int = 0) -> MonthSums:
    made = MonthSums()
    made.minutes["red"], made.cost["red"] = minutes, cost
    return made


async def test_a_month_that_begins_while_the_disk_is_away_begins_with_nothing() -> None:
    writer = memory_writer()
    months = Months(writer)
    writer.is_away = True
    with pytest.raises(StoreError):  # of the first month nothing is known
        await months.of("2026-03-31")
    writer.is_away = False
    await months.of("2026-03-31")
    months.add("2026-03-31", "red", minutes=5, cost=70)
    writer.is_away = True
    assert (await months.of("2026-04-01")).minutes["red"] == 0
    assert (await months.of("2026-03-01")).minutes["red"] == 5
    with pytest.raises(StoreError):  # one that is over must be read
        await months.of("2026-02-28")


async def test_two_months_are_kept_and_what_comes_for_a_third_is_left_out() -> None:
    months = Months(memory_writer())
    for month in ("2026-01", "2026-02", "2026-03"):
        await months.of(f"{month}-15")
    assert months.known("2026-01-15") is None
    months.add("2026-01-15", "red", minutes=3)
    months.add("2026-02-15", "red", minutes=-2, cost=-5)
    months.add("2026-03-15", "red", minutes=1, cost=9)
    known = [months.known(f"2026-{month}-01") for month in ("01", "02", "03")]
    assert [(each.minutes["red"], each.cost["red"]) for each in known if each is not None] == [(-2, -5), (1, 9)]
    assert known[2] is not None
    assert (await months.of("2026-03-31")) is known[2]
    months.add("2026-03-31", "red", minutes=1)
    months.add("2026-03-31", "red", cost=1)
    assert (known[2].minutes["red"], known[2].cost["red"]) == (2, 10), "each by itself"


@pytest.mark.parametrize(
    ("limits", "minutes", "cost", "more", "kind"),
    [
        ({}, 99_999, 99_999, 500, None),
        ({"minutes_per_month": 10}, 9, 0, 500, None),
        ({"minutes_per_month": 10}, 10, 0, 0, "minutes"),
        ({"minutes_per_month": 10}, 11, 0, 0, "minutes"),
        ({"money_per_month": 5}, 0, 350, 150, None),
        ({"money_per_month": 5}, 0, 350, 151, "money"),
        ({"money_per_month": 5}, 0, 600, 0, None),  # a minute that costs nothing is no money
        ({"money_per_month": 5}, 0, 0, 1, None),
        ({"minutes_per_month": 1, "money_per_month": 1}, 1, 100, 100, "minutes"),
    ],
)
def test_what_is_too_much_for_a_month(
    limits: dict[str, int], minutes: int, cost: int, more: int, kind: str | None
) -> None:
    way = replace(RED, **limits)  # type: ignore[arg-type]  # the names of the fields, by those who know them
    refusal = month_refusal(way, sums(minutes, cost), more, "2026-03-02")
    assert (None if refusal is None else refusal.values["kind"]) == kind
    if refusal is not None:
        assert isinstance(refusal, MonthSpent)
        assert (refusal.values["name"], refusal.values["month"]) == ("red", "2026-03")
        assert refusal.values["limit"] == str(limits[f"{kind}_per_month"])
        assert re.search(r"red for 2026-03[ ,]", str(refusal))


def test_a_way_that_nobody_knows_has_no_month() -> None:
    assert month_refusal(None, sums(), 100, "2026-03-02") is None
    assert minutes_left(None, sums()) is None


def test_minutes_that_are_left() -> None:
    assert minutes_left(RED, sums(5)) is None
    limited = replace(RED, minutes_per_month=10)
    assert [minutes_left(limited, sums(each)) for each in (0, 9, 10, 11)] == [10, 1, 0, 0]


def test_the_plan_pays_until_the_month_has_used_it_up() -> None:
    shop = Shop(lines=(RED,), tariffs=(TARIFF,))
    left = [open_bill(shop, "red", "+79035550001", sums(each)).plan_left_seconds for each in (0, 9, 10, 11)]
    assert left == [600, 60, 0, 0]
    assert open_bill(shop, "red", "+79035550001", sums(10)).for_seconds(61) == 300
    assert open_bill(shop, "red", "+79035550001", sums(9)).for_seconds(60) == 0


def test_without_a_tariff_nothing_is_known_to_cost() -> None:
    bill = open_bill(Shop(lines=(RED,)), "red", "+79035550001", sums())
    assert bill == Bill(tariff=None, plan_left_seconds=0)
    assert bill.cost == 0
    assert bill.for_seconds(600) == 0


async def test_a_month_is_read_from_its_first_day_to_its_last() -> None:
    writer = memory_writer()
    days = {"2026-02-28": 1, "2026-03-01": 2, "2026-03-15": 4, "2026-03-31": 8, "2026-04-01": 16}
    rows = [
        {"id": day, "gateway_id": "g", "reservation_id": day, "local_day": day, "line": "red", "extension": None,
         "minutes": minutes, "cost": 100 * minutes}
        for day, minutes in days.items()
    ]  # fmt: skip
    opened = [
        {"id": day, "gateway_id": "g", "call_id": day, "leg_id": day, "line": "red", "extension": None, "number": "",
         "opened_at": datetime(2026, 3, 2, tzinfo=UTC), "granted_seconds": 60}
        for day in days
    ]  # fmt: skip

    def write(connection: Connection) -> None:
        connection.execute(insert(reservations), opened)
        connection.execute(insert(budget_minutes), rows)

    await writer.write(write)
    march = await Months(writer).of("2026-03-09")
    assert (march.minutes["red"], march.cost["red"]) == (14, 1400)
