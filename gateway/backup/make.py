"""`simbridge backup`: one sealed file of the whole gateway, opened again and judged before it counts.

Whatever happens in the midst, power cut or kill -9: under a backup's name there is a whole backup or nothing. The
unfinished one lies in a directory of its own, which the next run clears.
"""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

from gateway import __version__
from gateway.backup.contents import DATABASE, MANIFEST, Manifest, Source, sources, unpack
from gateway.backup.sealed_file import BackupUnusable, SealingWriter
from gateway.clock import WallClock, utc_now
from gateway.settings import Settings
from gateway.store.database import back_up, schema_version
from gateway.syncing import sync_names

SUFFIX = ".backup"
LEAST_PASSPHRASE = 12
_UNFINISHED = ".unfinished"
_LOCK = ".lock"


class Step(StrEnum):
    """What is being done for a backup."""

    SEALING = "sealing"
    CHECKING = "checking"


Tell: TypeAlias = Callable[[Step, int, int], None]
"""Hears how far it is: so many bytes of so many."""


def tell_nobody(_step: Step, _done_bytes: int, _all_bytes: int) -> None:
    """For a backup that nobody waits for."""


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was judged good. `removed` are older ones that went for it."""

    path: Path
    size_bytes: int
    files: int
    removed: tuple[Path, ...]


def make_backup(settings: Settings, config: Path, *, clock: WallClock = utc_now, tell: Tell = tell_nobody) -> Made:
    """Back up everything that gateway.toml at `config` speaks of. Raises BackupUnusable, a sentence for the owner."""
    directory, passphrase = settings.backup_dir, read_passphrase(settings.backup_passphrase)
    if not settings.database.exists():
        raise BackupUnusable(f"There is no store to back up yet: {settings.database} is missing.")
    try:
        with _alone(directory) as work:
            made = _make(settings, config, work, passphrase, clock=clock, tell=tell)
            if os.geteuid() == 0:
                _give_to_owner(settings, made.path)
            return made
    except (OSError, sqlite3.Error) as fault:
        raise BackupUnusable(f"No backup could be made in {directory}: {fault}.") from fault


def read_passphrase(file: Path) -> str:
    """The passphrase that the owner has chosen. Raises BackupUnusable."""
    try:
        passphrase = file.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, ValueError) as fault:
        raise BackupUnusable(
            f"The passphrase of the backups cannot be read from {file}: {fault}. Write one of your own into it, and"
            " keep it elsewhere too: without it no backup can be opened."
        ) from fault
    if len(passphrase) < LEAST_PASSPHRASE:
        raise BackupUnusable(f"The passphrase in {file} has less than {LEAST_PASSPHRASE} characters.")
    return passphrase


def existing_backups(directory: Path) -> list[Path]:
    """Oldest first: their names are their times."""
    return sorted(path for path in directory.glob(f"simbridge-*{SUFFIX}") if path.is_file())


def _make(settings: Settings, config: Path, work: Path, passphrase: str, *, clock: WallClock, tell: Tell) -> Made:
    moment = clock()
    store = work / "simbridge.db"
    back_up(settings.database, store)
    without = frozenset(each.resolve() for each in (settings.backup_passphrase, settings.panel_passphrase))
    others = list(sources(settings.data_dir, config, without=without, recordings=settings.backup.recordings))
    sealed = work / "sealed"
    with sealed.open("xb") as target:
        sealed.chmod(0o600)
        wanted = [Source(store, DATABASE), *others]
        files, all_bytes = _write(target, passphrase, schema_version(store), moment.isoformat(), wanted, tell=tell)
        target.flush()
        os.fsync(target.fileno())
    store.unlink()
    opened = work / "opened"
    opened.mkdir()
    with sealed.open("rb") as source:
        manifest = unpack(source, passphrase, opened, told=lambda done: tell(Step.CHECKING, done, all_bytes))
    if len(manifest.files) != files:
        raise BackupUnusable("The backup could be opened again, but does not hold all files.")
    name = settings.backup_dir / f"simbridge-{moment:%Y%m%d-%H%M%S}{SUFFIX}"
    sealed.replace(name)
    sync_names(settings.backup_dir)
    old = existing_backups(settings.backup_dir)[: -settings.backup.keep]
    for path in old:
        path.unlink()
    return Made(name, name.stat().st_size, files, tuple(old))


def _write(
    target: BinaryIO, passphrase: str, schema: str, made_at: str, wanted: list[Source], *, tell: Tell
) -> tuple[int, int]:
    """Seal them; how many files and bytes there were. What vanishes meanwhile, as old recordings do, is left out."""
    found = [each for each in wanted if each.path.is_file()]
    done_bytes, all_bytes = 0, sum(each.path.stat().st_size for each in found)
    manifest = Manifest(
        simbridge=__version__, schema=schema, made_at=made_at, files=tuple(each.name for each in found)
    ).to_json()
    sealing = SealingWriter(target, passphrase)
    with tarfile.open(fileobj=cast("BinaryIO", sealing), mode="w|gz", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, MANIFEST, io.BytesIO(manifest), len(manifest))
        for each in found:
            with each.path.open("rb") as file:
                size_bytes = os.fstat(file.fileno()).st_size
                _add(archive, each.name, file, size_bytes)
            done_bytes += size_bytes
            tell(Step.SEALING, done_bytes, all_bytes)
    sealing.finish()
    return len(found), done_bytes


def _add(archive: tarfile.TarFile, name: str, content: BinaryIO, size_bytes: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = size_bytes
    archive.addfile(entry, content)


@contextmanager
def _alone(directory: Path) -> Iterator[Path]:
    """A cleared directory to work in, for one process at a time. Raises BackupUnusable when another one is at it."""
    directory.mkdir(mode=0o750, parents=True, exist_ok=True)
    descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise BackupUnusable(f"Another backup into {directory} is being made at this moment.") from fault
        work = directory / _UNFINISHED
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(mode=0o700)
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)
    finally:
        os.close(descriptor)


def _give_to_owner(settings: Settings, made: Path) -> None:
    """What root has made by hand must not be in the way of the nightly run, which is the daemon's user."""
    owner = settings.data_dir.stat()
    own = settings.backup_dir.is_relative_to(settings.data_dir)
    for path in (made, made.parent / _LOCK, *((made.parent,) if own else ())):
        os.chown(path, owner.st_uid, owner.st_gid)
