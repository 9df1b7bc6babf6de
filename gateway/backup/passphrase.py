"""The passphrase of the backups, as an owner sets it in the panel: kept in a file, and told to nobody again.

The panel's own file lies in the data directory. Where gateway.toml names a file and it is there, that one counts, and
is changed where it lies: services may not write beside gateway.toml.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TypeAlias

from gateway.backup.make import LEAST_PASSPHRASE
from gateway.backup.sealed_file import BackupUnusable
from gateway.errors import GatewayError
from gateway.settings import Settings

Note: TypeAlias = Callable[[str, str], Awaitable[None]]
"""Has an action on record, by the name of whoever did it."""


class Origin(StrEnum):
    """Where the passphrase is from. NOWHERE: there is none, so no backup is made."""

    NOWHERE = "nowhere"
    PANEL = "panel"
    FILE = "file"


class PassphraseElsewhere(GatewayError):
    """The file `values["path"]`, which gateway.toml names, holds the passphrase."""

    code = "passphrase-elsewhere"


def passphrase_origin(settings: Settings) -> Origin:
    """As of now; looks at the disk."""
    if not settings.backup_passphrase.exists():
        return Origin.NOWHERE
    return Origin.PANEL if settings.backup_passphrase == settings.panel_passphrase else Origin.FILE


class PassphraseKeeper:
    """Keeps what an owner chooses."""

    def __init__(self, settings: Settings, note: Note) -> None:
        self._settings = settings
        self._note = note

    async def keep(self, passphrase: str, by: str) -> None:
        """Seal every later backup with it. Raises BackupUnusable, PassphraseElsewhere, StoreError."""
        await asyncio.to_thread(keep_passphrase, self._settings, passphrase)
        await self._note(by, "backup-passphrase.changed")


def keep_passphrase(settings: Settings, passphrase: str) -> None:
    """Replace the panel's file, at once or not at all. Raises BackupUnusable, PassphraseElsewhere."""
    if len(passphrase) < LEAST_PASSPHRASE or passphrase != passphrase.strip("\r\n"):
        raise BackupUnusable(f"A passphrase has at least {LEAST_PASSPHRASE} characters, in one line.")
    if passphrase_origin(settings) is Origin.FILE:
        path = str(settings.backup_passphrase)
        raise PassphraseElsewhere(f"The passphrase of the backups is kept in {path}: change it there.", path=path)
    target = settings.panel_passphrase
    fresh = target.with_name(target.name + ".new")
    try:
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(passphrase + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)
    except OSError as fault:
        raise BackupUnusable(f"The passphrase cannot be written to {target}: {fault}.") from fault
