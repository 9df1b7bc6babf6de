"""How long callers waited equals a plain recount; and the time that a period is compared with."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.settings import Settings
from gateway.store.database import prepare
from gateway.store.days import stretches
from gateway.store.period_before import period_before
from gateway.store.reports import Reports
from gateway.store.statistics import Grouping, Period
from gateway.store.waits import Spread, answered_within, rows_within, spread, waits_of
from tests.fakes.call_log import LoggedCall, random_log, stored
from tests.store.test_days import keep_calls
from tests.store.test_statistics import LENGTH, PLACES, local_key


def _waited_ms(call: LoggedCall) -> int:
    return call.total_ms - call.talk_ms


def _answered(log: list[LoggedCall], period: Period) -> list[LoggedCall]:
    return [
        call for call in log
        if call.direction == "incoming" and call.answered_at is not None and call.ended_at is not None
        and period.since <= call.started_at < period.until
    ]  # fmt: skip


@pytest.mark.parametrize(("zone_name", "first"), PLACES)
def test_who_was_answered_in_time_equals_a_recount(zone_name: str, first: datetime, seed: int) -> None:
    shuffle, zone = random.Random(seed), ZoneInfo(zone_name)
    log = random_log(shuffle, first, LENGTH, 150)
    start = first + timedelta(minutes=shuffle.randrange(600))
    period = Period(since=start, until=start + timedelta(minutes=shuffle.randrange(60, 2000)), zone=zone)
    within = shuffle.randrange(1, 45)
    answered = _answered(log, period)
    quick = [call for call in answered if _waited_ms(call) <= within * 1000]
    keys: dict[Grouping, Callable[[LoggedCall], str | None]] = {
        Grouping.PHONE: lambda call: call.answered_by,
        Grouping.COURIER: lambda call: call.courier,
        Grouping.LINE: lambda call: call.line,
        **{each: local_key(each, zone) for each in (Grouping.DAY, Grouping.HOUR, Grouping.WEEK_HOUR)},
    }
    with stored(log) as connection:
        waits = [waits_of(connection, each) for each in stretches(period)]
    assert answered_within(waits, within) == len(quick)
    for grouping, key in keys.items():
        assert rows_within(waits, grouping, within) == Counter(name for call in quick if (name := key(call)))
    waited = sorted(map(_waited_ms, answered))
    for share, seconds in ((0.5, spread(waits).median_seconds), (0.9, spread(waits).p90_seconds)):
        assert seconds is not None
        assert sum(each <= round(seconds * 1000) for each in waited) >= share * len(waited)
        assert sum(each < round(seconds * 1000) for each in waited) < share * len(waited)


def test_nobody_answered_has_no_spread() -> None:
    assert spread([(), ()]) == Spread(None, None)
    assert answered_within([()], 10) == 0


def _moscow(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Moscow")).astimezone(UTC)


@pytest.mark.parametrize(
    ("since", "until", "since_before", "until_before"),
    [
        ("2026-03-10T00:00", "2026-03-10T14:30", "2026-03-09T00:00", "2026-03-09T14:30"),
        ("2026-03-04T00:00", "2026-03-10T14:30", "2026-02-25T00:00", "2026-03-03T14:30"),
        ("2026-03-09T00:00", "2026-03-11T00:00", "2026-03-07T00:00", "2026-03-09T00:00"),
        ("2026-03-10T22:00", "2026-03-11T03:00", "2026-03-08T22:00", "2026-03-09T03:00"),
        ("2026-03-10T00:00", "2026-03-10T00:00", "2026-03-09T00:00", "2026-03-09T00:00"),
    ],
)
def test_a_period_is_compared_with_as_many_days_before(
    since: str, until: str, since_before: str, until_before: str
) -> None:
    period = Period(since=_moscow(since), until=_moscow(until), zone=ZoneInfo("Europe/Moscow"))
    before = period_before(period)
    assert (before.since, before.until) == (_moscow(since_before), _moscow(until_before))


def test_the_period_before_keeps_to_the_shops_clock_where_it_changes() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    since = datetime(2026, 3, 29, tzinfo=berlin).astimezone(UTC)  # the day of 23 hours
    before = period_before(Period(since=since, until=since + timedelta(hours=23), zone=berlin))
    assert before.until - before.since == timedelta(hours=24)
    assert before.until == since
    monday = datetime(2026, 10, 26, tzinfo=berlin).astimezone(UTC)  # after the day of 25 hours
    before = period_before(Period(since=monday, until=monday + timedelta(hours=24), zone=berlin))
    assert before.until - before.since == timedelta(hours=25)


def test_the_statistics_say_what_the_period_before_came_to(places: Settings, seed: int) -> None:
    """As the statistics of that time do themselves."""
    prepare(places)
    first = datetime(2026, 3, 2, 21, tzinfo=UTC)  # midnight in Moscow
    keep_calls(places, random_log(random.Random(seed), first, timedelta(days=4), 120))
    now, middle = first + timedelta(days=3, hours=9), first + timedelta(days=2)
    with Reports(places, clock=lambda: now) as reports:
        found = reports.statistics(middle, first + timedelta(days=4), "phone", within_seconds=17, is_compared=True)
        before = found["before"]
        assert isinstance(before, dict)
        alone = reports.statistics(
            first, first + timedelta(days=1, hours=9), "phone", within_seconds=17, is_compared=False
        )
    assert alone["before"] is None
    assert (before["since"], before["until"]) == ("2026-03-02T21:00:00.000Z", "2026-03-04T06:00:00.000Z")
    assert {name: before[name] for name in ("total", "waits", "returns")} == {
        name: alone[name] for name in ("total", "waits", "returns")
    }
