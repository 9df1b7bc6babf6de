"""The database file: how it is opened, created and brought to the newest schema, and who holds the data directory.

Durability: WAL with synchronous=FULL, so that what is committed survives a power cut. The schema's
version is read with plain SQL; Alembic is imported only when there is something to migrate.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from gateway.errors import AlreadyRunning, StoreError
from gateway.store.schema import VERSION

BUSY_MS = 10_000
"""How long a writer waits for another process (an import by the command line, the worker) to commit."""

MAPPED_BYTES = 256 * 1024 * 1024
"""What a reader maps of the file instead of copying it page by page."""


class Places(Protocol):
    """Where things lie; Settings is one."""

    @property
    def data_dir(self) -> Path:
        """The directory of everything."""

    @property
    def database(self) -> Path:
        """The SQLite file, within the data directory."""


def open_engine(database: Path, *, read_only: bool = False) -> Engine:
    """An engine on an existing database; every transaction of a writing one takes the write lock at its beginning."""
    engine = create_engine(
        f"sqlite:///file:{_quoted(database)}?mode=rw&uri=true",
        connect_args={"timeout": BUSY_MS / 1000},
        hide_parameters=True,  # a fault that goes to the log names no number and nobody's words
    )

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        # The driver must not begin transactions by itself: it would begin them without the write lock.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        if read_only:
            connection.execute("PRAGMA query_only = ON")
            connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")

    @event.listens_for(engine, "begin")
    def begun(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


_PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    f"PRAGMA busy_timeout = {BUSY_MS}",
)


def prepare(places: Places) -> None:
    """Make the data directory and the database if they are missing, and bring the schema up to date.

    Safe from several processes at once, and after being killed at any point. Raises StoreError.
    """
    try:
        places.data_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
        if schema_version(places.database) >= VERSION:
            return
        with _locked(places.data_dir / "schema.lock"):
            version = schema_version(places.database)
            if version >= VERSION:
                return
            if version:
                back_up(places.database, places.data_dir / "backups" / f"before-{VERSION}-from-{version}.db")
            _migrate(places.database)
    except (OSError, sqlite3.Error, DBAPIError) as error:
        raise StoreError(f"The database {places.database} cannot be opened: {error}.") from error


def schema_version(database: Path) -> str:
    """The version of the schema; empty when there is none yet. A later release's version is the greater one."""
    if not database.exists():
        return ""
    with closing(sqlite3.connect(f"file:{_quoted(database)}?mode=rw", uri=True, timeout=BUSY_MS / 1000)) as connection:
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
    return str(row[0]) if row else ""


def back_up(database: Path, target: Path) -> None:
    """A whole copy of a database that may be in use; `target` appears only when it is complete and on disk."""
    target.parent.mkdir(mode=0o750, exist_ok=True)
    unfinished = target.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(unfinished)) as copy:
        source.backup(copy)
    _sync(unfinished)
    unfinished.replace(target)
    _sync(target.parent)


@contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Hold the data directory for this process. Raises AlreadyRunning with the pid of who holds it (X-D1)."""
    data_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    descriptor = os.open(data_dir / "daemon.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = _pid_in(descriptor)
            raise AlreadyRunning(
                f"Another simbridge, process {pid}, is using the data directory {data_dir}.", pid=pid
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        yield
    finally:
        os.close(descriptor)


def is_held(data_dir: Path) -> bool:
    """A daemon runs on this data directory now."""
    try:
        with held(data_dir):
            return False
    except AlreadyRunning:
        return True


def _pid_in(descriptor: int) -> int:
    """The pid that the holder writes right after it has the lock; 0 when it does not come."""
    for _ in range(50):
        text = os.pread(descriptor, 32, 0).strip()
        if text:
            return int(text)
        time.sleep(0.01)
    return 0


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time; the lock goes with its holder."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _migrate(database: Path) -> None:
    from gateway.store.migrate import upgrade  # noqa: PLC0415  # Alembic stays out of the daemon when nothing is to do

    # The write-ahead log and its index take the mode of the database file.
    os.close(os.open(database, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    with closing(sqlite3.connect(database, timeout=BUSY_MS / 1000)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    engine = open_engine(database)
    try:
        with engine.connect() as connection:
            upgrade(connection)
    finally:
        engine.dispose()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _quoted(path: Path) -> str:
    """A path within a URI file name (https://www.sqlite.org/uri.html)."""
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
