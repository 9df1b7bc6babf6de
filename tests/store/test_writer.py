"""The writer: nothing is told before it is committed, and a disk that fails loses nothing that was promised."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import IntegrityError

from gateway.errors import StoreError
from gateway.events import AlertCleared, AlertRaised, Event
from gateway.settings import Settings
from gateway.store import writer as writer_module
from gateway.store.database import open_engine, prepare
from gateway.store.writer import Writer

FULL = "PRAGMA max_page_count = 1"
"""The database may not grow beyond its size."""
READ_ONLY = "PRAGMA query_only = ON"
"""Every write is refused, as on a card that the kernel has made read-only."""


class FailingDisk:
    """Makes every connection of an engine fail in the given way, from `fail` until `works` is set again."""

    def __init__(self, engine: Engine, fault: str = FULL) -> None:
        self.works = True
        self._fault = fault
        event.listen(engine, "connect", self._connected)

    def _connected(self, connection: Any, _record: object) -> None:
        if not self.works:
            connection.execute(self._fault)

    async def fail(self, writer: Writer) -> None:
        self.works = False
        with suppress(StoreError):  # a disk that refuses every write refuses this commit already
            await writer.write(lambda connection: connection.exec_driver_sql(self._fault) and None)


@pytest.fixture
def engine(places: Settings) -> Iterator[Engine]:
    prepare(places)
    engine = open_engine(places.database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE notes (number INTEGER UNIQUE, filling BLOB)"))
    yield engine
    engine.dispose()


def _note(number: int, filling_bytes: int = 0) -> Any:
    def work(connection: Connection) -> int:
        connection.execute(
            text("INSERT INTO notes VALUES (:number, zeroblob(:size))"), {"number": number, "size": filling_bytes}
        )
        return number

    return work


def _numbers(engine: Engine) -> list[int]:
    """Through a connection of its own, which no writer gets afterwards."""
    with closing(sqlite3.connect(str(engine.url.database).removeprefix("file:"))) as connection:
        return [number for (number,) in connection.execute("SELECT number FROM notes ORDER BY rowid")]


async def test_a_result_comes_after_the_commit(engine: Engine) -> None:
    async with Writer(engine, print) as writer:
        assert await writer.write(_note(1)) == 1
        assert _numbers(engine) == [1]


async def test_leaving_commits_what_was_enqueued_in_order(engine: Engine) -> None:
    async with Writer(engine, print) as writer:
        for number in range(1200):
            writer.enqueue(_note(number))
    assert _numbers(engine) == list(range(1200))


@pytest.mark.real_time
async def test_who_is_in_a_hurry_waits_for_nothing_that_was_enqueued(engine: Engine) -> None:
    async with Writer(engine, print) as writer:
        for number in (1, 2, 3):
            writer.enqueue(_note(number))
        assert await writer.write(_note(4), overtakes=True) == 4
        assert _numbers(engine)[0] == 4
        await asyncio.sleep(4 * writer_module.LINGER_SECONDS)
        assert _numbers(engine) == [4, 1, 2, 3]  # what was overtaken needs no further push


async def test_what_overtakes_stays_in_order_with_its_like(engine: Engine) -> None:
    async with Writer(engine, print) as writer:
        await asyncio.gather(*(writer.write(_note(number), overtakes=True) for number in range(5)))
    assert _numbers(engine) == list(range(5))


@pytest.mark.real_time
async def test_nothing_overtakes_while_the_disk_is_away(engine: Engine) -> None:
    disk = FailingDisk(engine)
    async with Writer(engine, lambda _event: None) as writer:
        await disk.fail(writer)
        writer.enqueue(_note(1, 100_000))
        with pytest.raises(StoreError):
            await writer.write(_note(2, 100_000), overtakes=True)
        disk.works = True
        await writer.write_or_keep(_note(3), overtakes=True)
    assert _numbers(engine) == [1, 3]


async def test_one_bad_piece_of_work_hurts_no_other(engine: Engine) -> None:
    async with Writer(engine, print) as writer:
        results = await asyncio.gather(
            *(writer.write(_note(number)) for number in (1, 2, 2, 3)), return_exceptions=True
        )
        assert [type(result) for result in results] == [int, int, IntegrityError, int]
        with pytest.raises(ZeroDivisionError):
            await writer.write(lambda _connection: 1 / 0)
    assert _numbers(engine) == [1, 2, 3]


async def test_a_record_that_cannot_be_written_is_told_of_without_what_is_in_it(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    values = {"who": "Maria"}
    async with Writer(engine, print) as writer:
        writer.enqueue(lambda connection: connection.execute(text("INSERT INTO away VALUES (:who)"), values))
    assert "A record could not be written" in caplog.text
    assert "no such table: away" in caplog.text
    assert "Maria" not in caplog.text


async def test_what_waits_together_is_committed_together(engine: Engine) -> None:
    commits: list[object] = []
    event.listen(engine, "commit", commits.append)
    async with Writer(engine, print) as writer:
        await asyncio.gather(*(writer.write(_note(number)) for number in range(100)))
    assert len(commits) < 20
    assert len(_numbers(engine)) == 100


async def test_a_full_disk_keeps_the_promises_in_order(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """X-P4: who waits is told, what was enqueued is kept and written once there is room, one alert is raised."""
    monkeypatch.setattr(writer_module, "RETRY_SECONDS", 0.05)
    events: list[Event] = []
    disk = FailingDisk(engine)
    async with Writer(engine, events.append) as writer:
        await writer.write(_note(0))
        await disk.fail(writer)
        for number in range(1, 1001):
            writer.enqueue(_note(number, 5000))
        for _ in range(2):
            with pytest.raises(StoreError, match="is full"):
                await writer.write(_note(-1, 5000))
        await writer.write_or_keep(_note(1001, 5000))
        await writer.write_or_keep(lambda connection: connection.execute(text("SELECT 1")))
        assert [type(event) for event in events] == [AlertRaised]
        assert _numbers(engine) == [0]
        disk.works = True
        await writer.write(_note(1002))
        assert _numbers(engine) == list(range(1003))
    assert [type(event) for event in events] == [AlertRaised, AlertCleared]


async def test_a_full_disk_is_given_what_was_set_aside_and_nobody_notices(engine: Engine) -> None:
    """X-P4: who waits is not told of it, and nothing is lost; once."""
    events: list[Event] = []
    disk = FailingDisk(engine)
    asked: list[bool] = []

    def make_room() -> bool:
        asked.append(disk.works)
        disk.works = len(asked) == 1 or disk.works
        return len(asked) == 1

    async with Writer(engine, events.append, make_room=make_room) as writer:
        await disk.fail(writer)
        for number in range(1, 51):
            writer.enqueue(_note(number, 5000))
        assert await writer.write(_note(51, 5000)) == 51
        assert _numbers(engine) == list(range(1, 52))
        assert events == []
        await disk.fail(writer)
        with pytest.raises(StoreError, match="is full"):
            await writer.write(_note(52, 100_000))
        disk.works = True
    assert asked == [False, False]
    assert isinstance(events[0], AlertRaised)


async def test_what_is_set_aside_is_kept_when_the_disk_is_broken(engine: Engine) -> None:
    disk = FailingDisk(engine, READ_ONLY)
    async with Writer(engine, lambda _event: None, make_room=lambda: pytest.fail("of no use")) as writer:
        await disk.fail(writer)
        with pytest.raises(StoreError):
            await writer.write(_note(1))


async def test_a_disk_that_stays_away_bounds_what_is_kept(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(writer_module, "SPOOL_ITEMS", 100)
    disk = FailingDisk(engine)
    async with Writer(engine, lambda _event: None) as writer:
        await disk.fail(writer)
        for number in range(1000):
            writer.enqueue(_note(number, 5000))
        with pytest.raises(StoreError):
            await writer.write(_note(-1, 5000))
        disk.works = True
        await writer.write(_note(1000))
    kept = _numbers(engine)
    assert kept == list(range(1001 - len(kept), 1001))  # the newest are kept, in order
    assert 90 <= len(kept) <= 101


async def test_the_end_does_not_wait_for_a_disk_that_is_away(engine: Engine) -> None:
    disk = FailingDisk(engine)
    async with Writer(engine, lambda _event: None) as writer:
        await disk.fail(writer)
        writer.enqueue(_note(1, 5000))
    assert _numbers(engine) == []


@pytest.mark.real_time
async def test_a_commit_of_another_process_is_noticed(engine: Engine, places: Settings) -> None:
    seen = asyncio.Event()
    loop = asyncio.get_running_loop()

    def look(connection: Connection) -> None:
        if connection.scalar(text("SELECT count(*) FROM notes WHERE number = 7")):
            loop.call_soon_threadsafe(seen.set)

    async with Writer(engine, print, on_foreign_commit=look) as writer:
        await writer.write(_note(1))
        other = open_engine(places.database)
        with other.begin() as connection:
            connection.execute(text("INSERT INTO notes VALUES (7, NULL)"))
        other.dispose()
        busy = asyncio.create_task(_be_busy(writer))  # noticed although the writer is never idle
        async with asyncio.timeout(3):
            await seen.wait()
        busy.cancel()


async def _be_busy(writer: Writer) -> None:
    number = 1000
    while True:
        number += 1
        await writer.write(_note(number))
        await asyncio.sleep(0.02)


async def test_a_fault_in_looking_at_the_other_process_leaves_the_writer_alive(engine: Engine) -> None:
    def look(_connection: Connection) -> None:
        raise ValueError("nonsense in the other process's rows")

    async with Writer(engine, print, on_foreign_commit=look) as writer:
        await writer.write(_note(1))
        await writer.write(_note(2))
    assert _numbers(engine) == [1, 2]
