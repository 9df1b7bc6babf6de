"""Why a paid call does not begin, each limit by itself and at its very edge."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.store.budget_limits import (
    Subject,
    day_refusal,
    minutes_of_a_day,
    night_refusal,
    own_mobile,
    room_refusal,
    way_of,
)
from gateway.telephony.night import NightLock
from gateway.telephony.shop import TrunkSettings
from tests.store.conftest import small_shop

CUSTOMER, MOBILE = "+79035550001", "+79161234567"
RED, DESK = Subject("line", "red"), Subject("extension", "101")
SHOP = replace(
    small_shop(minutes=3),
    trunks=(TrunkSettings(name="provider", host="sip.example.net", minutes_per_day=9),),
    night=NightLock(begins="23:00", ends="07:00", numbers=("+74951112233",)),
)
NIGHT, NOON = datetime(2026, 3, 2, 0, 0, tzinfo=UTC), datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("subject", "minutes"),
    [
        (RED, 3), (Subject("line", "provider"), 9), (Subject("line", "green"), 0), (Subject("line", "101"), 0),
        (DESK, 60), (Subject("extension", "102"), 2), (Subject("extension", "2001"), 60),
        (Subject("extension", "red"), None), (Subject("extension", "999"), None),
    ],
)  # fmt: skip
def test_whose_minutes_of_a_day(subject: Subject, minutes: int | None) -> None:
    assert minutes_of_a_day(SHOP, subject) == minutes


def test_ways_are_lines_and_providers() -> None:
    assert [way.name if way is not None else None for way in (way_of(SHOP, name) for name in ("red", "provider"))] == [
        "red",
        "provider",
    ]
    assert way_of(SHOP, "green") is None


@pytest.mark.parametrize(
    ("used", "spent"),
    [
        ({RED: 2, DESK: 59}, None), ({RED: 3, DESK: 0}, RED), ({RED: 4}, RED), ({RED: 0, DESK: 60}, DESK),
        ({RED: 3, DESK: 60}, RED),
    ],
)  # fmt: skip
def test_the_last_minute_of_a_day_is_given_and_none_after_it(used: dict[Subject, int], spent: Subject | None) -> None:
    refusal = day_refusal(SHOP, (RED, DESK), Counter(used), "2026-03-02")
    if spent is None:
        assert refusal is None
    else:
        assert refusal is not None
        limit = str(minutes_of_a_day(SHOP, spent))
        assert refusal.values == {"kind": spent.kind, "name": spent.name, "minutes": limit, "day": "2026-03-02"}


def test_an_extension_that_nobody_knows_has_no_limit_of_its_own() -> None:
    stranger = Subject("extension", "999")
    assert day_refusal(SHOP, (stranger,), Counter({stranger: 1_000_000}), "2026-03-02") is None


@pytest.mark.parametrize(
    ("extension", "number", "call_id", "running", "is_refused"),
    [
        ("2001", CUSTOMER, "c", {"a"}, False), ("2001", CUSTOMER, "c", {"a", "b"}, True),
        ("2001", CUSTOMER, "c", {"a", "b", "d"}, True), ("2001", CUSTOMER, "b", {"a", "b"}, False),
        ("2001", MOBILE, "c", {"a", "b"}, False), ("999", CUSTOMER, "c", {"a", "b"}, False),
        ("101", MOBILE, "c", {"a", "b"}, True),
    ],
)  # fmt: skip
def test_how_many_calls_run_at_once(
    extension: str, number: str, call_id: str, running: set[str], is_refused: bool
) -> None:
    """An own mobile is none of them, and another way of the same call no further one."""
    shop = replace(
        SHOP,
        phones=tuple(replace(phone, calls_at_once=2) for phone in SHOP.phones),
        couriers=tuple(replace(courier, calls_at_once=2) for courier in SHOP.couriers),
    )
    refusal = room_refusal(shop, extension, running, call_id=call_id, number=number)
    assert (refusal is not None) is is_refused
    if refusal is not None:
        assert refusal.values == {"extension": extension, "calls": "2"}


def test_only_couriers_have_a_mobile_of_their_own() -> None:
    assert [own_mobile(SHOP, each) for each in ("2001", "101", "999")] == [MOBILE, None, None]


@pytest.mark.parametrize(
    ("number", "now", "is_certain", "is_refused"),
    [
        (CUSTOMER, NIGHT, True, True), (CUSTOMER, NOON, True, False), (CUSTOMER, NOON, False, True),
        (MOBILE, NIGHT, True, False), ("+74951112233", NIGHT, True, False), ("+74951112233", NOON, False, False),
    ],
)  # fmt: skip
def test_whom_the_night_lets_pass(number: str, now: datetime, is_certain: bool, is_refused: bool) -> None:
    for extension, kind, name in (("101", "extension", "101"), (None, "line", "red")):
        refusal = night_refusal(SHOP, number, "red", extension, now, is_certain=is_certain)
        assert (refusal is not None) is is_refused
        if refusal is not None:
            assert refusal.values == {"kind": kind, "name": name, "begins": "23:00", "ends": "07:00"}
