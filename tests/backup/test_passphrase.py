"""The passphrase as the panel sets it: in a file for the daemon's user alone, never where gateway.toml has one."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.backup.make import read_passphrase
from gateway.backup.passphrase import (
    Origin,
    PassphraseElsewhere,
    PassphraseKeeper,
    keep_passphrase,
    passphrase_origin,
)
from gateway.backup.sealed_file import BackupUnusable
from gateway.settings import BackupSettings, Settings
from gateway.store.store import open_store

GOOD = "four words of no kin"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "data").mkdir()
    return Settings(data_dir=tmp_path / "data")


async def test_it_is_kept_replaced_and_on_record(settings: Settings) -> None:
    assert passphrase_origin(settings) is Origin.NOWHERE
    async with open_store(settings) as store:
        keeper = PassphraseKeeper(settings, store.note)
        for passphrase in (GOOD, GOOD + "!"):
            await keeper.keep(passphrase, "anna")
            assert read_passphrase(settings.backup_passphrase) == passphrase
    assert passphrase_origin(settings) is Origin.PANEL
    assert stat.S_IMODE(settings.panel_passphrase.stat().st_mode) == 0o600
    with closing(sqlite3.connect(settings.database)) as database:
        rows = database.execute("select by, action from audit").fetchall()
        assert rows.count(("anna", "backup-passphrase.changed")) == 2
        assert GOOD not in "".join(database.iterdump())


def test_a_file_of_the_owners_counts_and_is_not_touched(settings: Settings, tmp_path: Path) -> None:
    named = tmp_path / "secrets-passphrase"
    with_file = replace(settings, backup=BackupSettings(passphrase_file=str(named)))
    assert with_file.backup_passphrase == named  # what the doctor asks for
    keep_passphrase(with_file, GOOD)  # it is not there yet, so the panel's is enough
    assert passphrase_origin(with_file) is Origin.PANEL
    assert read_passphrase(with_file.backup_passphrase) == GOOD
    named.write_text("another one of the owner's\n", encoding="utf-8")
    assert passphrase_origin(with_file) is Origin.FILE
    with pytest.raises(PassphraseElsewhere):
        keep_passphrase(with_file, GOOD + "?")
    assert read_passphrase(with_file.backup_passphrase) == "another one of the owner's"
    assert read_passphrase(with_file.panel_passphrase) == GOOD


@pytest.mark.parametrize("wrong", ["", "too short", "x" * 11, "long enough but two\n"])
def test_what_could_not_be_read_again_is_not_written(settings: Settings, wrong: str) -> None:
    with pytest.raises(BackupUnusable):
        keep_passphrase(settings, wrong)
    assert not settings.panel_passphrase.exists()


def test_a_place_that_takes_no_file_is_said_so(settings: Settings) -> None:
    with pytest.raises(BackupUnusable, match="cannot be written"):
        keep_passphrase(replace(settings, data_dir=settings.data_dir / "missing"), GOOD)
