"""The one writer: a thread that owns the writing connection; what waits together is committed together.

Nothing is reported as written before its commit has reached the disk. When the disk fails (full,
read-only, broken), who waits is told at once with StoreError; what was only enqueued is kept, in
order and within a bound, and tried again until the disk is back.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import StoreError
from gateway.events import AlertCleared, AlertRaised, Publish

log = logging.getLogger(__name__)

Result = TypeVar("Result")
Work: TypeAlias = Callable[[Connection], Result]
"""Runs in the writer thread within a transaction; it must bring its values with it and touch nothing of the loop."""

SPOOL_ITEMS = 20_000
"""What is kept for a disk that is away: days of calls, about 20 MB."""
BATCH_ITEMS = 500
LINGER_SECONDS = 0.05
"""How long enqueued work waits for company, to spare the card a sync for each event of a burst."""
RETRY_SECONDS = 1.0
WATCH_SECONDS = 0.5
"""How soon a commit of another process is noticed."""

_DISK_FAULTS = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)


@dataclass(slots=True)
class _Item:
    work: Work[Any]
    future: asyncio.Future[Any] | None
    """Who waits; None: nobody, and the work is kept until it is done."""
    overtakes: bool = False
    """It needs nothing that was enqueued before it, and is committed first, alone."""
    result: Any = None
    error: BaseException | None = None


class Writer:
    """`async with` starts and stops the thread; leaving it commits everything that was enqueued."""

    def __init__(
        self,
        engine: Engine,
        publish: Publish,
        *,
        on_foreign_commit: Callable[[Connection], None] | None = None,
        make_room: Callable[[], bool] = lambda: False,
    ) -> None:
        """`on_foreign_commit` runs in the thread, in a transaction, after another process has committed.

        `make_room` runs there too, when the disk is full: whether there is room now that there was not before.
        """
        self._engine = engine
        self._publish = publish
        self._on_foreign_commit = on_foreign_commit
        self._make_room = make_room
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._spool: deque[_Item] = deque()
        self._connection: Connection | None = None
        self._data_version: int | None = None
        self._disk_is_away = False
        self._lost = 0
        self._retry_at = 0.0
        self._watch_at = 0.0
        self._thread = threading.Thread(target=self._run, name="store-writer")
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        """Start the thread."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit what is left and end the thread."""
        self._queue.put(None)
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, self._thread.join))

    async def write(self, work: Work[Result], *, overtakes: bool = False) -> Result:
        """What `work` returns, once it is committed; with `overtakes` before all that was only enqueued.

        Raises StoreError when the disk does not take it, and whatever `work` itself raises; then
        nothing of it is kept. A waiter that is cancelled does not undo the work.
        """
        return await self.hand_over(work, overtakes=overtakes)

    def hand_over(self, work: Work[Result], *, overtakes: bool = False) -> asyncio.Future[Result]:
        """As `write`, without an await before the work is on its way: the future is what `write` waits for."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.put(_Item(work, future, overtakes))
        return future

    async def write_or_keep(self, work: Work[object], *, overtakes: bool = False) -> None:
        """As `write`, but while the disk is away the work is kept for later, and the caller goes on (X-P5)."""
        try:
            await self.write(lambda connection: _nothing(work(connection)), overtakes=overtakes)
        except StoreError:
            self.enqueue(work)

    def enqueue(self, work: Work[object]) -> None:
        """Have `work` committed soon, in order with everything else; from the loop, returns at once.

        It may run more than once (after a failed commit), so it must come to the same when repeated.
        """
        self._queue.put(_Item(work, None))

    # In the thread.

    def _run(self) -> None:
        going = True
        while going:
            going = self._take()
            if self._spool and (not self._disk_is_away or self._is_due()):
                self._commit()
            if time.monotonic() >= self._watch_at:
                self._watch_at = time.monotonic() + WATCH_SECONDS
                self._watch()
        while self._spool:
            self._commit()
            if self._disk_is_away:
                log.error("%d records could not be written before the end.", len(self._spool))
                break
        self._close()
        self._engine.dispose()

    def _is_due(self) -> bool:
        """A disk that is away is tried once a second, and when somebody waits."""
        return time.monotonic() >= self._retry_at or any(item.future is not None for item in self._spool)

    def _take(self) -> bool:
        """Move what is waiting into the spool; False once the end is asked for."""
        wait = RETRY_SECONDS if self._disk_is_away else WATCH_SECONDS
        linger_until: float | None = None
        if self._spool and not self._disk_is_away:  # what was overtaken, or is more than one batch
            wait = LINGER_SECONDS
            linger_until = time.monotonic() + wait
        while len(self._spool) < SPOOL_ITEMS:
            try:
                item = self._queue.get(timeout=wait)
            except queue.Empty:
                break
            if item is None:
                return False
            if item.overtakes and not self._disk_is_away:
                self._spool.appendleft(item)
                break
            self._spool.append(item)
            if item.future is not None:
                linger_until = 0.0
            elif linger_until is None:
                linger_until = time.monotonic() + LINGER_SECONDS
            wait = max(0.0, linger_until - time.monotonic())
            if wait == 0.0 and self._queue.empty():
                break
        if self._disk_is_away and len(self._spool) >= SPOOL_ITEMS:
            self._shed()
        return True

    def _shed(self) -> None:
        """The spool is full because the disk has been away for long: the oldest tenth is lost."""
        excess = len(self._spool) - SPOOL_ITEMS * 9 // 10
        kept: deque[_Item] = deque()
        for item in self._spool:
            if excess > 0 and item.future is None:
                excess -= 1
                self._lost += 1
            else:
                kept.append(item)
        self._spool = kept

    def _commit(self) -> None:
        count = 1 if self._spool[0].overtakes else min(BATCH_ITEMS, len(self._spool))
        batch = [self._spool.popleft() for _ in range(count)]
        try:
            self._write_batch(batch)
        except (SQLAlchemyError, sqlite3.Error, _TransactionLost) as error:
            if _is_full(error) and self._make_room():
                self._close()
                self._spool.extendleft(reversed(batch))  # nothing of it was committed: all of it once more
            else:
                self._disk_failed(batch, error)
            return
        if self._disk_is_away:
            self._disk_is_away = False
            log.info("The disk takes records again; %d were lost.", self._lost)
            self._tell(lambda: self._publish(AlertCleared(code="store-error", subject="disk")))
        self._resolve(batch)

    def _write_batch(self, batch: list[_Item]) -> None:
        connection = self._connected()
        if len(batch) == 1:
            self._write_alone(connection, batch[0])
            return
        with connection.begin():
            driver = _driver(connection)  # past SQLAlchemy, whose savepoints cost more than what is done in them
            for item in batch:
                item.error = None
                driver.execute("SAVEPOINT item")
                try:
                    item.result = item.work(connection)
                except Exception as error:  # the fault of one piece of work is told to its owner and hurts no other
                    # A full disk also ends the transaction, and with it the savepoint.
                    fault = _fault_of_the_disk(error)
                    if fault is not None or not driver.in_transaction:
                        raise _TransactionLost(str(fault or error)) from error
                    driver.execute("ROLLBACK TO item")
                    item.error = error
                driver.execute("RELEASE item")

    def _write_alone(self, connection: Connection, item: _Item) -> None:
        """Nothing else is in the transaction, so that it needs no savepoint: somebody waits for it."""
        item.error = None
        transaction = connection.begin()
        try:
            item.result = item.work(connection)
        except Exception as error:  # the fault of one piece of work is told to its owner and hurts no other
            fault = _fault_of_the_disk(error)
            if fault is not None or not _driver(connection).in_transaction:
                transaction.close()
                raise _TransactionLost(str(fault or error)) from error
            transaction.rollback()
            item.error = error
        else:
            try:
                transaction.commit()
            finally:
                transaction.close()

    def _disk_failed(self, batch: list[_Item], error: Exception) -> None:
        """Tell who waits, keep the rest for later, in the same order."""
        self._close()
        self._retry_at = time.monotonic() + RETRY_SECONDS
        reason = str(_fault_of_the_disk(error) or error)
        everything = [*batch, *self._spool]
        waiting = [item for item in everything if item.future is not None]
        for item in waiting:
            item.error = StoreError(f"The disk does not take records: {reason}.")
        self._spool = deque(item for item in everything if item.future is None)
        self._resolve(waiting)
        if not self._disk_is_away:
            self._disk_is_away = True
            log.error("The disk does not take records; they are kept in memory: %s", reason)
            self._tell(
                lambda: self._publish(AlertRaised(code="store-error", subject="disk", values={"detail": reason}))
            )

    def _resolve(self, batch: list[_Item]) -> None:
        for item in batch:
            if item.future is None and item.error is not None:
                log.error("A record could not be written.", exc_info=item.error)
        waiting = [item for item in batch if item.future is not None]
        if waiting:
            self._tell(lambda: _answer(waiting))

    def _watch(self) -> None:
        """Notice what another process has committed (https://www.sqlite.org/pragma.html#pragma_data_version)."""
        if self._on_foreign_commit is None:
            return
        try:
            connection = self._connected()
            # Past SQLAlchemy, which would begin a transaction and take the write lock.
            version = _driver(connection).execute("PRAGMA data_version").fetchone()[0]
            if self._data_version != version:
                with connection.begin():
                    self._on_foreign_commit(connection)
            self._data_version = version
        except Exception:  # nothing that is found there may end the writer
            log.exception("What another process has stored cannot be read")
            self._close()

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
            self._data_version = None

    def _tell(self, what: Callable[[], None]) -> None:
        if self._loop is None:
            raise AssertionError("the thread runs only inside the context")
        self._loop.call_soon_threadsafe(what)


def _nothing(_result: object) -> None:
    """A cursor must not leave its thread."""


class _TransactionLost(Exception):
    """Nothing of the batch can be committed."""


def _answer(items: list[_Item]) -> None:
    """On the loop: wake who waits."""
    for item in items:
        if item.future is None or item.future.done():
            continue
        if item.error is not None:
            item.future.set_exception(item.error)
        else:
            item.future.set_result(item.result)


def _driver(connection: Connection) -> sqlite3.Connection:
    """The connection of the standard library's driver."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError("the store's own database is SQLite")
    return driver


def _is_full(error: BaseException) -> bool:
    return getattr(_fault_of_the_disk(error), "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF == sqlite3.SQLITE_FULL


def _fault_of_the_disk(error: BaseException | None) -> BaseException | None:
    """What SQLite said of the file, in an error or in one that it followed; None when it is about the work."""
    while error is not None:
        said = getattr(error, "orig", None) or error
        if getattr(said, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF in _DISK_FAULTS:
            return said
        error = error.__cause__ or error.__context__
    return None
