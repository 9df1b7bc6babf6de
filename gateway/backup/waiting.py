"""A restore that needs no shell: a backup is judged beside the running daemon, whose next start puts it in place.

Whatever happens in between, power cut or kill -9: either nothing of the backup is in use, or all of it. It waits as
a whole directory under one name. The store is copied into the one that is there in one transaction, so that a worker
which has that open goes on; the files beside it follow by renames, and are repeated when they were cut off.
"""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.backup.contents import DATABASE, Manifest, settle_promises, unpack
from gateway.backup.sealed_file import BackupDamaged, BackupUnusable
from gateway.errors import StoreError
from gateway.settings import Settings
from gateway.store.database import BUSY_MS, back_up, held, prepare

log = logging.getLogger(__name__)

WAITING = ".restore-waiting"
BEFORE = "before-restore.db"
"""In the backup directory of the data: the store that a restore has replaced, until the next one."""
_UNFINISHED = ".restore-unfinished"
_OVER = ".restore-over"
_IS_KEPT = "kept"
_IS_CLEARED = "cleared"
_PAGES_AT_A_TIME = 1000


@dataclass(frozen=True, slots=True)
class _Places:
    data_dir: Path
    database: Path


def make_ready(settings: Settings, source: BinaryIO, passphrase: str) -> Manifest:
    """Open a backup, judge all of it, bring its store up to date, and let it wait for the daemon's next start.

    A younger backup takes the place of one that waits. Raises BackupUnusable; then nothing waits that did not before.
    """
    work = settings.data_dir / _UNFINISHED
    try:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(mode=0o700)
        try:
            manifest = unpack(source, passphrase, work)
            _bring_up_to_date(work)
            settle_promises(work / DATABASE)
            for path in work.rglob("*"):
                _sync(path)
            shutil.rmtree(settings.data_dir / WAITING, ignore_errors=True)
            work.replace(settings.data_dir / WAITING)
            _sync(settings.data_dir)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    except StoreError as fault:
        raise BackupDamaged(f"The store in the backup cannot be brought up to date: {fault}") from fault
    except OSError as fault:
        raise BackupUnusable(f"The backup could not be unpacked: {fault}.") from fault
    return manifest


def take_waiting(settings: Settings, alive: Callable[[], object]) -> bool:
    """Put the backup in place that waits, before anything is opened; whether there was one. `alive` is called often.

    A store that cannot be copied, for want of space perhaps, is told of in the log: then all stays as it is.
    Raises AlreadyRunning and StoreError.
    """
    shutil.rmtree(settings.data_dir / _OVER, ignore_errors=True)
    waiting = settings.data_dir / WAITING
    if not waiting.is_dir():
        return False
    with held(settings.data_dir):
        prepare(settings)
        try:
            _copy_store(waiting, settings, alive)
        except (OSError, sqlite3.Error) as fault:
            log.error("The backup that waited cannot be put in place: %s. Everything stays as it was.", fault)
        else:
            _move_files(waiting, settings)
            log.warning("A backup was put in place; what was there before is in %s.", _before(settings))
        waiting.replace(settings.data_dir / _OVER)
        _sync(settings.data_dir)
    shutil.rmtree(settings.data_dir / _OVER, ignore_errors=True)
    return True


def _bring_up_to_date(work: Path) -> None:
    data = work / "data"
    prepare(_Places(data, work / DATABASE))
    (data / "schema.lock").unlink(missing_ok=True)
    shutil.rmtree(data / "backups", ignore_errors=True)


def _copy_store(waiting: Path, settings: Settings, alive: Callable[[], object]) -> None:
    if not (waiting / _IS_KEPT).exists():  # a copy that was cut off is begun again, when the store may be the new one
        back_up(settings.database, _before(settings))
        (waiting / _IS_KEPT).touch()
        _sync(waiting)
    with (
        closing(sqlite3.connect(waiting / DATABASE)) as source,
        closing(sqlite3.connect(settings.database, timeout=BUSY_MS / 1000)) as target,
    ):
        target.execute("PRAGMA synchronous = FULL")
        source.backup(target, pages=_PAGES_AT_A_TIME, progress=lambda _status, _left, _all: alive())
        target.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _move_files(waiting: Path, settings: Settings) -> None:
    """Below the data directory. Prompts are those of the backup alone; recordings and keys that are there stay."""
    data = waiting / "data"
    if not (waiting / _IS_CLEARED).exists():  # else the backup's own prompts may be in their place already
        for path in settings.prompts_dir.glob("*/*.wav"):
            path.unlink()
        (waiting / _IS_CLEARED).touch()
        _sync(waiting)
    for path in sorted(data.rglob("*")):
        if path.is_file() and path != waiting / DATABASE:
            target = settings.data_dir / path.relative_to(data)
            target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            path.replace(target)
            _sync(target.parent)


def _before(settings: Settings) -> Path:
    return settings.data_dir / "backups" / BEFORE


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
