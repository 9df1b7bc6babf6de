"""The dashboard's figures: today beside the days before by the shop's clock, and how long the disk lasts."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, update

from gateway.settings import Settings
from gateway.store.database import open_engine, prepare
from gateway.store.overview import today_and_before
from gateway.store.recording_room import RecordingRate, days_left, recording_rate
from gateway.store.reports import RATE_HOLDS, Reports
from gateway.store.schema import calls, recordings
from gateway.store.statistics import Period
from tests.fakes.call_log import random_log, stored
from tests.store.test_days import keep_calls

NOW = datetime(2026, 3, 10, 11, 30, tzinfo=UTC)
GB = 10**9


def test_today_and_the_seven_days_before_it_are_the_shops() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    noon = datetime(2026, 3, 30, 12, tzinfo=berlin).astimezone(UTC)  # the day after the clock went forward
    today, before = today_and_before(Period(since=noon, until=noon, zone=berlin))
    assert (today.since, today.until) == (datetime(2026, 3, 29, 22, tzinfo=UTC), noon)
    assert (before.since, before.until) == (datetime(2026, 3, 22, 23, tzinfo=UTC), today.since)


def test_it_says_of_these_days_what_the_statistics_say(places: Settings, seed: int) -> None:
    prepare(places)
    keep_calls(places, random_log(random.Random(seed), NOW - timedelta(days=9), timedelta(days=9), 200))
    with Reports(places, clock=lambda: NOW) as reports:
        found = reports.overview()
        told = found.wire()
        midnight = datetime(2026, 3, 9, 21, tzinfo=UTC)  # in Moscow
        for name, since, until in (
            ("today", midnight, NOW), ("days_before", midnight - timedelta(days=7), midnight)
        ):  # fmt: skip
            assert told[name] == reports.statistics(since, until, "day")["total"]
        waiting, _ = reports.missed()
        assert told["missed"] == {"count": len(waiting), "first_at": waiting[0]["first_at"] if waiting else None}
    assert found.today.figures.calls + found.days_before.figures.calls > 50


def test_what_recordings_take_is_of_those_that_are_there_and_their_rate_of_all(places: Settings) -> None:
    log = random_log(random.Random(3), NOW - timedelta(days=20), timedelta(days=20), 4)
    with stored(log) as connection:
        row = {"gateway_id": "g", "call_id": log[0].id, "path": "", "state": "finished", "kept": False}
        assert recording_rate(connection, NOW) == RecordingRate(kept_bytes=0, bytes_per_day=0)

        def record(name: str, age: timedelta, size: int | None, *, is_gone: bool = False) -> None:
            made = {"id": name, "started_at": NOW - age, "size_bytes": size, "deleted_at": NOW if is_gone else None}
            connection.execute(insert(recordings).values({**row, **made}))

        record("a", timedelta(hours=6), 600)
        assert recording_rate(connection, NOW).bytes_per_day == 600, "a day at least"
        record("b", timedelta(days=3), 900, is_gone=True)
        assert recording_rate(connection, NOW) == RecordingRate(kept_bytes=600, bytes_per_day=500)
        record("c", timedelta(days=20), 5_500)
        record("running", timedelta(minutes=1), None)
        assert recording_rate(connection, NOW) == RecordingRate(kept_bytes=6_100, bytes_per_day=round(1_500 / 7))


@pytest.mark.parametrize(
    ("kept", "per_day", "free", "left"),
    [
        (0, 0, 0, None),  # nothing is recorded
        (0, GB, 96 * GB, None),  # 90 days are 90 GB, and 91 may be used
        (0, GB, 85 * GB, 80.0),  # 5 GB of 100 stay free
        (89 * GB, GB, 6 * GB, None),  # nearly as many as ever: the oldest go for each new one
        (10 * GB, GB, 6 * GB, 1.0),
        (10 * GB, GB, 4 * GB, 0.0),  # it is full already
    ],
)
def test_days_left(kept: int, per_day: int, free: int, left: float | None) -> None:
    rate = RecordingRate(kept_bytes=kept, bytes_per_day=per_day)
    assert days_left(rate, free_bytes=free, total_bytes=100 * GB, keep_days=90) == left


def test_recordings_are_not_gone_through_each_time(places: Settings) -> None:
    prepare(places)
    keep_calls(places, random_log(random.Random(3), NOW - timedelta(days=1), timedelta(hours=2), 3))
    now = [NOW]
    engine = open_engine(places.database)
    with Reports(places, clock=lambda: now[0]) as reports:
        assert reports.overview().rate.kept_bytes == 0
        with engine.begin() as connection:
            call_id = connection.execute(calls.select()).first().id  # type: ignore[union-attr]  # there are three
            connection.execute(
                insert(recordings).values(
                    id="r", gateway_id="g", call_id=call_id, path="", state="finished", kept=False, started_at=NOW,
                    size_bytes=7,
                )
            )  # fmt: skip
            connection.execute(update(recordings).values(finished_at=NOW))
        assert reports.overview().rate.kept_bytes == 0
        now[0] += RATE_HOLDS
        assert reports.overview().rate.kept_bytes == 7
        now[0] -= timedelta(days=300)  # the clock was wrong
        assert reports.overview().rate.kept_bytes == 7
    engine.dispose()
