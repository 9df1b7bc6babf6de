"""The figures equal a plain recount, over random logs, across midnights, time zones and clock changes."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from gateway.store.days import stretches
from gateway.store.figures import Figures
from gateway.store.occupancy import (
    LONGEST_CALL,
    Busy,
    Carried,
    all_lines,
    busy_time,
    by_line,
    carried_legs,
    concurrency,
    lines_of,
)
from gateway.store.schema import calls
from gateway.store.statistics import (
    Grouping,
    Period,
    by_clock,
    by_courier,
    by_phone,
    by_time,
    clock_of,
    local_times,
    merged,
    totals,
)  # fmt: skip
from tests.fakes.call_log import LINES, PHONES, LoggedCall, LoggedLeg, random_log, stored

PLACES = [
    # Around a day on which the clock goes forward or back, by an hour or a half, or at midnight, or never.
    ("Europe/Moscow", datetime(2026, 3, 28, 17, 20, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 3, 28, 17, 20, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 24, 9, 5, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 10, 31, 3, 0, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 12, 31, 6, 40, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 1, 10, tzinfo=UTC)),
    ("America/Santiago", datetime(2026, 9, 5, 1, 0, tzinfo=UTC)),
    ("UTC", datetime(2026, 2, 28, 0, 0, tzinfo=UTC)),
]
LENGTH = timedelta(hours=40)


def recount(log: list[LoggedCall], period: Period, key_of: Callable[[LoggedCall], str | None]) -> dict[str, Figures]:
    """The figures by the plainest loop that there is."""
    found: dict[str, Figures] = {}
    for call in log:
        key = key_of(call)
        is_in = period.since <= call.started_at < period.until and call.ended_at is not None
        if key is None or not is_in or call.direction == "internal":
            continue
        before = found.get(key, Figures())
        is_incoming, is_answered = call.direction == "incoming", call.answered_at is not None
        found[key] = Figures(
            incoming=before.incoming + is_incoming,
            answered=before.answered + (is_incoming and is_answered),
            outgoing=before.outgoing + (not is_incoming),
            reached=before.reached + (not is_incoming and is_answered),
            talk_ms=before.talk_ms + call.talk_ms,
            wait_ms=before.wait_ms + (call.total_ms - call.talk_ms if is_incoming and is_answered else 0),
            cost=before.cost if call.cost is None else (before.cost or 0) + call.cost,
        )
    return found


def local_key(grouping: Grouping, zone: ZoneInfo) -> Callable[[LoggedCall], str]:
    def key(call: LoggedCall) -> str:
        local = call.started_at.astimezone(zone)
        week_hour = f"{local.weekday() + 1}-{local.hour:02}"
        return {"day": local.date().isoformat(), "hour": f"{local.hour:02}", "week-hour": week_hour}[grouping]

    return key


@pytest.mark.parametrize(("zone_name", "first"), PLACES)
def test_sums_equal_a_recount_by_the_shops_clock(zone_name: str, first: datetime, seed: int) -> None:
    shuffle, zone = random.Random(seed), ZoneInfo(zone_name)
    log = random_log(shuffle, first, LENGTH, 150)
    start = first + timedelta(minutes=shuffle.randrange(600))
    period = Period(since=start, until=start + timedelta(minutes=shuffle.randrange(60, 2000)), zone=zone)
    with stored(log) as connection:
        whole = [by_clock(connection, period)]
        cut = [by_clock(connection, each) for each in stretches(period)]
        assert totals(whole) == totals(cut) == recount(log, period, lambda call: "").get("", Figures())
        for grouping in (Grouping.DAY, Grouping.HOUR, Grouping.WEEK_HOUR):
            found = by_time(whole, period, grouping)
            assert by_time(cut, period, grouping) == found
            assert list(found) == sorted(found)
            filled = {key: figures for key, figures in found.items() if figures != Figures()}
            assert filled == recount(log, period, local_key(grouping, zone))
        assert by_courier(connection, period) == recount(log, period, lambda call: call.courier)
        assert merged(by_courier(connection, each) for each in stretches(period)) == by_courier(connection, period)


def test_days_of_the_same_clock_show_the_same_times() -> None:
    """What is kept of a day by its clock holds for every zone, and for every rule of it, that has the same."""
    shown: dict[tuple[timedelta | None, ...], list[timedelta]] = {}
    for zone_name, first in PLACES:
        for age in range(-1, 3):
            since = first.replace(hour=0, minute=0) + timedelta(days=age)
            day = Period(since=since, until=since + timedelta(days=1), zone=ZoneInfo(zone_name))
            local = local_times(day)
            times = [local(number) - since.replace(tzinfo=None) for number in range(96)]
            assert shown.setdefault(clock_of(day), times) == times
    assert sum(len(clock) > 1 for clock in shown) == 5
    assert len(shown) > 10


def test_every_hour_of_the_period_is_there_also_without_calls() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    spring = Period(
        since=datetime(2026, 3, 28, 23, 0, tzinfo=UTC), until=datetime(2026, 3, 29, 22, 0, tzinfo=UTC), zone=berlin
    )
    assert list(by_time([], spring, Grouping.DAY)) == ["2026-03-29"]
    hours = list(by_time([], spring, Grouping.HOUR))
    assert hours == [f"{hour:02}" for hour in range(24) if hour != 2], "the clock skips from 2 to 3"
    assert totals([]) == Figures()


@pytest.mark.parametrize("zone_name", ["Europe/Moscow", "Europe/Berlin", "Australia/Lord_Howe"])
def test_every_key_of_a_year_is_there(zone_name: str) -> None:
    zone = ZoneInfo(zone_name)
    year = Period(
        since=datetime(2026, 1, 1, tzinfo=zone).astimezone(UTC),
        until=datetime(2027, 1, 1, tzinfo=zone).astimezone(UTC), zone=zone,
    )  # fmt: skip
    days = list(by_time([], year, Grouping.DAY))
    assert (len(days), days[0], days[-1]) == (365, "2026-01-01", "2026-12-31")
    assert list(by_time([], year, Grouping.HOUR)) == [f"{hour:02}" for hour in range(24)]
    assert len(by_time([], year, Grouping.WEEK_HOUR)) == 7 * 24


def test_phones_have_their_own_answers_and_share_what_nobody_answered(seed: int) -> None:
    shuffle = random.Random(seed)
    first = datetime(2026, 3, 2, tzinfo=UTC)
    log = random_log(shuffle, first, LENGTH, 200)
    period = Period(since=first, until=first + LENGTH, zone=ZoneInfo("UTC"))
    expected: dict[str, Figures] = defaultdict(Figures)
    for extension in PHONES:
        answered = recount([c for c in log if c.direction == "incoming"], period, lambda call: call.answered_by)
        made = recount([c for c in log if c.direction == "outgoing"], period, lambda call: call.caller)
        rung = sum(
            call.direction == "incoming" and call.answered_at is None and call.ended_at is not None
            and any(leg.peer == extension and leg.line is None for leg in call.legs)
            for call in log
        )  # fmt: skip
        expected[extension] = (
            answered.get(extension, Figures()) + made.get(extension, Figures()) + Figures(incoming=rung)
        )
    with stored(log) as connection:
        assert by_phone(connection, period) == expected
        assert merged(by_phone(connection, each) for each in stretches(period)) == expected


def test_a_customer_whom_the_gateway_rang_first_counts_for_the_phone_that_talked() -> None:
    """A promised call-back, customer first: made by nobody's phone, and talk time of whoever took it."""
    began = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    answered, ended = began + timedelta(seconds=8), began + timedelta(seconds=68)
    talked = LoggedCall(
        id="r1", direction="outgoing", caller="+79160000001", called="101", line="red", started_at=began,
        answered_at=answered, answered_by="102", ended_at=ended,
    )  # fmt: skip
    in_vain = replace(talked, id="r2", answered_at=None, answered_by=None)
    to_courier = replace(talked, id="r3", answered_by="+79160000002")
    period = Period(since=began, until=ended, zone=ZoneInfo("UTC"))
    with stored([talked, in_vain, to_courier]) as connection:
        assert by_phone(connection, period) == {"102": Figures(outgoing=1, reached=1, talk_ms=60_000)}


