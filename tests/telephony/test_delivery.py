"""Days, hours and stages as shops' programs and people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from gateway.telephony.delivery import read_day, read_hours
from gateway.telephony.orders import Stage
from gateway.telephony.stage_words import StageWord, stage_of

NOW = datetime(2026, 11, 22, 21, 30, tzinfo=UTC)
"""Half past midnight of the 23rd in Moscow."""
MOSCOW = ZoneInfo("Europe/Moscow")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-25", date(2026, 11, 25)), ("25.11.2026", date(2026, 11, 25)), (" 1.2.2027 ", date(2027, 2, 1)),
        ("0", date(2026, 11, 23)), ("3", date(2026, 11, 26)), ("2026-11-25T14:00:00", date(2026, 11, 25)),
        ("2026-11-25T22:00:00Z", date(2026, 11, 26)), ("2026-11-25T22:00:00+03:00", date(2026, 11, 25)),
        ("1795644000", date(2026, 11, 26)),
    ],
)  # fmt: skip
def test_a_day(text: str, day: date) -> None:
    assert read_day(text, NOW, MOSCOW) == day


@pytest.mark.parametrize(
    "text", ["", "soon", "31.02.2026", "400", "99999999999999999999", "2026-13-01", "0001-01-01T00:00:00+14:00", "-1"]
)
def test_what_is_no_day(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whatever the sentence is, it goes no further than its caller
        read_day(text, NOW, MOSCOW)


@pytest.mark.parametrize(
    ("begins", "ends", "hours"),
    [
        ("14:00", "18:00", (time(14), time(18))), ("14", "18", (time(14), time(18))),
        ("14:00:00", "18:00:00", (time(14), time(18))), ("с 14:00 до 18:30", "", (time(14), time(18, 30))),
        ("14-18", "", (time(14), time(18))), ("9.30 - 12.00", "", (time(9, 30), time(12))),
        ("", "18", (None, time(18))),
        ("20:00", "24:00", (time(20), time())), ("20:00", "00:00", (time(20), time())), ("9", "", (time(9), None)),
        ("18:00", "14:00", (None, None)), ("", "", (None, None)),
    ],
)  # fmt: skip
def test_hours(begins: str, ends: str, hours: tuple[time | None, time | None]) -> None:
    assert read_hours(begins, ends) == hours


@pytest.mark.parametrize(("begins", "ends"), [("soon", ""), ("14:00", "later"), ("24:30", ""), ("99", "")])
def test_what_are_no_hours(begins: str, ends: str) -> None:
    with pytest.raises(ValueError, match="time of day"):
        read_hours(begins, ends)


def test_the_shop_s_own_words_go_before_those_that_everybody_knows() -> None:
    own = (StageWord(word="Отгружен со склада", stage=Stage.IN_TRANSIT), StageWord(word="new", stage=Stage.CONFIRMED))
    for word, stage in (
        ("отгружен  со СКЛАДА", Stage.IN_TRANSIT), ("new", Stage.CONFIRMED), (" Отменен ", Stage.CANCELLED),
        ("отменён", Stage.CANCELLED), ("with-courier", Stage.WITH_COURIER), ("eaten", None), ("", None),
    ):  # fmt: skip
        assert stage_of(word, own) is stage
    assert stage_of("new") is Stage.ACCEPTED
    assert all(stage_of(stage) is stage for stage in Stage)
