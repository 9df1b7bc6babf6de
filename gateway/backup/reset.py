"""`simbridge factory-reset`: the data directory as it was before the first start, but for the backups."""

from __future__ import annotations

import shutil
from pathlib import Path

from gateway.backup.sealed_file import BackupUnusable
from gateway.errors import AlreadyRunning
from gateway.settings import Settings
from gateway.store.database import held

_LOCK = "daemon.lock"


def factory_reset(settings: Settings, *, with_backups: bool) -> list[Path]:
    """Forget everything; what went, for the owner to read. Raises BackupUnusable, also while a daemon runs.

    The store goes first: a reset that was cut off leaves no half of a shop behind, and can be done again.
    """
    passphrases = {settings.backup_passphrase.name, settings.panel_passphrase.name}
    kept = {_LOCK} | (set() if with_backups else {"backups", settings.backup_dir.name} | passphrases)
    database = settings.database
    gone = []
    try:
        with held(settings.data_dir):
            store = [database, *(database.with_name(database.name + suffix) for suffix in ("-wal", "-shm"))]
            others = sorted(path for path in settings.data_dir.iterdir() if path not in store)
            for path in (*store, *others):
                if path.name in kept or not (path.exists() or path.is_symlink()):
                    continue
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
                gone.append(path)
    except AlreadyRunning as fault:
        raise BackupUnusable(f"{fault} Stop it first: sudo systemctl stop simbridge") from fault
    except OSError as fault:
        raise BackupUnusable(f"Not everything could be removed: {fault}. Do it again.") from fault
    return gone