def test_lines_equal_a_recount_of_their_legs(seed: int) -> None:
    shuffle = random.Random(seed)
    first = datetime(2026, 3, 2, tzinfo=UTC)
    log = random_log(shuffle, first, LENGTH, 200)
    period = Period(since=first + timedelta(hours=5), until=first + timedelta(hours=38), zone=ZoneInfo("UTC"))
    figures: dict[str, Figures] = defaultdict(Figures)
    busy: dict[str, float] = defaultdict(float)
    for call in log:
        for leg in call.legs:
            # One that is not over is there no longer than any call can run.
            end = min(leg.ended_at or period.until, call.started_at + LONGEST_CALL, period.until)
            if leg.line is None or leg.started_at >= period.until or end <= period.since:
                continue
            busy[leg.line] += (end - max(leg.started_at, period.since)).total_seconds()
            if leg.started_at < period.since or leg.ended_at is None:
                continue
            up = leg.answered_at
            talked = 0 if up is None else round((leg.ended_at - up).total_seconds() * 1000)
            figures[leg.line] += (
                Figures(incoming=1, answered=int(up is not None), talk_ms=talked,
                        wait_ms=call.total_ms - call.talk_ms if up is not None else 0, cost=leg.cost)
                if leg.incoming
                else Figures(outgoing=1, reached=int(up is not None), talk_ms=talked, cost=leg.cost)
            )  # fmt: skip
    with stored(log) as connection:
        found = by_line(carried_legs(connection, period))
        cut = all_lines(by_line(carried_legs(connection, each)) for each in stretches(period))
    assert {line: each.figures for line, each in cut.items()} == figures
    assert {line: each.busy_seconds for line, each in cut.items()} == pytest.approx(busy)
    assert {line: each.figures for line, each in found.items()} == figures
    assert {line: each.busy_seconds for line, each in found.items()} == pytest.approx(busy)


