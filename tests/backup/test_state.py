"""The owner learns that backups fail or have stopped, and that they are made again."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.backup.sealed_file import BackupUnusable
from gateway.backup.state import BackupWatch, Verdict, backup_state, make_and_note
from gateway.events import AlertCleared, AlertRaised, Event
from gateway.settings import Settings

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data_dir=tmp_path)
    settings.backup_dir.mkdir()
    return settings


def keep(settings: Settings, made_at: datetime) -> Path:
    path = settings.backup_dir / f"simbridge-{made_at:%Y%m%d-%H%M%S}.backup"
    path.write_bytes(b"sealed")
    return path


def choose_passphrase(settings: Settings, at: datetime = NOW) -> None:
    settings.backup_passphrase.write_text("long enough for this")
    os.utime(settings.backup_passphrase, (at.timestamp(), at.timestamp()))


def test_how_it_stands(settings: Settings) -> None:
    assert backup_state(settings, NOW).verdict is Verdict.OFF
    choose_passphrase(settings, NOW - timedelta(days=1))
    assert backup_state(settings, NOW).verdict is Verdict.WAITING
    assert backup_state(settings, NOW + timedelta(days=2)).verdict is Verdict.OLD, "none was ever made"
    keep(settings, NOW - timedelta(hours=30))
    newest = keep(settings, NOW - timedelta(hours=8))
    (settings.backup_dir / "before-2.db").write_bytes(b"of a migration")
    state = backup_state(settings, NOW)
    assert (state.verdict, state.kept[0].name, len(state.kept)) == (Verdict.GOOD, newest.name, 2)
    assert (state.kept[0].made_at, state.kept[0].size_bytes) == (NOW - timedelta(hours=8), 6)
    assert backup_state(settings, NOW + timedelta(hours=41)).verdict is Verdict.OLD


def test_why_the_last_try_failed_is_kept_until_one_succeeds(settings: Settings, tmp_path: Path) -> None:
    choose_passphrase(settings)
    with pytest.raises(BackupUnusable):
        make_and_note(settings, tmp_path / "gateway.toml", clock=lambda: NOW)
    state = backup_state(settings, NOW)
    assert state.verdict is Verdict.FAILED
    assert state.reason is not None
    assert "There is no store to back up yet" in state.reason


async def test_an_alert_comes_once_and_goes_with_the_next_good_backup(settings: Settings) -> None:
    told: list[Event] = []
    now = [NOW]
    choose_passphrase(settings)
    first = keep(settings, NOW)
    watching = asyncio.ensure_future(BackupWatch(settings, told.append, lambda: now[0]).run())
    try:
        await asyncio.sleep(3 * 3600)
        assert told == []
        now[0] += timedelta(days=3)
        await asyncio.sleep(3 * 3600)
        assert told == [AlertRaised(code="backup-old", subject="backups", values={"day": "2026-03-02", "reason": ""})]
        (settings.data_dir / "backup-failure.json").write_text('{"reason": "No room."}')
        await asyncio.sleep(3 * 3600)
        assert told[1] == AlertCleared(code="backup-old", subject="backups")
        assert told[2] == AlertRaised(
            code="backup-failed", subject="backups", values={"day": "2026-03-02", "reason": "No room."}
        )
        (settings.data_dir / "backup-failure.json").unlink()
        keep(settings, now[0])
        first.unlink()
        await asyncio.sleep(3 * 3600)
        assert told[3:] == [AlertCleared(code="backup-failed", subject="backups")]
    finally:
        watching.cancel()
