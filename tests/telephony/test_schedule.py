"""Hours: each instant has one verdict, and the next change is when a minute-by-minute recount finds it (X-T2, A3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.telephony.public_holidays import resting_days
from gateway.telephony.schedule import WEEKDAYS, Because, Schedule, ScheduleException, Span, hours_text, spans_of
from gateway.telephony.shop import Shop

MINUTE = timedelta(minutes=1)


def weekly(week: Sequence[tuple[str, ...]]) -> Schedule:
    """From Monday on."""
    return Schedule(**dict(zip(WEEKDAYS, week, strict=True)))  # type: ignore[arg-type]  # the names are those of the days


DAILY = weekly([("09:00-18:00",)] * 7)
SHOP = replace(
    weekly([("09:00-13:00", "14:00-18:00")] * 4 + [("20:00-02:00",), (), ()]),
    holidays="RU",
    holiday_hours=("10:00-12:00",),
    exceptions=(
        ScheduleException(day="2026-12-28", until="2027-01-10", name="Holidays"),
        ScheduleException(day="2026-12-31", hours=("09:00-15:00",), name="The last day"),
    ),
).in_zone("Europe/Moscow")


def moscow(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Moscow")).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "is_open", "until", "reason"),
    [
        ("2026-11-23 08:59", False, "2026-11-23 09:00", "hours"),
        ("2026-11-23 09:00", True, "2026-11-23 13:00", "hours"),
        ("2026-11-23 12:59:59", True, "2026-11-23 13:00", "hours"),
        ("2026-11-23 13:00", False, "2026-11-23 14:00", "hours"),
        ("2026-11-23 18:00", False, "2026-11-24 09:00", "hours"),
        ("2026-11-27 12:00", False, "2026-11-27 20:00", "hours"),
        ("2026-11-27 23:59", True, "2026-11-28 02:00", "hours"),
        ("2026-11-28 01:59", True, "2026-11-28 02:00", "hours"),
        ("2026-11-28 02:00", False, "2026-11-30 09:00", "hours"),
        ("2026-06-12 11:00", True, "2026-06-12 12:00", "holiday"),
        ("2026-06-12 21:00", False, "2026-06-15 09:00", "holiday"),
        ("2026-12-28 10:00", False, "2026-12-31 09:00", "exception"),
        ("2026-12-31 10:00", True, "2026-12-31 15:00", "exception"),
        ("2026-12-31 15:00", False, "2027-01-11 09:00", "exception"),
    ],
)
def test_a_week_with_exceptions_and_holidays(at: str, is_open: bool, until: str, reason: str) -> None:
    found = SHOP.state_at(moscow(at))
    assert (found.is_open, found.until, found.reason) == (is_open, moscow(until), Because(reason))
    assert found.opens_at == (None if is_open else moscow(until))


def test_hours_over_midnight_belong_to_the_day_they_begin_on() -> None:
    nights = Schedule(friday=("20:00-02:00",), exceptions=(ScheduleException(day="2026-11-28", name="Closed"),))
    found = nights.state_at(datetime(2026, 11, 28, 1, tzinfo=UTC))
    assert (found.is_open, found.reason) == (True, Because.HOURS)
    assert nights.state_at(datetime(2026, 11, 28, 2, tzinfo=UTC)).reason is Because.EXCEPTION


def test_a_shop_without_hours_is_open_always_and_closed_only_by_exceptions() -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert Schedule().state_at(now).is_open
    assert Schedule().state_at(now).until is None
    closed_once = Schedule(exceptions=(ScheduleException(day="2026-11-30"),))
    assert closed_once.state_at(now).until == datetime(2026, 11, 30, tzinfo=UTC)
    assert closed_once.state_at(now + timedelta(days=8)).opens_at == datetime(2026, 12, 1, tzinfo=UTC)


def test_what_opens_after_sixty_days_is_not_looked_for() -> None:
    closed = replace(DAILY, exceptions=(ScheduleException(day="2026-01-01", until="2026-12-31"),))
    found = closed.state_at(datetime(2026, 3, 1, tzinfo=UTC))
    assert (found.is_open, found.until, found.opens_at) == (False, None, None)
    assert closed.state_at(datetime(2026, 11, 15, tzinfo=UTC)).opens_at == datetime(2027, 1, 1, 9, tzinfo=UTC)


def test_of_several_exceptions_the_shortest_counts_and_of_equal_ones_the_last() -> None:
    schedule = Schedule(
        exceptions=(
            ScheduleException(day="2026-12-05", hours=("10:00-11:00",)),
            ScheduleException(day="2026-12-05", hours=("12:00-13:00",)),
            ScheduleException(day="2026-12-01", until="2026-12-31"),
        )
    )
    assert schedule.on(date(2026, 12, 5)).spans == (Span(720, 780),)
    assert schedule.on(date(2026, 12, 6)).spans == ()


def test_the_days_that_russia_has_moved() -> None:
    """Government decree 1335 of 4 October 2024: Saturday 1 November 2025 is worked for Monday the 3rd."""
    week = replace(weekly([("09:00-18:00",)] * 4 + [("09:00-17:00",), (), ()]), holidays="RU")
    assert week.on(date(2025, 11, 1)).spans == (Span(540, 1020),), "a Saturday that is worked is like a Friday"
    assert week.on(date(2025, 11, 3)).because is Because.HOLIDAY
    assert week.on(date(2025, 11, 8)).spans == ()
    assert week.on(date(2026, 5, 1), "ru").name == "Праздник Весны и Труда"
    assert resting_days("XX", 2026).off == {}


def test_hours_that_go_on_over_midnight_are_one_opening() -> None:
    whole = replace(weekly([("00:00-24:00",)] * 7), exceptions=(ScheduleException(day="2026-12-31"),))
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert whole.state_at(now).until == datetime(2026, 12, 31, tzinfo=UTC)
    assert whole.state_at(datetime(2026, 12, 31, 5, tzinfo=UTC)).opens_at == datetime(2027, 1, 1, tzinfo=UTC)
    two_shifts = weekly([("08:00-20:00", "20:00-08:00")] * 7)
    assert two_shifts.state_at(now) == Schedule().state_at(now), "open always"
    late = weekly([("18:00-02:00", "00:00-03:00")] * 7)
    assert late.state_at(now + timedelta(hours=7)).until == datetime(2026, 11, 23, 3, tzinfo=UTC)


def test_moments_may_be_told_in_any_zone() -> None:
    """The hour that is shown twice in Berlin: 02:30 is two moments, and both are asked for by the wall."""
    berlin = ZoneInfo("Europe/Berlin")
    schedule = weekly([("02:15-02:45",)] * 7).in_zone("Europe/Berlin")
    first, second = (datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=fold) for fold in (0, 1))
    assert schedule.state_at(first).until == datetime(2026, 10, 25, 0, 45, tzinfo=UTC)
    assert schedule.state_at(second).until == datetime(2026, 10, 25, 1, 45, tzinfo=UTC)


def test_an_instant_must_say_where_it_is() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Schedule().state_at(datetime(2026, 1, 1))  # noqa: DTZ001  # that is what is tried


@pytest.mark.parametrize(
    "text", ["9:00-18:00", "09:00-09:00", "24:00-01:00", "09:00", "", "09:60-10:00", "09:00–18:00"]
)
def test_what_are_no_hours(text: str) -> None:
    with pytest.raises(ValueError, match=r"09:00-18:00|same time"):
        spans_of((text,))


def test_hours_are_written_as_they_were_read() -> None:
    texts = ("00:00-24:00", "09:00-18:30", "20:00-02:00", "22:00-00:00")
    assert [hours_text(spans_of((text,))[0]) for text in texts] == [*texts[:3], "22:00-24:00"]


def test_the_zone_is_the_shops() -> None:
    shop = Shop(time_zone="Asia/Sakhalin", schedule=DAILY)
    assert shop.schedule.state_at(datetime(2026, 11, 22, 22, tzinfo=UTC)).is_open


# When clocks are changed: zone, what is asked in UTC, hours, whether it is open, and the next change.
NIGHT = ("01:30-02:30",)
CHANGES = [
    # Berlin, 25 October 2026: at 01:00 UTC 03:00 becomes 02:00, so 02:00 to 03:00 is shown twice.
    ("Europe/Berlin", "2026-10-25T00:15", ("02:15-02:45",), True, "2026-10-25T00:45"),
    ("Europe/Berlin", "2026-10-25T00:50", ("02:15-02:45",), False, "2026-10-25T01:15"),
    ("Europe/Berlin", "2026-10-25T01:15", ("02:15-02:45",), True, "2026-10-25T01:45"),
    ("Europe/Berlin", "2026-10-25T00:30", ("02:00-03:00",), True, "2026-10-25T02:00"),
    # 29 March 2026: at 01:00 UTC 02:00 becomes 03:00; from 02:15 to 02:45 is not there.
    ("Europe/Berlin", "2026-03-29T00:59", ("02:15-02:45",), False, "2026-03-30T00:15"),
    ("Europe/Berlin", "2026-03-29T00:59", ("02:15-04:00",), False, "2026-03-29T01:00"),
    ("Europe/Berlin", "2026-03-29T01:00", ("02:15-04:00",), True, "2026-03-29T02:00"),
    ("Europe/Berlin", "2026-03-29T00:30", ("01:15-02:30",), True, "2026-03-29T01:00"),
    # Lord Howe puts its clock back by half an hour: 5 April 2026, 15:00 UTC the day before, 02:00 becomes 01:30.
    ("Australia/Lord_Howe", "2026-04-04T14:30", NIGHT, True, "2026-04-04T16:00"),
    ("Australia/Lord_Howe", "2026-04-04T14:45", ("01:40-01:50",), True, "2026-04-04T14:50"),
    ("Australia/Lord_Howe", "2026-04-04T14:50", ("01:40-01:50",), False, "2026-04-04T15:10"),
    # And forward on 4 October 2026 at 15:30 UTC: 02:00 becomes 02:30.
    ("Australia/Lord_Howe", "2026-10-03T15:00", NIGHT, True, "2026-10-03T15:30"),
    # Cairo skips midnight itself: 24 April 2026, 00:00 becomes 01:00.
    ("Africa/Cairo", "2026-04-23T21:59", ("00:30-02:00",), False, "2026-04-23T22:00"),
    # Beirut is put back across midnight: 25 October 2026, at 21:00 UTC 00:00 becomes 23:00.
    ("Asia/Beirut", "2026-10-24T20:30", ("23:15-00:10",), True, "2026-10-24T21:00"),
    ("Europe/Moscow", "2026-10-25T00:00", ("03:00-04:00",), True, "2026-10-25T01:00"),
    # Chisinau, 28 March 2021: at 00:00 UTC 02:00 becomes 03:00 (a year in which every edition of the zones agrees).
    ("Europe/Chisinau", "2021-03-27T23:59", ("02:15-02:45",), False, "2021-03-28T23:15"),
    ("Europe/Chisinau", "2021-03-28T00:00", ("02:15-02:45",), False, "2021-03-28T23:15"),
    ("Europe/Chisinau", "2021-03-27T23:59", ("02:15-04:00",), False, "2021-03-28T00:00"),
    ("Europe/Chisinau", "2021-03-28T00:00", ("02:15-04:00",), True, "2021-03-28T01:00"),
    ("Europe/Chisinau", "2021-03-27T23:30", ("01:15-02:30",), True, "2021-03-28T00:00"),
    ("Europe/Chisinau", "2021-03-28T00:00", ("01:15-02:30",), False, "2021-03-28T22:15"),
    ("Europe/Chisinau", "2021-03-27T12:00", ("09:00-18:00",), True, "2021-03-27T16:00"),
    ("Europe/Chisinau", "2021-03-27T16:00", ("09:00-18:00",), False, "2021-03-28T06:00"),
    ("Europe/Chisinau", "2021-03-28T06:00", ("09:00-18:00",), True, "2021-03-28T15:00"),
    ("Europe/Chisinau", "2021-03-27T21:00", ("22:00-06:00",), True, "2021-03-28T03:00"),
    ("Europe/Chisinau", "2021-03-28T02:59", ("22:00-06:00",), True, "2021-03-28T03:00"),
    ("Europe/Chisinau", "2021-03-28T03:00", ("22:00-06:00",), False, "2021-03-28T19:00"),
    # 31 October 2021: at 00:00 UTC 03:00 becomes 02:00.
    ("Europe/Chisinau", "2021-10-30T23:14", ("02:15-02:45",), False, "2021-10-30T23:15"),
    ("Europe/Chisinau", "2021-10-30T23:15", ("02:15-02:45",), True, "2021-10-30T23:45"),
    ("Europe/Chisinau", "2021-10-30T23:50", ("02:15-02:45",), False, "2021-10-31T00:15"),
    ("Europe/Chisinau", "2021-10-31T00:15", ("02:15-02:45",), True, "2021-10-31T00:45"),
    ("Europe/Chisinau", "2021-10-31T00:45", ("02:15-02:45",), False, "2021-11-01T00:15"),
    ("Europe/Chisinau", "2021-10-30T23:30", ("02:00-03:00",), True, "2021-10-31T01:00"),
    ("Europe/Chisinau", "2021-10-30T22:45", ("01:30-02:30",), True, "2021-10-30T23:30"),
    ("Europe/Chisinau", "2021-10-30T23:30", ("01:30-02:30",), False, "2021-10-31T00:00"),
    ("Europe/Chisinau", "2021-10-31T00:10", ("01:30-02:30",), True, "2021-10-31T00:30"),
    ("Europe/Chisinau", "2021-10-30T15:00", ("09:00-18:00",), False, "2021-10-31T07:00"),
    ("Europe/Chisinau", "2021-10-31T07:00", ("09:00-18:00",), True, "2021-10-31T16:00"),
    ("Europe/Chisinau", "2021-10-30T20:00", ("22:00-06:00",), True, "2021-10-31T04:00"),
    # Lord Howe's days around both changes.
    ("Australia/Lord_Howe", "2026-04-04T07:00", ("09:00-18:00",), False, "2026-04-04T22:30"),
    ("Australia/Lord_Howe", "2026-04-04T22:30", ("09:00-18:00",), True, "2026-04-05T07:30"),
    ("Australia/Lord_Howe", "2026-10-03T07:30", ("09:00-18:00",), False, "2026-10-03T22:00"),
    ("Australia/Lord_Howe", "2026-10-03T22:00", ("09:00-18:00",), True, "2026-10-04T07:00"),
    ("Australia/Lord_Howe", "2026-10-03T15:29", ("02:10-02:20",), False, "2026-10-04T15:10"),
    ("Australia/Lord_Howe", "2026-10-03T12:00", ("22:00-06:00",), True, "2026-10-03T19:00"),
    # Moscow stands still: the 29th of February, and a year without one.
    ("Europe/Moscow", "2028-02-28T15:00", ("09:00-18:00",), False, "2028-02-29T06:00"),
    ("Europe/Moscow", "2028-02-29T05:59", ("09:00-18:00",), False, "2028-02-29T06:00"),
    ("Europe/Moscow", "2028-02-29T06:00", ("09:00-18:00",), True, "2028-02-29T15:00"),
    ("Europe/Moscow", "2028-02-29T15:00", ("09:00-18:00",), False, "2028-03-01T06:00"),
    ("Europe/Moscow", "2027-02-28T15:00", ("09:00-18:00",), False, "2027-03-01T06:00"),
    ("Europe/Moscow", "2028-02-28T22:59", ("20:00-02:00",), True, "2028-02-28T23:00"),
    ("Europe/Moscow", "2028-02-29T22:30", ("20:00-02:00",), True, "2028-02-29T23:00"),
    ("Europe/Moscow", "2028-02-29T23:00", ("20:00-02:00",), False, "2028-03-01T17:00"),
    # The last second of a year, and the leap second of 2016 (23:59:60 UTC, of which Unix time knows nothing).
    ("Europe/Moscow", "2026-12-31T20:59:59", ("20:00-02:00",), True, "2026-12-31T23:00"),
    ("Europe/Moscow", "2026-12-31T21:00", ("20:00-02:00",), True, "2026-12-31T23:00"),
    ("Europe/Moscow", "2026-12-31T23:00", ("20:00-02:00",), False, "2027-01-01T17:00"),
    ("Europe/Moscow", "2026-12-31T20:59:59", ("09:00-24:00",), True, "2026-12-31T21:00"),
    ("Europe/Moscow", "2026-12-31T21:00", ("09:00-24:00",), False, "2027-01-01T06:00"),
    ("Europe/Moscow", "2016-12-31T23:59:59", ("02:00-03:00",), True, "2017-01-01T00:00"),
    ("Europe/Moscow", "2017-01-01T00:00", ("02:00-03:00",), False, "2017-01-01T23:00"),
]


@pytest.mark.parametrize(("zone", "at", "hours", "is_open", "until"), CHANGES)
def test_when_the_clock_is_changed(zone: str, at: str, hours: tuple[str, ...], is_open: bool, until: str) -> None:
    found = weekly([hours] * 7).in_zone(zone).state_at(datetime.fromisoformat(at + "Z"))
    assert (found.is_open, found.until) == (is_open, datetime.fromisoformat(until + "Z"))


NEAR_A_CHANGE = [
    ("Europe/Chisinau", datetime(2026, 3, 28, tzinfo=UTC)),
    ("Europe/Chisinau", datetime(2026, 10, 24, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 3, 12, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 2, 12, tzinfo=UTC)),
    ("America/St_Johns", datetime(2010, 11, 6, tzinfo=UTC)),  # across midnight: 00:01 became 23:01
    ("Asia/Beirut", datetime(2026, 10, 23, 12, tzinfo=UTC)),
    ("Europe/Moscow", datetime(2028, 2, 28, tzinfo=UTC)),  # 29 February
]
clock_times = st.integers(0, 287).map(lambda fives: f"{fives // 12:02}:{fives % 12 * 5:02}")
some_hours = st.lists(
    st.tuples(clock_times, clock_times).filter(lambda ends: ends[0] != ends[1]).map("-".join), max_size=2
).map(tuple)


@cache
def _walls(zone: str, begun: datetime) -> list[tuple[int, int]]:
    """The weekday and the minute of the day that a clock on the wall shows, every minute of a day and a half."""
    shown = [(begun + MINUTE * passed).astimezone(ZoneInfo(zone)) for passed in range(36 * 60)]
    return [(wall.weekday(), wall.hour * 60 + wall.minute) for wall in shown]


def _recounted(week: list[tuple[str, ...]], weekday: int, minute: int) -> bool:
    """By the words of the rule, on the wall clock alone."""
    if not any(week):
        return True
    return any(
        text[:5] <= _shown(minute) and (_shown(minute) < text[6:] or text[6:] < text[:5]) for text in week[weekday]
    ) or any(text[6:] < text[:5] and _shown(minute) < text[6:] for text in week[weekday - 1])


@cache
def _shown(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@settings(max_examples=25)
@given(where=st.sampled_from(NEAR_A_CHANGE), week=st.lists(some_hours, min_size=7, max_size=7), data=st.data())
def test_the_next_change_is_where_a_recount_of_every_minute_finds_it(
    where: tuple[str, datetime], week: list[tuple[str, ...]], data: st.DataObject
) -> None:
    zone, begun = where
    schedule = weekly(week).in_zone(zone)
    minutes = [begun + MINUTE * passed for passed in range(36 * 60)]
    verdicts = [_recounted(week, weekday, minute) for weekday, minute in _walls(zone, begun)]
    for place in data.draw(st.lists(st.integers(0, len(minutes) - 1), min_size=3, max_size=8)):
        found = schedule.state_at(minutes[place] + timedelta(seconds=data.draw(st.integers(0, 59))))
        assert found.is_open == verdicts[place]
        assert found.until == weekly(week).in_zone(zone).state_at(minutes[place]).until, (
            "who was asked before says the same"
        )
        change = next(
            (minutes[later] for later in range(place, len(minutes)) if verdicts[later] != verdicts[place]), None
        )
        if change is not None:
            assert found.until == change
        else:
            assert found.until is None or found.until > minutes[-1]