def test_concurrency_equals_a_look_at_every_second(seed: int) -> None:
    shuffle = random.Random(seed)
    first = datetime(2026, 3, 2, 21, 0, tzinfo=UTC)
    zone = ZoneInfo("Europe/Moscow")
    period = Period(since=first, until=first + timedelta(hours=1, minutes=10), zone=zone)
    carried = []
    for _ in range(40):
        since = shuffle.randrange(4_000)
        until = min(since + shuffle.randrange(1, 900), 4_200)
        span = Busy(shuffle.choice(LINES), first + timedelta(seconds=since), first + timedelta(seconds=until))
        carried.append(Carried(span, True, None))
    looked: dict[int, int] = defaultdict(int)
    peaks = [0] * 24
    for second in range(4_200):
        moment = first + timedelta(seconds=second)
        count = len({leg.busy.line for leg in carried if leg.busy.since <= moment < leg.busy.until})
        looked[count] += 1
        hour = moment.astimezone(zone).hour
        peaks[hour] = max(peaks[hour], count)
    found = concurrency([busy_time(carried, [], period, LINES)])
    assert found.seconds == tuple(looked[count] for count in range(max(looked) + 1))
    assert found.peaks == tuple(peaks)


@pytest.mark.parametrize(("zone_name", "first"), PLACES)
def test_concurrency_of_a_period_is_that_of_its_days(zone_name: str, first: datetime, seed: int) -> None:
    log = random_log(random.Random(seed), first, LENGTH, 150)
    period = Period(since=first + timedelta(hours=2), until=first + timedelta(hours=37), zone=ZoneInfo(zone_name))
    with stored(log) as connection:
        whole = concurrency([lines_of(connection, period, LINES).busy])
        cut = concurrency([lines_of(connection, each, LINES).busy for each in stretches(period)])
    assert cut.seconds == pytest.approx(whole.seconds)
    assert (cut.peaks, cut.refused, cut.saved) == (whole.peaks, whole.refused, whole.saved)
    assert whole.refused > 3


