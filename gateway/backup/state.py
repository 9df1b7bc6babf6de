"""How it stands with the backups: what there is, how old it is, and why the last try failed."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

from gateway.backup.make import Made, Tell, existing_backups, make_backup, tell_nobody
from gateway.backup.sealed_file import BackupUnusable
from gateway.clock import WallClock, utc_now
from gateway.events import AlertCleared, AlertRaised, Publish
from gateway.settings import Settings

BACKUP_AGE = timedelta(days=2)
"""They are made every night; this is one night missed and a long evening."""
LOOK_SECONDS = 3600.0
FAILED, OLD = "backup-failed", "backup-old"
_SUBJECT = "backups"
_NOTE = "backup-failure.json"


class Verdict(StrEnum):
    """OFF: no passphrase was chosen, so none are made. WAITING: it was chosen, and no night has passed since."""

    OFF = "off"
    WAITING = "waiting"
    GOOD = "good"
    OLD = "old"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup in its directory."""

    name: str
    made_at: datetime
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupState:
    """`kept` is newest first. `reason` says why the last try failed; None: it did not."""

    verdict: Verdict
    kept: tuple[Kept, ...]
    reason: str | None = None


def make_and_note(settings: Settings, config: Path, *, clock: WallClock = utc_now, tell: Tell = tell_nobody) -> Made:
    """`make_backup`, and a note of its failure for whoever looks later. Raises BackupUnusable."""
    note = settings.data_dir / _NOTE
    try:
        made = make_backup(settings, config, clock=clock, tell=tell)
    except BackupUnusable as fault:
        with suppress(OSError):  # the disk may be what is wrong
            note.write_text(json.dumps({"at": clock().isoformat(), "reason": str(fault)}), encoding="utf-8")
            note.chmod(0o644)
        raise
    note.unlink(missing_ok=True)
    return made


def backup_state(settings: Settings, now: datetime) -> BackupState:
    """As of `now`; looks at the disk."""
    kept = tuple(filter(None, map(_kept, reversed(_backups(settings)))))
    if not settings.backup_passphrase.exists():
        return BackupState(verdict=Verdict.OFF, kept=kept)
    try:
        reason = str(json.loads((settings.data_dir / _NOTE).read_text(encoding="utf-8"))["reason"])
        return BackupState(verdict=Verdict.FAILED, kept=kept, reason=reason)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    since = kept[0].made_at if kept else _changed_at(settings.backup_passphrase)
    if now - since > BACKUP_AGE:
        return BackupState(verdict=Verdict.OLD, kept=kept)
    return BackupState(verdict=Verdict.GOOD if kept else Verdict.WAITING, kept=kept)


class BackupWatch:
    """Raises an alert when the nightly backup has failed or is too old, for as long as `run` is not cancelled."""

    def __init__(self, settings: Settings, publish: Publish, clock: WallClock) -> None:
        self._settings = settings
        self._publish = publish
        self._clock = clock
        self._raised: str | None = None

    async def run(self) -> NoReturn:
        """Look once an hour."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._judge(await asyncio.to_thread(backup_state, self._settings, self._clock()))

    def _judge(self, state: BackupState) -> None:
        code = {Verdict.FAILED: FAILED, Verdict.OLD: OLD}.get(state.verdict)
        if self._raised not in (None, code):
            self._publish(AlertCleared(code=str(self._raised), subject=_SUBJECT))
        if code is not None and code != self._raised:
            values = {"day": f"{state.kept[0].made_at:%Y-%m-%d}" if state.kept else "-", "reason": state.reason or ""}
            self._publish(AlertRaised(code=code, subject=_SUBJECT, values=values))
        self._raised = code


def _backups(settings: Settings) -> list[Path]:
    return existing_backups(settings.backup_dir) if settings.backup_dir.is_dir() else []


def _kept(path: Path) -> Kept | None:
    try:
        status = path.stat()
    except OSError:
        return None
    match = re.search(r"(\d{8}-\d{6})", path.name)
    if match is None:
        return Kept(path.name, datetime.fromtimestamp(status.st_mtime, UTC), status.st_size)
    return Kept(path.name, datetime.strptime(match[1] + "Z", "%Y%m%d-%H%M%S%z"), status.st_size)


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
