"""What a day comes to is kept until one of its calls changes, by whomever, and not a moment longer."""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine, delete, insert, update

from gateway.settings import Settings
from gateway.store.database import open_engine, prepare
from gateway.store.days import Days, stretches
from gateway.store.figures import Figures
from gateway.store.missed import read_missed, read_open
from gateway.store.opened import transaction
from gateway.store.reports import Reports
from gateway.store.returns import closures_since, returns, steps_of
from gateway.store.schema import calls, legs
from gateway.store.schema_missed import missed_closures
from gateway.store.schema_orders import orders
from gateway.store.shop_document.shop_versions import add_shop
from gateway.store.statistics import ClockSums, Grouping, Period, by_clock, totals
from gateway.telephony.missed import Closure, numbers_of
from gateway.telephony.missed_rules import MissedRules
from gateway.telephony.shop import Shop
from tests.fakes.call_log import LoggedCall, call_row, leg_row, random_log, stored
from tests.store.conftest import small_shop

FIRST = datetime(2026, 3, 2, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")


@pytest.fixture
def engine(places: Settings) -> Iterator[Engine]:
    prepare(places)
    keep_calls(places, random_log(random.Random(1), FIRST, timedelta(days=3), 60))
    engine = open_engine(places.database)
    yield engine
    engine.dispose()


def _period(days: int = 3) -> Period:
    return Period(since=FIRST, until=FIRST + timedelta(days=days), zone=UTC_ZONE)


def _read(days: Days, connection: Connection, read: list[Period]) -> Figures:
    """The sums of three days; `read` is given those that were worked out."""

    def counted(connection: Connection, stretch: Period) -> ClockSums:
        read.append(stretch)
        return by_clock(connection, stretch)

    return totals(days.seen_by(connection).of(_period(), counted, name="clock"))


def _a_call(connection: Connection, day: int) -> str:
    since, until = FIRST + timedelta(days=day), FIRST + timedelta(days=day + 1)
    wanted = calls.select().where(
        calls.c.started_at >= since, calls.c.started_at < until, calls.c.answered_at.is_not(None)
    )
    found: str = connection.execute(wanted.order_by(calls.c.id)).mappings().all()[0]["id"]
    return found


def _answered_otherwise(connection: Connection) -> None:
    connection.execute(update(calls).where(calls.c.id == _a_call(connection, 1)).values(answered_by="999"))


def _cost_is_known(connection: Connection) -> None:
    connection.execute(update(calls).where(calls.c.id == _a_call(connection, 1)).values(cost=100_000))


def _leg_is_added(connection: Connection) -> None:
    leg = {"id": "l", "gateway_id": "g", "call_id": _a_call(connection, 1), "kind": "sip", "direction": "outgoing"}
    connection.execute(insert(legs).values(**leg, peer="101", started_at=FIRST))


def _number_is_erased(connection: Connection) -> None:
    connection.execute(update(legs).where(legs.c.call_id == _a_call(connection, 1)).values(peer="erased"))


def _call_is_removed(connection: Connection) -> None:
    call_id = _a_call(connection, 1)
    connection.execute(delete(legs).where(legs.c.call_id == call_id))
    connection.execute(delete(calls).where(calls.c.id == call_id))


def _call_is_moved(connection: Connection) -> None:
    """The clock was wrong, say."""
    moved = FIRST + timedelta(days=1, hours=1)
    connection.execute(update(calls).where(calls.c.id == _a_call(connection, 0)).values(started_at=moved))


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        (_answered_otherwise, {1, 2}),
        (_cost_is_known, {1, 2}),
        (_leg_is_added, {1, 2}),
        (_number_is_erased, {1, 2}),
        (_call_is_removed, {1, 2}),
        (_call_is_moved, {0, 1, 2}),
    ],
)
def test_a_day_that_changes_and_the_one_after_it_are_worked_out_anew(
    engine: Engine, change: Any, changed: set[int]
) -> None:
    """The one after it, as a call may last beyond midnight."""
    days, read = Days(), list[Period]()
    with engine.begin() as connection:
        before = _read(days, connection, read)
        assert [each.since for each in read] == [FIRST + timedelta(days=day) for day in range(3)]
        read.clear()
        assert _read(days, connection, read) == before
        assert read == []
        change(connection)
        assert _read(days, connection, read) == totals([by_clock(connection, _period())])
        assert {(each.since - FIRST).days for each in read} == changed


def test_what_the_statistics_do_not_look_at_changes_no_day(engine: Engine) -> None:
    days, read = Days(), list[Period]()
    with engine.begin() as connection:
        _read(days, connection, read)
        read.clear()
        connection.execute(update(calls).values(search="other words", verdict="both-heard"))
        connection.execute(update(legs).values(frames_in=7))
        _read(days, connection, read)
    assert read == []


