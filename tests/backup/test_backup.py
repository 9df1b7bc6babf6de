"""Backups: whole or not there, opened by their passphrase alone, and everything comes back from them."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.backup import sealed_file
from gateway.backup.contents import unpack
from gateway.backup.make import Step, existing_backups, make_backup
from gateway.backup.restore import restore_backup
from gateway.backup.sealed_file import BLOCK_BYTES, BackupUnusable, OpeningReader, SealingWriter
from gateway.settings import Settings, load_settings
from gateway.store.database import held, prepare

PASSPHRASE = "ночь, улица, фонарь"
START = datetime(2026, 3, 2, 3, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def cheap_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What makes guessing dear makes tests slow; the real cost is tried by the command."""
    monkeypatch.setattr(sealed_file, "_SCRYPT_COST", 2)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A machine with a store, certificates, secrets and a recording."""
    home = tmp_path / "etc"
    (home / "secrets").mkdir(parents=True)
    (home / "secrets" / "backup-passphrase").write_text(PASSPHRASE + "\n", encoding="utf-8")
    (home / "secrets" / "red-pin").write_text("4829", encoding="utf-8")
    config = home / "gateway.toml"
    config.write_text(
        f'data_dir = "{tmp_path}/data"\n[backup]\npassphrase_file = "secrets/backup-passphrase"\n', encoding="utf-8"
    )
    settings = load_settings(config)
    prepare(settings)
    with closing(sqlite3.connect(settings.database)) as connection:
        connection.execute("CREATE TABLE witness (word TEXT)")
        connection.execute("INSERT INTO witness VALUES ('kept')")
        connection.commit()
    (settings.data_dir / "tls").mkdir()
    (settings.data_dir / "tls" / "sip-key.pem").write_bytes(b"a key")
    settings.number_ranges.write_text("9000000000;9000009999;krasnodar\n", encoding="ascii")
    (settings.recordings_dir / "2026-03-01").mkdir(parents=True)
    (settings.recordings_dir / "2026-03-01" / "call.wav").write_bytes(random.Random(1).randbytes(3_000_000))
    return config


def witness(settings: Settings) -> str:
    with closing(sqlite3.connect(settings.database)) as connection:
        return str(connection.execute("SELECT word FROM witness").fetchone()[0])


def made_at(settings: Settings, config: Path, moment: datetime) -> Path:
    return make_backup(settings, config, clock=lambda: moment).path


def another_machine(tmp_path: Path) -> tuple[Settings, Path]:
    home = tmp_path / "other-etc"
    home.mkdir()
    config = home / "gateway.toml"
    config.write_text(f'data_dir = "{tmp_path}/other-data"\n', encoding="utf-8")
    return load_settings(config), config


def test_everything_comes_back_on_another_machine(config: Path, tmp_path: Path) -> None:
    settings = load_settings(config)
    settings = replace(settings, backup=replace(settings.backup, recordings=True))
    backup = made_at(settings, config, START)
    assert backup.name == "simbridge-20260302-033000.backup"
    assert backup.stat().st_mode & 0o777 == 0o600
    other, other_config = another_machine(tmp_path)
    restored = restore_backup(other, other_config, backup, PASSPHRASE)
    assert restored.kept == (other_config,), "the machine's own gateway.toml is not overwritten"
    assert witness(other) == "kept"
    assert (other.data_dir / "tls" / "sip-key.pem").read_bytes() == b"a key"
    assert other.number_ranges.read_text(encoding="ascii") == "9000000000;9000009999;krasnodar\n"
    recording = Path("2026-03-01") / "call.wav"
    assert (other.recordings_dir / recording).read_bytes() == (settings.recordings_dir / recording).read_bytes()
    assert (other_config.parent / "secrets" / "red-pin").read_text() == "4829"
    assert not (other_config.parent / "secrets" / "backup-passphrase").exists(), "the passphrase is in no backup"
    assert not list(other.data_dir.glob(".restoring*"))


def test_recordings_stay_out_unless_they_are_wanted(config: Path) -> None:
    backup = made_at(load_settings(config), config, START)
    assert backup.stat().st_size < 1_000_000


def test_nothing_of_it_can_be_read_without_the_passphrase(config: Path, tmp_path: Path) -> None:
    content = made_at(load_settings(config), config, START).read_bytes()
    for secret in (b"4829", b"a key", b"witness", b"gateway.toml", PASSPHRASE.encode()):
        assert secret not in content
    backup = next((tmp_path / "data" / "backups").glob("*.backup"))
    with pytest.raises(BackupUnusable, match="passphrase"), backup.open("rb") as source:
        unpack(source, "another passphrase", tmp_path / "nowhere")


def test_the_newest_stay(config: Path) -> None:
    settings = load_settings(config)
    settings = replace(settings, backup=replace(settings.backup, keep=3))
    made = [made_at(settings, config, START + timedelta(days=day)) for day in range(5)]
    assert existing_backups(settings.backup_dir) == made[2:]


def test_a_store_that_is_damaged_makes_no_backup_and_costs_no_older_one(config: Path) -> None:
    settings = load_settings(config)
    settings = replace(settings, backup=replace(settings.backup, keep=1))
    good = made_at(settings, config, START)
    content = bytearray(settings.database.read_bytes())
    content[8192:16384] = bytes(8192)
    settings.database.write_bytes(content)
    with pytest.raises(BackupUnusable):
        made_at(settings, config, START + timedelta(days=1))
    assert existing_backups(settings.backup_dir) == [good]
    assert sorted(path.name for path in settings.backup_dir.iterdir()) == [".lock", good.name]


def test_a_restore_overwrites_nothing_and_disturbs_no_daemon(config: Path, tmp_path: Path) -> None:
    settings = load_settings(config)
    backup = made_at(settings, config, START)
    with pytest.raises(BackupUnusable, match="holds a store already"):
        restore_backup(settings, config, backup, PASSPHRASE)
    other, other_config = another_machine(tmp_path)
    with held(other.data_dir), pytest.raises(BackupUnusable, match="Stop it first"):
        restore_backup(other, other_config, backup, PASSPHRASE)


def test_a_restore_that_failed_leaves_room_for_the_next(config: Path, tmp_path: Path) -> None:
    backup = made_at(load_settings(config), config, START)
    other, other_config = another_machine(tmp_path)
    torso = tmp_path / "torso.backup"
    torso.write_bytes(backup.read_bytes()[:-20])
    with pytest.raises(BackupUnusable):
        restore_backup(other, other_config, torso, PASSPHRASE)
    assert not other.database.exists()
    restore_backup(other, other_config, backup, PASSPHRASE)
    assert witness(other) == "kept"


@pytest.mark.parametrize(("words", "said"), [("short", "less than"), (None, "cannot be read")])
def test_a_passphrase_is_chosen_and_long_enough(config: Path, words: str | None, said: str) -> None:
    settings = load_settings(config)
    settings.backup_passphrase.unlink()
    if words is not None:
        settings.backup_passphrase.write_text(words)
    with pytest.raises(BackupUnusable, match=said):
        made_at(settings, config, START)


def sealed(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "sealed"
    with path.open("wb") as file:
        writer = SealingWriter(file, PASSPHRASE)
        for start in range(0, len(content), 300_000):
            writer.write(content[start : start + 300_000])
        writer.finish()
    return path


def opened(path: Path) -> bytes:
    with path.open("rb") as file:
        reader = OpeningReader(file, PASSPHRASE)
        return b"".join(iter(lambda: reader.read(77_777), b""))


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES])
def test_what_is_sealed_comes_out_as_it_was(tmp_path: Path, size: int) -> None:
    content = random.Random(size).randbytes(size)
    assert opened(sealed(tmp_path, content)) == content


def _shortened(content: bytes) -> bytes:
    return content[: -(BLOCK_BYTES + 16)]


def _swapped(content: bytes) -> bytes:
    head, block = 42, BLOCK_BYTES + 16
    first, second, rest = (
        content[head : head + block],
        content[head + block : head + 2 * block],
        content[head + 2 * block :],
    )
    return content[:head] + second + first + rest


def _turned(content: bytes) -> bytes:
    return content[:-5] + bytes([content[-5] ^ 1]) + content[-4:]


def _lengthened(content: bytes) -> bytes:
    return content + b"more"


def _other_salt(content: bytes) -> bytes:
    return content[:20] + bytes([content[20] ^ 1]) + content[21:]


@pytest.mark.parametrize("change", [_shortened, _swapped, _turned, _lengthened, _other_salt])
def test_every_change_is_seen(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    path = sealed(tmp_path, random.Random(7).randbytes(3 * BLOCK_BYTES))
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(BackupUnusable):
        opened(path)


@pytest.mark.real_time
def test_killed_at_any_step_it_leaves_whole_backups_only(config: Path, tmp_path: Path) -> None:
    """kill -9 as soon as each of its three files is there; the next run clears the rest and makes a whole one."""
    settings = load_settings(config)
    command = [sys.executable, "-m", "gateway", "backup", "--config", str(config)]
    for step in ("simbridge.db", "sealed", "opened"):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not (settings.backup_dir / ".unfinished" / step).exists():
            time.sleep(0.002)
        process.kill()
        process.wait()
    last = subprocess.run(command, check=False, capture_output=True, text=True)
    assert last.returncode == 0, last.stderr
    assert "opened again and found whole" in last.stdout
    assert not (settings.backup_dir / ".unfinished").exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealed_file, "_SCRYPT_COST", 1 << 16)
        for number, backup in enumerate(existing_backups(settings.backup_dir)):
            with backup.open("rb") as source:
                unpack(source, PASSPHRASE, tmp_path / f"opened-{number}")


def test_a_backup_that_root_makes_by_hand_is_not_in_the_way_of_the_nightly_one(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(config)
    given: dict[str, tuple[int, int]] = {}
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda path, user, group: given.update({Path(path).name: (user, group)}))
    backup = made_at(settings, config, START)
    owner = settings.data_dir.stat()
    assert given == dict.fromkeys((backup.name, ".lock", "backups"), (owner.st_uid, owner.st_gid))


def test_what_root_restores_belongs_to_the_daemons_user(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = made_at(load_settings(config), config, START)
    other, other_config = another_machine(tmp_path)
    given: dict[str, tuple[int, int]] = {}
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda path, user, group: given.update({Path(path).name: (user, group)}))
    restore_backup(other, other_config, backup, PASSPHRASE)
    owner = other.data_dir.stat()
    assert {"simbridge.db.new", "sip-key.pem.new", "daemon.lock", "tls"} <= given.keys()
    assert set(given.values()) == {(owner.st_uid, owner.st_gid)}
    for path in (other.data_dir, *other.data_dir.rglob("*")):
        assert not path.stat().st_mode & 0o007, path


def test_how_far_it_is_is_told_to_the_end(config: Path) -> None:
    told: list[tuple[Step, int, int]] = []
    make_backup(load_settings(config), config, tell=lambda *each: told.append(each))
    for step in Step:
        steps = [(done, whole) for each, done, whole in told if each is step]
        assert steps == sorted(steps)
        assert steps[-1][0] == steps[-1][1] > 100_000, step
