"""A machine without a battery: the clock that nobody has set yet, and what is told of it (X-T1)."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.boot_clock import ALERT_SECONDS, BootClock, ClockWatch, is_known_to_be_right, is_said_to_be_right
from gateway.clock import follow_in_loop
from gateway.events import AlertCleared, AlertRaised, Event

WOKEN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Machine:
    """Its clock and the time since it was switched on, both turned by hand."""

    def __init__(self) -> None:
        self.now = WOKEN
        self.up = 30.0
        self.clock = BootClock("a boot", is_certain=False, system=lambda: self.now, elapsed=lambda: self.up)

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.up += seconds


def test_a_jump_is_told_before_anything_is_dated_after_it() -> None:
    machine, told = Machine(), list[float]()
    stop = machine.clock.follow(lambda: told.append(machine.clock.offset_seconds))
    before = machine.clock.offset_seconds
    for _ in range(100):
        machine.pass_by(60)
        machine.now += timedelta(seconds=0.5)  # a time server moves it slowly
        assert machine.clock() == machine.now
    assert told == []
    machine.now += timedelta(hours=3)
    assert machine.clock() == machine.now
    assert told == [pytest.approx(before + 50 + 3 * 3600)]
    machine.now -= timedelta(hours=1)
    machine.clock()
    assert told[1:] == [pytest.approx(before + 50 + 2 * 3600)]
    stop()
    machine.now -= timedelta(days=9)
    machine.clock()
    assert len(told) == 2


def test_who_asks_while_a_jump_is_told_dates_nothing_before_that() -> None:
    machine, happened = Machine(), list[str]()

    def ask() -> None:
        machine.clock()
        happened.append("dated")

    other = threading.Thread(target=ask)

    def tell() -> None:
        other.start()
        other.join(0.1)
        happened.append("told")

    machine.clock.follow(tell)
    machine.now += timedelta(hours=3)
    machine.clock()
    other.join()
    assert happened == ["told", "dated"]


async def test_the_owner_is_told_of_a_clock_that_nobody_sets_until_somebody_does() -> None:
    machine, heard, is_set = Machine(), list[Event](), False
    certain: list[bool] = []
    machine.clock.follow(lambda: certain.append(machine.clock.is_certain))
    watch = asyncio.create_task(ClockWatch(machine.clock, heard.append, lambda: is_set).run())
    await asyncio.sleep(ALERT_SECONDS - 5)
    assert heard == []
    await asyncio.sleep(10)
    assert heard == [AlertRaised(code="clock-unsynced", subject="clock", values={})]
    assert certain == []
    is_set = True
    await asyncio.sleep(15)
    assert certain == [True]
    assert heard[1:] == [AlertCleared(code="clock-unsynced", subject="clock")]
    watch.cancel()
    await asyncio.wait([watch])


def place(root: Path, *, synchronized: bool = False, battery: str | None = None) -> Path:
    """What the kernel and systemd show."""
    (root / "run/systemd/system").mkdir(parents=True)
    if synchronized:
        (root / "run/systemd/timesync").mkdir()
        (root / "run/systemd/timesync/synchronized").touch()
    if battery is not None:
        (root / "sys/class/rtc/rtc0").mkdir(parents=True)
        (root / "sys/class/rtc/rtc0/hctosys").write_text("1\n")
        (root / "sys/class/rtc/rtc0/since_epoch").write_text(battery)
    return root


def test_what_files_say_of_the_clock(tmp_path: Path) -> None:
    assert is_known_to_be_right(tmp_path), "nobody can be asked"
    assert is_said_to_be_right(tmp_path)
    assert not is_known_to_be_right(place(tmp_path / "woken"))
    assert is_known_to_be_right(place(tmp_path / "set", synchronized=True))
    assert is_known_to_be_right(place(tmp_path / "battery", battery=f"{time.time():.0f}\n"))
    assert not is_known_to_be_right(place(tmp_path / "no-battery", battery="31\n")), "a Pi 5 as it is sold"
    assert not is_known_to_be_right(place(tmp_path / "odd", battery="?"))


async def test_who_follows_in_the_loop_is_told_there_whoever_has_asked() -> None:
    now = [WOKEN]
    clock = BootClock("boot", is_certain=True, system=lambda: now[0], elapsed=lambda: 0.0)
    told: list[int] = []
    stop = follow_in_loop(clock, lambda: told.append(threading.get_ident()))
    for is_other in (True, False):
        now[0] += timedelta(hours=1)
        assert (await asyncio.to_thread(clock) if is_other else clock()) == now[0]
        await asyncio.sleep(0)
    assert told == [threading.get_ident()] * 2
    stop()
    now[0] += timedelta(hours=1)
    clock()
    assert len(told) == 2
