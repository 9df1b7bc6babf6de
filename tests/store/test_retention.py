"""T-L7, X-P4: recordings go in time, never too early, and never those that somebody holds."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.events import (
    AlertCleared,
    AlertRaised,
    Event,
    EventBus,
    MailboxChanged,
    MessageLeft,
    RecordingFinished,
    RecordingStarted,
)
from gateway.settings import Settings
from gateway.store import retention as retention_module
from gateway.store.retention import FULL, NEARLY_FULL, STEADY_SECONDS, Retention
from gateway.store.store import open_store
from gateway.telephony.recording_policy import RecordingPolicy
from tests.store.conftest import HandClock, small_shop


class Disk:
    """A disk whose fullness follows from the files on it, at a size that the test chooses."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes

    def used(self, directory: Path) -> float:
        return sum(file.stat().st_size for file in directory.rglob("*.wav")) / self.size_bytes


async def a_recording(places: Settings, bus: EventBus, clock: HandClock, name: str, *, finished: bool = True) -> Path:
    path = f"{clock():%Y-%m-%d}/{name}.wav"
    file = places.recordings_dir / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"RIFF" + bytes(996))
    bus.publish(RecordingStarted(call_id=f"call-{name}", recording_id=name, path=path))
    if finished:
        bus.publish(
            RecordingFinished(
                call_id=f"call-{name}", recording_id=name, path=path, seconds=1, size_bytes=1000, verdict="both-heard"
            )
        )
    return file


@asynccontextmanager
async def kept_for(
    days: int, places: Settings, clock: HandClock, bus: EventBus, disk: Disk | None = None
) -> AsyncIterator[Retention]:
    """A store with recordings of `days`, and a retention that has known its clock for an hour."""
    async with open_store(places, clock, bus) as store:
        await store.save_shop(replace(small_shop(), recording=RecordingPolicy(keep_days=days)), by="test")
        used = (disk or Disk(10**9)).used
        retention = store.retention(places.recordings_dir, used=used)
        places.recordings_dir.mkdir(parents=True, exist_ok=True)
        await retention.sweep()
        await an_hour(clock)
        yield retention


async def an_hour(clock: HandClock, hours: float = 1) -> None:
    await asyncio.sleep(hours * STEADY_SECONDS)
    clock.pass_by(hours=hours)


def rows(places: Settings) -> dict[str, tuple[str, bool]]:
    """Path of each recording, and whether it is marked as gone."""
    with closing(sqlite3.connect(places.database)) as connection:
        found = connection.execute("SELECT id, path, deleted_at IS NOT NULL FROM recordings").fetchall()
    return {name: (path, bool(gone)) for name, path, gone in found}


