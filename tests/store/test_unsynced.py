"""Calls from before the clock was set: marked, corrected by the offset, or never certain (X-T1)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.boot_clock import BootClock
from gateway.errors import NightLocked
from gateway.events import CallAnswered, CallEnded, CallStarted, EventBus, LegEnded, LegStarted
from gateway.settings import Settings
from gateway.store.store import Store, open_store
from gateway.telephony.causes import Cause
from gateway.telephony.night import NightLock
from tests.store.conftest import small_shop

RIGHT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""When the machine is switched on."""


@dataclass
class Pi:
    """A machine without a battery, which wakes up in the past."""

    behind: timedelta
    up: float = 20.0
    boot: str = "first"
    is_certain: bool = False

    def now(self) -> datetime:
        return RIGHT + timedelta(seconds=self.up) - self.behind

    def clock(self) -> BootClock:
        return BootClock(self.boot, is_certain=self.is_certain, system=self.now, elapsed=lambda: self.up)


def begin(bus: EventBus, call: str) -> None:
    bus.publish(
        CallStarted(
            call_id=call, direction="incoming", caller="+79035550001", caller_name="", called="101", line="red",
            flow="reception", courier=None, order=None,
        )
    )  # fmt: skip
    bus.publish(
        LegStarted(
            leg_id=f"leg-{call}", call_id=call, kind="gsm", direction="incoming", peer="+79035550001", line="red"
        )
    )


def end(bus: EventBus, call: str, seconds: float) -> None:
    bus.publish(
        LegEnded(
            leg_id=f"leg-{call}", call_id=call, cause=Cause.HUNG_UP, ended_by_peer=True, frames_in=0, frames_out=0,
            lost=0, concealed=0, sound=None,
        )
    )  # fmt: skip
    bus.publish(
        CallEnded(
            call_id=call, cause=Cause.HUNG_UP, ended_by="caller", talk_seconds=seconds, total_seconds=seconds,
            verdict=None, caller_mos=None, callee_mos=None,
        )
    )  # fmt: skip


def rows(places: Settings, query: str) -> list[Any]:
    with closing(sqlite3.connect(places.database)) as store:
        return store.execute(query).fetchall()


def written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def opened(places: Settings, pi: Pi) -> tuple[BootClock, EventBus, Any]:
    clock = pi.clock()
    bus = EventBus(clock)
    return clock, bus, open_store(places, clock, bus, clock)


@pytest.mark.parametrize(
    "behind", [timedelta(days=56 * 365), timedelta(hours=1), -timedelta(hours=5), -timedelta(days=30 * 365)]
)
async def test_what_was_dated_wrong_is_dated_anew_when_the_clock_is_set(places: Settings, behind: timedelta) -> None:
    pi = Pi(behind)
    clock, bus, opening = await opened(places, pi)
    async with opening as store:
        begin(bus, "over")
        pi.up += 30
        bus.publish(CallAnswered(call_id="over", answered_by="101"))
        pi.up += 60
        end(bus, "over", 60)
        begin(bus, "across")
        pi.up += 10
        await store.note("test", "all is written")
        assert rows(places, "SELECT DISTINCT clock FROM calls") == [("unsynced",)]
        pi.behind = timedelta()
        bus.publish(CallAnswered(call_id="across", answered_by="101"))  # the first that is dated by the right clock
        clock.is_right()
        pi.up += 60
        end(bus, "across", 60)
        begin(bus, "after")
    since = [written(RIGHT + timedelta(seconds=20 + each)) for each in (0, 30, 90, 100, 160)]
    assert rows(places, "SELECT id, clock, started_at, answered_at, ended_at FROM calls ORDER BY started_at") == [
        ("over", "corrected", *since[:3]),
        ("across", "corrected", since[2], since[3], since[4]),
        ("after", None, since[4], None, None),
    ]
    assert rows(places, "SELECT started_at, ended_at FROM legs ORDER BY started_at") == [
        (since[0], since[2]),
        (since[2], since[4]),
        (since[4], None),
    ]
    steps = rows(places, "SELECT time FROM call_events WHERE call_id IN ('over', 'across') ORDER BY call_id, seq")
    assert [step for (step,) in steps] == [
        *(since[2], since[2], since[3], since[4], since[4]),
        *(since[0], since[0], since[1], since[2], since[2]),
    ]
    assert rows(places, "SELECT count(*) FROM clock_marks") == [(0,)]


async def test_a_daemon_that_starts_anew_meanwhile_corrects_what_the_former_one_has_written(places: Settings) -> None:
    pi = Pi(timedelta(hours=2))
    for call in ("first", "second"):
        _clock, bus, opening = await opened(places, pi)
        async with opening:
            begin(bus, call)
            end(bus, call, 0)
        pi.up += 60
    pi.behind, pi.is_certain = timedelta(), True  # it was set while no daemon ran
    _clock, bus, opening = await opened(places, pi)
    async with opening as store:
        await store.note("test", "all is written")
    assert rows(places, "SELECT id, clock, started_at FROM calls ORDER BY started_at") == [
        ("first", "corrected", written(RIGHT + timedelta(seconds=20))),
        ("second", "corrected", written(RIGHT + timedelta(seconds=80))),
    ]


async def test_what_was_dated_before_a_power_cut_is_never_certain(places: Settings) -> None:
    pi = Pi(timedelta(hours=2))
    _clock, bus, opening = await opened(places, pi)
    async with opening:
        begin(bus, "lost")
        end(bus, "lost", 0)
    dated = written(pi.now())
    again = Pi(timedelta(hours=1), boot="second")
    clock, bus, opening = await opened(places, again)
    async with opening:
        begin(bus, "known")
        end(bus, "known", 0)
        again.behind = timedelta()
        clock.is_right()
    assert rows(places, "SELECT id, clock, started_at FROM calls ORDER BY id") == [
        ("known", "corrected", written(RIGHT + timedelta(seconds=20))),
        ("lost", "unknown", dated),
    ]


async def test_while_the_time_is_not_certain_the_night_lock_holds(places: Settings) -> None:
    pi = Pi(timedelta(hours=2))
    clock, _bus, opening = await opened(places, pi)

    async def call(store: Store) -> None:
        await store.budget.open(call_id="c", leg_id="l", line="red", extension="101", number="+79035550001")

    async with opening as store:
        await store.save_shop(replace(small_shop(), night=NightLock(begins="23:00", ends="07:00")), by="test")
        with pytest.raises(NightLocked):
            await call(store)
        clock.is_right()
        await call(store)
