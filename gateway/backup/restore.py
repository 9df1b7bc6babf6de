"""`simbridge restore`: a backup becomes the data of a gateway that has none yet.

The store is put in its place last: a restore that was cut off anywhere before leaves a data directory without a
store, on which it can be done again.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from gateway.backup.contents import DATABASE, Manifest, settle_promises, unpack
from gateway.backup.sealed_file import BackupUnusable
from gateway.errors import AlreadyRunning
from gateway.settings import Settings
from gateway.store.database import held
from gateway.syncing import sync_names

_UNFINISHED = ".restoring"


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of it. `kept` are files of the machine's settings that were there already and stayed as they are."""

    manifest: Manifest
    kept: tuple[Path, ...]


def restore_backup(settings: Settings, config: Path, file: Path, passphrase: str) -> Restored:
    """Fill the data directory of gateway.toml at `config`. Raises BackupUnusable with a sentence for the owner."""
    try:
        with held(settings.data_dir), file.open("rb") as source:
            if settings.database.exists():
                raise BackupUnusable(
                    f"{settings.data_dir} holds a store already. Move that away first: nothing is overwritten."
                )
            work = settings.data_dir / _UNFINISHED
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir(mode=0o700)
            try:
                manifest = unpack(source, passphrase, work)
                settle_promises(work / DATABASE)
                _give_to_owner(settings.data_dir)
                return Restored(manifest, tuple(_put_in_place(work, settings, config)))
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except AlreadyRunning as fault:
        raise BackupUnusable(f"{fault} Stop it first: sudo systemctl stop simbridge") from fault
    except OSError as fault:
        raise BackupUnusable(f"The backup {file} could not be restored: {fault}.") from fault


def _put_in_place(work: Path, settings: Settings, config: Path) -> list[Path]:
    """Machine settings that exist are kept; below the data directory nothing but leftovers of a cut-off try can be."""
    kept = []
    for path in sorted((work / "settings").rglob("*")):
        if path.is_file():
            target = config if path.name == "gateway.toml" else config.parent / path.relative_to(work / "settings")
            if target.exists():
                kept.append(target)
            else:
                target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
                _move(path, target)
    database = work / DATABASE
    for path in sorted((work / "data").rglob("*")):
        if path.is_file() and path != database:
            target = settings.data_dir / path.relative_to(work / "data")
            _make_directories(target.parent, settings.data_dir)
            _move(path, target)
    sync_names(settings.data_dir)
    _move(database, settings.database)
    return kept


def _move(source: Path, target: Path) -> None:
    """On disk under its new name when this returns; also from one file system to another."""
    draft = target.with_name(target.name + ".new")
    shutil.copyfile(source, draft)
    draft.chmod(0o600)
    status = source.stat()
    if os.geteuid() == 0:
        os.chown(draft, status.st_uid, status.st_gid)
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(target)
    sync_names(target.parent)


def _make_directories(directory: Path, top: Path) -> None:
    for each in reversed([directory, *directory.parents]):
        if each.is_relative_to(top) and not each.exists():
            each.mkdir(mode=0o750)
            if os.geteuid() == 0:
                shutil.copystat(top, each)
                os.chown(each, top.stat().st_uid, top.stat().st_gid)


def _give_to_owner(data_dir: Path) -> None:
    """Root restores for the daemon's user, whose directory it is."""
    if os.geteuid() == 0:
        owner = data_dir.stat()
        for path in data_dir.rglob("*"):
            os.chown(path, owner.st_uid, owner.st_gid)