async def test_a_recording_goes_when_its_days_are_over_and_not_before(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    async with kept_for(3, places, clock, bus) as retention:
        old = await a_recording(places, bus, clock, "old")
        await an_hour(clock, 48)
        young = await a_recording(places, bus, clock, "young")
        await an_hour(clock, 23)
        assert await retention.sweep() == 0
        assert old.exists()
        await an_hour(clock, 2)
        assert await retention.sweep() == 1
        assert not old.exists()
        assert not old.parent.exists(), "the directory of a day that is over goes with its last recording"
        assert young.exists()
        path = str(young.relative_to(places.recordings_dir))
        assert rows(places) == {"old": ("", True), "young": (path, False)}


async def test_a_message_goes_with_its_recording(places: Settings, clock: HandClock, bus: EventBus) -> None:
    waiting: list[int] = []
    bus.subscribe(
        lambda published: (
            waiting.append(published.event.unheard) if isinstance(published.event, MailboxChanged) else None
        )
    )
    async with kept_for(1, places, clock, bus) as retention:
        await a_recording(places, bus, clock, "old")
        bus.publish(MessageLeft(call_id="call-old", mailbox="101", seconds=5.0))
        await an_hour(clock, 25)
        assert await retention.sweep() == 1
        assert waiting == [1, 0]


async def test_what_somebody_holds_or_what_still_runs_stays(places: Settings, clock: HandClock, bus: EventBus) -> None:
    async with kept_for(1, places, clock, bus) as retention:
        held = await a_recording(places, bus, clock, "held")
        running = await a_recording(places, bus, clock, "running", finished=False)
        assert await retention.sweep() == 0  # their rows are there
        with closing(sqlite3.connect(places.database)) as connection, connection:
            connection.execute("UPDATE recordings SET kept = 1 WHERE id = 'held'")
        await an_hour(clock, 240)
        assert await retention.sweep() == 0
        assert held.exists()
        assert running.exists()


async def test_more_than_a_batch_goes_in_one_sweep(
    places: Settings, clock: HandClock, bus: EventBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_module, "BATCH", 10)
    async with kept_for(1, places, clock, bus) as retention:
        files = [await a_recording(places, bus, clock, f"r{number}") for number in range(23)]
        await an_hour(clock, 25)
        assert await retention.sweep() == 23
        assert not any(file.exists() for file in files)
        assert await retention.sweep() == 0


@pytest.mark.parametrize("years", [30, -30])
async def test_a_clock_that_jumps_takes_nothing_away(
    places: Settings, clock: HandClock, bus: EventBus, years: int
) -> None:
    """X-T1: a machine without a battery believes in 2056 until the network tells it better."""
    async with kept_for(30, places, clock, bus) as retention:
        recording = await a_recording(places, bus, clock, "evidence")
        clock.pass_by(days=365 * years)
        assert await retention.sweep() == 0
        await an_hour(clock, 0.5)
        assert await retention.sweep() == 0
        clock.pass_by(days=-365 * years)
        assert await retention.sweep() == 0
        await an_hour(clock, 24 * 29)
        assert await retention.sweep() == 0
        assert recording.exists()
        await an_hour(clock, 24 * 2)
        assert await retention.sweep() == 1


async def test_a_file_that_is_gone_already_is_no_fault(places: Settings, clock: HandClock, bus: EventBus) -> None:
    async with kept_for(1, places, clock, bus) as retention:
        (await a_recording(places, bus, clock, "taken")).unlink()
        await an_hour(clock, 25)
        assert await retention.sweep() == 1
        assert rows(places) == {"taken": ("", True)}


async def test_a_full_disk_loses_its_oldest_recordings_and_the_owner_is_told(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event]
) -> None:
    disk = Disk(10**9)
    async with kept_for(365, places, clock, bus, disk) as retention:
        files = []
        for number in range(20):
            files.append(await a_recording(places, bus, clock, f"r{number}"))
            await an_hour(clock)
        disk.size_bytes = int(20_000 / (NEARLY_FULL + 0.01))
        assert await retention.sweep() == 0
        assert [event.code for event in heard if isinstance(event, AlertRaised)] == ["disk-nearly-full"]
        disk.size_bytes = int(20_000 / (FULL + 0.01))
        assert await retention.sweep() == 1
        assert [file.exists() for file in files] == [False] + [True] * 19
        assert not [event for event in heard if isinstance(event, AlertCleared)]
        disk.size_bytes = 10**9
        assert await retention.sweep() == 0
        assert [event.code for event in heard if isinstance(event, AlertCleared)] == ["disk-nearly-full"]


async def test_it_goes_on_after_a_disk_that_could_not_be_asked(
    places: Settings, clock: HandClock, bus: EventBus, caplog: pytest.LogCaptureFixture
) -> None:
    answers = iter([OSError("input/output error")])

    def used(_: Path) -> float:
        for fault in answers:
            raise fault
        return 0.1

    async with open_store(places, clock, bus) as store:
        retention = store.retention(places.recordings_dir, used=used)
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * STEADY_SECONDS):
                await retention.run()
    assert "input/output error" in caplog.text
    assert caplog.text.count("could not be removed now") == 1
