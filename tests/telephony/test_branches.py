"""Which branch receives a caller, by where the number is from and what is open (E1, E2)."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.telephony.branches import Branch, by_nearness, choose, distance_km, position_of
from gateway.telephony.region_places import CAPITALS
from gateway.telephony.russian_regions import BY_KEY, REGIONS
from gateway.telephony.schedule import Schedule
from gateway.telephony.shop import Shop

NINE_TO_SIX = ("09:00-18:00",)
WEEK = Schedule(
    monday=NINE_TO_SIX, tuesday=NINE_TO_SIX, wednesday=NINE_TO_SIX, thursday=NINE_TO_SIX, friday=NINE_TO_SIX
)
BRANCHES = Shop(
    branches=(
        Branch(name="Moscow", region="moscow", phones=("101",), schedule=WEEK),
        Branch(name="Sakhalin", region="sakhalin", phones=("201",), schedule=WEEK),
        Branch(name="Khabarovsk", place="48.48, 135.08", time_zone="Asia/Vladivostok", phones=("301",), schedule=WEEK),
        Branch(name="Kazan", region="tatarstan", phones=("401",), schedule=WEEK),
    )
).branches
THREE_IN_MOSCOW = datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
"""A Tuesday: ten in Khabarovsk, eleven on Sakhalin."""


@pytest.mark.parametrize(
    ("region", "utc_hour", "branch", "is_open"),
    [
        ("khabarovsk", 0, "Khabarovsk", True),
        ("sakhalin", 0, "Sakhalin", True),
        ("kamchatka", 0, "Sakhalin", True),
        ("moscow", 0, "Khabarovsk", True),  # Moscow and Kazan sleep; the next nearest is open
        ("moscow", 8, "Moscow", True),
        ("tatarstan", 8, "Kazan", True),
        ("khabarovsk", 8, "Kazan", True),  # six in the evening there: closed, and Sakhalin too
        ("khabarovsk", 20, "Sakhalin", False),  # all sleep: whoever opens first
        ("moscow", 20, "Sakhalin", False),
        (None, 8, "Moscow", True),
        (None, 0, "Sakhalin", True),
    ],
)
def test_the_nearest_that_is_open(region: str | None, utc_hour: int, branch: str, is_open: bool) -> None:
    home = BY_KEY[region] if region is not None else None
    choice = choose(BRANCHES, home, THREE_IN_MOSCOW.replace(hour=utc_hour))
    assert (choice.branch.name, choice.is_open) == (branch, is_open)


def test_those_that_are_nearer_are_told() -> None:
    choice = choose(BRANCHES, BY_KEY["moscow"], THREE_IN_MOSCOW)
    assert [each.name for each in choice.nearer] == ["Moscow", "Kazan"]


def test_each_branch_goes_by_its_own_clocks() -> None:
    zones = [branch.schedule.time_zone for branch in BRANCHES]
    assert zones == ["Europe/Moscow", "Asia/Sakhalin", "Asia/Vladivostok", "Europe/Moscow"]
    assert Shop(time_zone="Asia/Omsk", branches=(Branch(name="x"),)).branches[0].schedule.time_zone == "Asia/Omsk"


def test_a_branch_that_is_nowhere_is_the_last() -> None:
    nowhere = Branch(name="nowhere")
    assert by_nearness([nowhere, *BRANCHES], BY_KEY["khabarovsk"])[-1] is nowhere
    assert by_nearness([nowhere, *BRANCHES], None)[0] is nowhere


def test_every_region_has_a_place_and_none_is_far_from_its_clock() -> None:
    assert set(CAPITALS) == {region.key for region in REGIONS}
    for key, (north, east) in CAPITALS.items():
        offset = datetime(2026, 1, 15, tzinfo=UTC).astimezone(zone_of(key)).utcoffset()
        assert offset is not None
        assert abs(east / 15 - offset.total_seconds() / 3600) < 2.6, key
        assert 41 < north < 70, key


def zone_of(key: str) -> ZoneInfo:
    """The clock of a region."""
    return ZoneInfo(BY_KEY[key].zone)


def test_distances_are_those_of_the_earth() -> None:
    assert distance_km(CAPITALS["moscow"], CAPITALS["petersburg"]) == pytest.approx(634, abs=5)
    assert distance_km(CAPITALS["moscow"], CAPITALS["khabarovsk"]) == pytest.approx(6140, abs=40)
    assert distance_km((0.0, 179.0), (0.0, -179.0)) == pytest.approx(222.4, abs=1)


@pytest.mark.parametrize("text", ["", "north", "1", "1, 2, 3", "91, 0", "0, 181", "nan, nan"])
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # float() says it in words of its own
        position_of(text)