def test_a_known_day_tells_its_peak_and_whom_one_more_line_would_have_served() -> None:
    """Red is busy 10:00 to 10:10, blue until 10:02; calls are refused at 10:01, 10:02, 10:08, and at 15:00."""
    ten = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    period = Period(since=ten - timedelta(hours=1), until=ten + timedelta(hours=8), zone=ZoneInfo("UTC"))

    def carried(number: int, line: str, minutes: int) -> LoggedCall:
        end = ten + timedelta(minutes=minutes)
        leg = LoggedLeg(peer="+79160000001", line=line, incoming=False, started_at=ten, answered_at=ten, ended_at=end)
        return LoggedCall(
            id=f"x{number}", direction="outgoing", caller="101", called="+79160000001", started_at=ten,
            answered_at=ten, answered_by="+79160000001", ended_at=end, legs=(leg,),
        )  # fmt: skip

    def refused(number: int, moment: datetime) -> LoggedCall:
        return LoggedCall(
            id=f"r{number}", direction="outgoing", caller="101", called="+79160000002", started_at=moment,
            answered_at=None, answered_by=None, ended_at=moment, cause="no-free-line",
        )  # fmt: skip

    moments = [ten + timedelta(minutes=minutes) for minutes in (1, 2, 8, 300)]
    log = [carried(1, "red", 10), carried(2, "blue", 2), *(refused(number, at) for number, at in enumerate(moments))]
    with stored(log) as connection:
        found = concurrency([lines_of(connection, period, ("red", "blue")).busy])
    assert (found.peak, found.refused) == (2, 4)
    assert list(found.seconds) == [9 * 3600 - 600, 480, 120]
    assert list(found.peaks) == [2 if hour == 10 else 0 for hour in range(24)]
    # Six minutes a call on the average: the one of 10:01 keeps the new line until 10:07, the one of 10:02 is lost.
    assert found.saved == 2


def test_without_any_call_there_is_nothing_to_save() -> None:
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    period = Period(since=moment, until=moment + timedelta(hours=1), zone=ZoneInfo("UTC"))
    found = concurrency([busy_time([], [moment], period, LINES)])
    assert (found.refused, found.saved) == (1, 0)


def test_what_figures_say_of_themselves() -> None:
    nothing = Figures().wire(0)
    assert {nothing[name] for name in ("seconds_to_answer", "answer_seizure_ratio", "average_talk_seconds")} == {None}
    assert {nothing[name] for name in ("missed_share", "service_level")} == {None}
    some = Figures(incoming=4, answered=3, outgoing=8, reached=2, talk_ms=50_000, wait_ms=12_000, cost=1234).wire(2)
    assert some == {
        "calls": 12, "incoming": 4, "answered": 3, "missed": 1, "missed_share": 0.25, "answered_within": 2,
        "service_level": 0.5, "outgoing": 8, "reached": 2, "talk_seconds": 50.0,
        "seconds_to_answer": 4.0, "answer_seizure_ratio": 0.25, "average_talk_seconds": 10.0, "cost": 12.34,
    }  # fmt: skip
    assert (Figures(cost=1) + Figures()).cost == 1


def test_a_call_in_which_the_status_of_an_order_was_told_is_neither_missed_nor_answered() -> None:
    first = datetime(2026, 3, 2, tzinfo=UTC)
    period = Period(since=first, until=first + timedelta(days=1), zone=ZoneInfo("UTC"))
    in_vain = LoggedCall(
        id="c1", direction="incoming", caller="+79165554433", called="red", started_at=first, answered_at=None,
        answered_by=None, ended_at=first + timedelta(seconds=20), line="red",
    )  # fmt: skip
    with stored([in_vain]) as connection:
        for order, missed in ((None, 1), ("1001", 0)):
            connection.execute(update(calls).values(flow="order-status", order=order))
            found = totals([by_clock(connection, period)])
            assert (found.incoming, found.missed) == (missed, missed)
