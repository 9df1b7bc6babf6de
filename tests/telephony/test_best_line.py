"""Of several lines the best one carries the call: one test for each rule, and that no rule is passed over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gateway.telephony.best_line import LineStanding, best_line, same_operator
from gateway.telephony.ledger import LineMinutes
from gateway.telephony.line import LineState
from gateway.telephony.shop import CourierSettings, LineSettings, Shop
from tests.fakes.exchange import scene

PLAIN = LineStanding(name="red", operator="MTS", minutes_left=100, minutes_used=20, signal_dbm=-80)


def chosen(*lines: LineStanding, operator: str = "", is_emergency: bool = False) -> str | None:
    best = best_line(lines, operator=operator, is_emergency=is_emergency)
    return best.name if best is not None else None


def test_of_equals_the_first_and_of_none_none() -> None:
    assert chosen(PLAIN, replace(PLAIN, name="blue")) == "red"
    assert chosen() is None


@pytest.mark.parametrize(
    "better",
    [
        {"operator": "MegaFon"},
        {"minutes_left": None},
        {"minutes_left": 5},
        {"minutes_left": 1},
        {"signal_dbm": -85},
        {"signal_dbm": None},
        {"minutes_used": 2},
    ],
)
def test_each_rule_decides_where_those_before_it_are_equal(better: dict[str, object]) -> None:
    worse = {"operator": "MTS", "minutes_left": 0, "signal_dbm": -101, "minutes_used": 3}
    # What comes after the rule in question speaks for the other line, and must not be heard.
    names = tuple(worse)
    rule = names.index(next(iter(better)))
    equal = {name: getattr(PLAIN, name) for name in names[:rule]}
    after = {name: worse[name] for name in names[rule + 1 :]}
    good = replace(PLAIN, name="blue", **equal, **after, **better)  # type: ignore[arg-type]  # fields by their names
    bad = replace(PLAIN, **equal, **{names[rule]: worse[names[rule]]})  # type: ignore[arg-type]  # as above
    if names[rule] == "operator":
        assert chosen(bad, good, operator="megafon") == "blue"
    assert chosen(bad, good, operator="MegaFon") == "blue"


@pytest.mark.parametrize(
    ("name", "better", "worse"),
    [
        ("minutes_left", 30, 29), ("minutes_left", 5, 4), ("minutes_left", 1, 0), ("minutes_left", None, 29),
        ("signal_dbm", -85, -86), ("signal_dbm", -100, -101), ("signal_dbm", None, -101), ("signal_dbm", -85, None),
    ],
)  # fmt: skip
def test_where_one_step_ends_and_the_next_begins(name: str, better: int | None, worse: int | None) -> None:
    good = replace(PLAIN, name="blue", **{name: better})  # type: ignore[arg-type]  # a field by its name
    assert chosen(replace(PLAIN, **{name: worse}), good) == "blue"  # type: ignore[arg-type]  # as above


def test_small_differences_decide_nothing() -> None:
    other = replace(PLAIN, name="blue", minutes_left=31, signal_dbm=-60, minutes_used=10)
    assert chosen(PLAIN, other) == "blue", "both have plenty and hear well: the less used one"
    assert chosen(replace(PLAIN, signal_dbm=-86), replace(other, signal_dbm=-100, minutes_used=30)) == "red"


def test_an_emergency_passes_the_limits() -> None:
    near = replace(PLAIN, minutes_left=0)
    far = replace(PLAIN, name="blue", signal_dbm=-105)
    assert chosen(far, near) == "blue"
    assert chosen(far, near, is_emergency=True) == "red"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("MTS", "mts", True), ("MTS RUS", "MTS", True), ("Tele 2", "Tele2", True), ("Билайн", "билайн", True),
        ("MTS", "MegaFon", False), ("", "MTS", False), ("MTS", "", False), ("", "", False),
    ],
)  # fmt: skip
def test_names_of_operators(one: str, other: str, same: bool) -> None:
    assert same_operator(one, other) is same


SHOP = Shop(
    lines=(
        LineSettings(name="red", modem="m0", number="+79160000001"),
        LineSettings(name="blue", modem="m1", number="+79160000002", operator="MegaFon"),
        LineSettings(name="green", modem="m2", number="+79160000003"),
    ),
    couriers=(CourierSettings(extension="2001", mobile="+79261234567", operator="megafon"),),
)


async def test_a_line_is_judged_when_its_turn_comes() -> None:
    async with scene(SHOP) as s:
        s.lines["red"].signal_dbm = -110
        turns = s.exchange.free_lines((), besides=None)

        def following(lines: Iterator[object]) -> str | None:
            return getattr(next(lines, None), "name", None)

        assert following(turns) == "blue", "red is heard badly, and of the others blue is the first"
        s.lines["green"].state = LineState.BUSY
        assert following(turns) == "red"
        s.lines["green"].state = LineState.READY
        assert following(turns) == "green"
        assert following(turns) is None


async def test_the_couriers_own_operator_comes_first_and_the_least_used_next() -> None:
    async with scene(SHOP) as s:
        s.minutes = {"red": LineMinutes(used=40, left=80), "green": LineMinutes(used=1, left=119)}
        caller = s.call_to_line("green", "+79035550002")
        await s.after(0.1)
        caller.hangs_up()
        s.lines["green"].state = LineState.READY
        assert s.switchboard.call_back("2001", None) is None
        await s.after(0.1)
        (first,) = s.lines["blue"].legs
        first.hangs_up()
        s.lines["blue"].state = LineState.BUSY
        await s.after(0.1)
        assert s.switchboard.call_back("2001", None) is None
        await s.after(0.1)
        (second,) = s.lines["green"].legs
        second.hangs_up()
        await s.after(0.1)


async def test_a_name_that_stands_for_no_line_is_passed_over() -> None:
    async with scene(SHOP) as s:
        assert [line.name for line in s.exchange.free_lines(("gone", "red"), besides=None)] == ["red"]
        assert [line.name for line in s.exchange.free_lines(("red", "blue"), besides="red")] == ["blue"]
