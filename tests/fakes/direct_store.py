"""A store without its thread: work is committed on the loop at once, so that virtual time cannot pass it by."""

from __future__ import annotations

import asyncio
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import StaticPool

from gateway.errors import StoreError
from gateway.events import Event
from gateway.store.balances import StoredBalances
from gateway.store.database import open_engine
from gateway.store.inbox import StoredInbox
from gateway.store.jobs import StoredJobs
from gateway.store.outbox import StoredOutbox
from gateway.store.schema import metadata
from gateway.store.writer import Result, Work, Writer

BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def loop_clock() -> datetime:
    """The wall clock that goes with a virtual loop."""
    return BEGAN + timedelta(seconds=asyncio.get_running_loop().time() - 1000.0)


class DirectWriter(Writer):
    """Commits at once; while `is_away` the disk takes nothing."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        weakref.finalize(self, engine.dispose)
        super().__init__(engine, lambda event: None)
        self.is_away = False
        self._kept: list[Work[object]] = []

    def hand_over(self, work: Work[Result], *, overtakes: bool = False) -> asyncio.Future[Result]:
        del overtakes
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        if self.is_away:
            future.set_exception(StoreError("The disk is full."))
        else:
            self._write_kept()
            with self.engine.begin() as connection:
                future.set_result(work(connection))
        return future

    def enqueue(self, work: Work[object]) -> None:
        self._kept.append(work)
        if not self.is_away:
            self._write_kept()

    def _write_kept(self) -> None:
        kept, self._kept = self._kept, []
        for work in kept:
            with self.engine.begin() as connection:
                work(connection)


def memory_writer() -> DirectWriter:
    """Of a database that is nowhere but in memory, and forgotten with its writer."""
    return DirectWriter(create_engine("sqlite://", poolclass=StaticPool, creator=_open_in_memory))


def _open_in_memory() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.deserialize(_empty_database())
    return connection


@cache
def _empty_database() -> bytes:
    """All tables, without a row: read in a thousandth of the time that it takes to make them."""
    with closing(sqlite3.connect(":memory:", check_same_thread=False)) as connection:
        engine = create_engine("sqlite://", poolclass=StaticPool, creator=lambda: connection)
        metadata.create_all(engine)
        return connection.serialize()


class DirectStore:
    """The ledgers of messages and jobs on one database."""

    def __init__(self, database: Path) -> None:
        self.writer = DirectWriter(open_engine(database))
        self.events: list[Event] = []
        known: dict[str, Any] = {"gateway_id": "g", "clock": loop_clock}
        self.outbox = StoredOutbox(self.writer, publish=self.events.append, **known)
        self.inbox = StoredInbox(self.writer, self.outbox, publish=self.events.append, **known)
        self.jobs = StoredJobs(self.writer, **known)
        self.balances = StoredBalances(self.writer, publish=self.events.append, **known)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the database holds."""
        with self.writer.engine.begin() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]


@contextmanager
def direct_store(directory: Path) -> Iterator[DirectStore]:
    """A store in that directory; opened again it is what a crash would have left."""
    database = directory / "direct.db"
    is_new = not database.exists()
    database.touch()
    store = DirectStore(database)
    if is_new:
        metadata.create_all(store.writer.engine)
    try:
        yield store
    finally:
        store.writer.engine.dispose()
