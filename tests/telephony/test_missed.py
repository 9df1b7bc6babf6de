"""Missed customers: once each, whoever talks to them closes it, and nobody is lost, whatever the order of things."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from gateway.telephony.missed import (
    Closure,
    Ending,
    MissedCustomer,
    Talk,
    Try,
    is_customer,
    missed_customers,
    still_missed,
)
from gateway.telephony.shop import CourierSettings, LineSettings, Shop, TrunkSettings

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
IVAN, OLGA = "+79165554433", "+79165554434"


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def tried(number: str, minutes: float, name: str = "") -> Try:
    return Try(number=number, call_id=f"{number}-{minutes}", at=at(minutes), line="red", name=name)


def talked(number: str, minutes: float, by: str = "101") -> Talk:
    return Talk(number=number, at=at(minutes), call_id=f"talk-{number}-{minutes}", by=by)


def told(customers: list[MissedCustomer]) -> list[tuple[str, int, str | None]]:
    return [
        (each.number, len(each.tries), type(each.ended).__name__ if each.ended is not None else None)
        for each in customers
    ]


def test_four_tries_of_one_customer_are_one_entry() -> None:
    (ivan,) = missed_customers([tried(IVAN, minute, "Иван" if minute == 3 else "") for minute in (3, 1, 8, 2)], [])
    assert [each.at for each in ivan.tries] == [at(1), at(2), at(3), at(8)]
    assert (ivan.first_at, ivan.last_at, ivan.name, ivan.ended) == (at(1), at(8), "Иван", None)
    assert ivan.seconds_to_return is None


def test_a_talk_by_whatever_way_closes_it_and_says_how_long_it_took() -> None:
    (ivan,) = missed_customers([tried(IVAN, 0), tried(IVAN, 5)], [talked(IVAN, 15, by="102")])
    assert ivan.ended == talked(IVAN, 15, by="102")
    assert ivan.seconds_to_return == 900


def test_a_talk_with_somebody_else_or_before_the_try_closes_nothing() -> None:
    customers = missed_customers([tried(IVAN, 10)], [talked(OLGA, 20), talked(IVAN, 9)])
    assert told(customers) == [(IVAN, 1, None)]


def test_who_is_missed_again_is_listed_again() -> None:
    customers = missed_customers([tried(IVAN, 0), tried(IVAN, 30), tried(OLGA, 10)], [talked(IVAN, 20)])
    assert told(customers) == [(IVAN, 1, "Talk"), (OLGA, 1, None), (IVAN, 1, None)]
    assert told(still_missed(customers)) == [(OLGA, 1, None), (IVAN, 1, None)]


def test_a_person_may_close_it_with_a_reason_and_that_is_no_return() -> None:
    closure = Closure(number=IVAN, at=at(10), by="anna", reason="a salesman")
    (ivan,) = missed_customers([tried(IVAN, 0)], [closure, talked(IVAN, 60)])
    assert ivan.ended == closure
    assert ivan.seconds_to_return is None


def test_a_try_and_an_ending_of_the_same_moment_leave_nothing_open() -> None:
    assert told(missed_customers([tried(IVAN, 7)], [talked(IVAN, 7)])) == [(IVAN, 1, "Talk")]


SHOP = Shop(
    lines=(LineSettings(name="red", modem="m0", number="+79160000001"),),
    trunks=(TrunkSettings(name="provider", host="sip.example.net", number="+74951234567"),),
    couriers=(CourierSettings(extension="2001", mobile="+79161234567"),),
)


@pytest.mark.parametrize(
    ("number", "is_one"),
    [
        (IVAN, True), ("+4930123456", True), ("+79161234567", False), ("+79160000001", False), ("+74951234567", False),
        ("", True), ("12345678", True), ("MegaFon", True),
    ],
)  # fmt: skip
def test_who_may_be_a_customer(number: str, is_one: bool) -> None:
    assert is_customer(number, SHOP) is is_one


@pytest.mark.parametrize("shown", ["", "900", "MegaFon"])
def test_calls_that_show_no_number_each_wait_until_they_are_marked(shown: str) -> None:
    """Whoever talked to the same nothing since, nobody knows whether that was the one who had called."""
    tries = [Try(number=shown, call_id=f"c{minutes}", at=at(minutes)) for minutes in (1, 2, 3)]
    marked = Closure(number="", call_id="c2", at=at(5), by="anna", reason="heard")
    customers = missed_customers(tries, [talked(shown, 4), marked])
    assert [(each.tries[0].call_id, each.ended) for each in customers] == [("c1", None), ("c2", marked), ("c3", None)]
    assert {each.can_be_called for each in customers} == {False}


def test_random_days_lose_nobody_and_list_nobody_twice(seed: int) -> None:
    """Against the plain sentence: a number is open if it tried after the last time anything ended it."""
    shuffle = random.Random(seed)
    for _ in range(300):
        numbers = [f"+7916000000{digit}" for digit in range(shuffle.randint(1, 4))]
        minutes = shuffle.sample(range(200), shuffle.randint(0, 40))
        tries, endings = [], list[Ending]()
        for minute in minutes:
            number = shuffle.choice(numbers)
            match shuffle.choice(["try", "try", "talk", "close"]):
                case "try":
                    tries.append(tried(number, minute))
                case "talk":
                    endings.append(talked(number, minute))
                case _:
                    endings.append(Closure(number=number, at=at(minute), by="anna", reason="x"))
        customers = missed_customers(tries, endings)
        assert sorted(each.call_id for one in customers for each in one.tries) == sorted(t.call_id for t in tries)
        for number in numbers:
            last_ending = max((each.at for each in endings if each.number == number), default=at(-1))
            later = [each for each in tries if each.number == number and each.at > last_ending]
            still = [each for each in still_missed(customers) if each.number == number]
            assert len(still) == bool(later)
            assert {each.call_id for one in still for each in one.tries} == {each.call_id for each in later}