@pytest.mark.parametrize("table", ["calls", "legs"])
def test_every_column_that_the_statistics_look_at_is_watched(places: Settings, table: str) -> None:
    """What SQLite itself says is read (https://www.sqlite.org/c3ref/set_authorizer.html); keys never change."""
    prepare(places)
    keep_calls(places, random_log(random.Random(4), FIRST, timedelta(days=1), 20))
    read: set[str] = set()

    def allow(action: int, table_read: str | None, column: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_READ and table_read == table and column:
            read.add(column)
        return sqlite3.SQLITE_OK

    with Reports(places, clock=lambda: FIRST + timedelta(days=2)) as reports:
        with reports._reading.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.set_authorizer(allow)
            trigger = connection.exec_driver_sql(
                "SELECT sql FROM sqlite_master WHERE name = ?", (f"{table}_changed",)
            ).scalar_one()
        reports.remember(FIRST)
    watched = set(re.findall(r"\w+", trigger.partition("UPDATE OF")[2].partition(" ON ")[0]))
    assert {"answered_at", "ended_at"} <= read
    assert read - {"id"} <= watched


def test_only_whole_days_are_kept(engine: Engine) -> None:
    noon = FIRST + timedelta(hours=12)
    period = Period(since=noon, until=noon + timedelta(days=2), zone=UTC_ZONE)
    assert [each.until - each.since for each in stretches(period)] == [
        timedelta(hours=12), timedelta(days=1), timedelta(hours=12)
    ]  # fmt: skip
    days, read = Days(), list[datetime]()

    def part(connection: Connection, stretch: Period) -> None:
        del connection
        read.append(stretch.since)

    with engine.begin() as connection:
        for _ in range(2):
            days.seen_by(connection).of(period, part, name="any")
    first, whole, last = noon, FIRST + timedelta(days=1), FIRST + timedelta(days=2)
    assert read == [first, whole, last, first, last]
    assert list(stretches(Period(since=noon, until=noon, zone=UTC_ZONE))) == []


def test_returns_are_those_of_the_list_of_missed_customers(seed: int) -> None:
    """Over random logs, of any part of the time, told by what has happened until its end and afterwards."""
    shop = Shop()
    for number in range(6):
        shuffle = random.Random(f"{seed} {number}")  # a log, no secret
        log = random_log(shuffle, FIRST, timedelta(hours=70), 200)
        since = FIRST + timedelta(minutes=shuffle.randrange(2_000))
        until = since + timedelta(minutes=shuffle.randrange(60, 2_000))
        closed = [
            (f"+7916000000{shuffle.randrange(8)}", FIRST + timedelta(minutes=shuffle.randrange(4_000)))
            for _ in range(4)
        ]
        marked = [call for call in log if not call.caller][:3]
        around = Period(since=since - timedelta(days=1), until=FIRST + timedelta(days=5), zone=UTC_ZONE)
        with stored(log) as connection:
            for place, (customer, at) in enumerate(closed):
                row = {"id": str(place), "gateway_id": "g", "number": customer, "call_id": "", "closed_at": at}
                connection.execute(insert(missed_closures).values(**row, closed_by="anna", reason="-"))
            for call in marked:
                row = {"id": call.id, "gateway_id": "g", "number": "", "call_id": call.id, "closed_at": around.until}
                connection.execute(insert(missed_closures).values(**row, closed_by="anna", reason="-"))
            listed = read_missed(connection, shop, since, until)
            parts = [steps_of(connection, each) for each in stretches(around)]
            found = returns(parts, closures_since(connection, since), since, until, numbers_of(shop))
        took = [each.seconds_to_return for each in listed if each.seconds_to_return is not None]
        assert (found.customers, found.closed) == (len(listed), sum(isinstance(each.ended, Closure) for each in listed))
        assert sorted(found.took_seconds) == pytest.approx(sorted(took), abs=1e-5)
        wire = found.wire()
        assert wire["open"] == sum(each.ended is None for each in listed)


def test_what_was_looked_at_once_costs_little_the_next_time(places: Settings) -> None:
    """In steps of SQLite, time being the bench's: all but the last day comes out of memory."""
    prepare(places)
    keep_calls(places, random_log(random.Random(2), FIRST, timedelta(days=30), 600))
    until = FIRST + timedelta(days=29, hours=9)
    with Reports(places, clock=lambda: until) as reports:
        steps = [0]

        def step() -> None:
            steps[0] += 1

        with reports._reading.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.set_progress_handler(step, 10)
        taken: dict[str, list[int]] = {}
        answers: dict[str, list[object]] = {}
        for _ in range(2):
            for grouping in Grouping:
                steps[0] = 0
                answers.setdefault(grouping, []).append(reports.statistics(FIRST, until, grouping))
                taken.setdefault(grouping, []).append(10 * steps[0])
    print(taken)
    assert all(first == again for first, again in answers.values())
    assert taken["day"][0] > 25_000
    assert all(again < 12_000 for _, again in taken.values()), taken


def test_a_day_that_was_remembered_is_not_read_again(places: Settings) -> None:
    prepare(places)
    keep_calls(places, random_log(random.Random(3), FIRST, timedelta(days=3), 60))
    until = FIRST + timedelta(days=3)
    with Reports(places, clock=lambda: until) as reports:
        for day in range(-1, 3):
            reports.remember(FIRST + timedelta(days=day))
        kept = reports.days_kept
        for grouping in Grouping:
            reports.statistics(FIRST, until, grouping)
        assert reports.days_kept == kept > 0


def test_who_waits_is_the_same_as_without_what_is_kept(places: Settings, seed: int) -> None:
    """At whatever moment of a log that goes on (as after the clock was set back), also by what changes meanwhile."""
    prepare(places)
    shuffle = random.Random(seed)
    log = random_log(shuffle, FIRST, timedelta(hours=90), 150)
    keep_calls(places, log)
    nows = [FIRST + timedelta(minutes=shuffle.randrange(1_000, 6_000)) for _ in range(5)]
    now = [nows[0]]
    shop = replace(small_shop(), missed=MissedRules(listed_days=2))
    with transaction(places.database) as connection:
        add_shop(connection, shop, gateway_id="g", by="test", now=FIRST)
        for place, minutes in enumerate((500, 2_000, 3_500)):
            at = FIRST + timedelta(minutes=minutes)
            row = {"id": str(place), "gateway_id": "g", "number": f"+7916000000{place}", "call_id": ""}
            connection.execute(insert(missed_closures).values(**row, closed_at=at, closed_by="anna", reason="-"))
            order = {"id": str(place), "gateway_id": "g", "number": f"100{place}", "digits": f"100{place}", "note": ""}
            moments = {"created_at": at, "changed_at": at, "expires_at": at + timedelta(days=9)}
            wish = {"phone": f"+7916000000{place + 1}", "customer": "", "stage": "new", "callback_required": True}
            connection.execute(insert(orders).values(**order, **moments, **wish))
    counted = set()
    with Reports(places, clock=lambda: now[0]) as reports:
        for now[0] in (*nows, *nows):
            with transaction(places.database) as connection:
                expected = read_open(connection, shop, now[0])
            found, count = reports.missed()
            told = [(row["number"], row["tries"]) for row in found]
            tried = [
                (customer.number, [(each.call_id or None, each.order) for each in customer.tries])
                for customer in expected
            ]
            assert [
                (number, [(each["call_id"], each["order"]) for each in tries])  # type: ignore[attr-defined]  # rows
                for number, tries in told
            ] == tried
            counted.add(count)
            with transaction(places.database) as connection:
                late = shuffle.choice([call.id for call in log if call.direction == "incoming"])
                connection.execute(update(calls).where(calls.c.id == late).values(answered_at=None, answered_by=None))
    assert max(counted) > 1


@pytest.mark.parametrize("grouping", ["day", "hour", "week-hour", "line"])
def test_another_time_zone_of_the_shop_is_shown_at_once(places: Settings, grouping: str) -> None:
    prepare(places)
    keep_calls(places, random_log(random.Random(6), FIRST, timedelta(days=3), 60))
    zones = (small_shop().time_zone, "Asia/Kathmandu", small_shop().time_zone)
    answers = []
    with Reports(places, clock=lambda: FIRST + timedelta(days=3)) as reports:
        for zone in zones:
            with transaction(places.database) as connection:
                shop = replace(small_shop(), time_zone=zone)
                add_shop(connection, shop, gateway_id="g", by="test", now=FIRST)
            answers.append(reports.statistics(FIRST, FIRST + timedelta(days=3), grouping))
            with Reports(places, clock=lambda: FIRST + timedelta(days=3)) as anew:
                assert anew.statistics(FIRST, FIRST + timedelta(days=3), grouping) == answers[-1]
    assert answers[0] == answers[2]
    of_clock = "concurrency" if grouping == "line" else "rows"
    assert answers[0][of_clock] != answers[1][of_clock]


def keep_calls(places: Settings, log: list[LoggedCall]) -> None:
    """Put calls and their connections into the store, and a small shop."""
    engine = open_engine(places.database)
    with engine.begin() as connection:
        connection.execute(insert(calls), [call_row(call) for call in log])
        connection.execute(insert(legs), [leg_row(call, place) for call in log for place in range(len(call.legs))])
        add_shop(connection, small_shop(), gateway_id="g", by="test", now=FIRST)
    engine.dispose()


def test_days_that_never_had_a_call_are_one_stretch(engine: Engine) -> None:
    """Beside those with calls, and the day after them, into which a call may reach."""
    since, until = FIRST - timedelta(days=100), FIRST + timedelta(days=100, hours=5)
    read: list[Period] = []

    def counted(connection: Connection, stretch: Period) -> ClockSums:
        read.append(stretch)
        return by_clock(connection, stretch)

    with engine.connect() as connection:
        days = Days()
        period = Period(since=since, until=until, zone=UTC_ZONE)
        parts = days.seen_by(connection).of(period, counted, name="clock")
        assert [(each.since - FIRST).days for each in read] == [-100, 0, 1, 2, 3, 4, 100]
        assert all(one.until == other.since for one, other in pairwise(read))
        assert (read[0].since, read[-1].until) == (since, until)
        assert totals(parts) == totals([by_clock(connection, period)])
        assert len(days) == 4
