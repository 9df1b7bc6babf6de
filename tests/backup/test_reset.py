"""The data directory as it was before the first start."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.backup.reset import factory_reset
from gateway.backup.sealed_file import BackupUnusable
from gateway.settings import Settings
from gateway.store.database import held, prepare


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data_dir=tmp_path / "data")
    prepare(settings)
    for directory in ("recordings/2026-03-01", "tls", "backups"):
        (settings.data_dir / directory).mkdir(parents=True, exist_ok=True)
    (settings.recordings_dir / "2026-03-01" / "call.wav").write_bytes(b"a voice")
    (settings.backup_dir / "simbridge-20260302-033000.backup").write_bytes(b"sealed")
    settings.backup_passphrase.write_text("a passphrase")
    (settings.data_dir / "setup-code").write_text("ABCD-EFGH")
    return settings


def left(settings: Settings) -> set[str]:
    return {path.name for path in settings.data_dir.iterdir()}


def test_everything_goes_but_the_backups(settings: Settings) -> None:
    gone = factory_reset(settings, with_backups=False)
    assert gone[0] == settings.database
    assert left(settings) == {"backups", "backup-passphrase", "daemon.lock"}
    assert (settings.backup_dir / "simbridge-20260302-033000.backup").exists()
    prepare(settings)


def test_backups_go_when_they_are_to_go(settings: Settings) -> None:
    factory_reset(settings, with_backups=True)
    assert left(settings) == {"daemon.lock"}


def test_nothing_goes_while_a_daemon_runs(settings: Settings) -> None:
    before = left(settings)
    with held(settings.data_dir), pytest.raises(BackupUnusable, match="Stop it first"):
        factory_reset(settings, with_backups=True)
    assert left(settings) == before | {"daemon.lock"}
