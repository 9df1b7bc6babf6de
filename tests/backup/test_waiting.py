"""A backup that waits for the next start: judged before, and in place as a whole or not at all."""

from __future__ import annotations

import io
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.backup import contents, sealed_file
from gateway.backup.make import make_backup
from gateway.backup.sealed_file import BackupDamaged, BackupForeign, BackupUnusable, WrongPassphrase
from gateway.backup.waiting import BEFORE, WAITING, make_ready, take_waiting
from gateway.errors import AlreadyRunning
from gateway.settings import Settings, load_settings
from gateway.store import database, migrate
from gateway.store.database import held, prepare

PASSPHRASE = "ночь, улица, фонарь"


@pytest.fixture(scope="module", autouse=True)
def cheap_guesses() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealed_file, "_SCRYPT_COST", 2)
        yield


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Of a shop with a word in its store, a key, a prompt of its own and a passphrase."""
    home = tmp_path_factory.mktemp("old")
    (home / "secrets").mkdir(parents=True)
    (home / "secrets" / "backup-passphrase").write_text(PASSPHRASE, encoding="utf-8")
    config = home / "gateway.toml"
    config.write_text('data_dir = "data"\n[backup]\npassphrase_file = "secrets/backup-passphrase"\n', encoding="utf-8")
    settings = load_settings(config)
    a_store(settings, "old", rows=3000)
    with closing(sqlite3.connect(settings.database)) as connection:
        for direction, state in (
            ("outgoing", "queued"), ("outgoing", "sending"), ("outgoing", "sent"), ("incoming", "received"),
        ):  # fmt: skip
            connection.execute(
                "INSERT INTO messages (id, gateway_id, direction, state, time, parts, search)"
                " VALUES (?, '1', ?, ?, '2026-03-02T03:00:00.000Z', 1, '')",
                (state, direction, state),
            )
        for state in ("waiting", "running", "done"):
            connection.execute(
                "INSERT INTO jobs (id, gateway_id, kind, arguments, state, due_at, attempts, created_at)"
                " VALUES (?, '1', 'send-sms', '{}', ?, '2026-03-02', 0, '2026-03-02T03:00:00.000Z')",
                (state, state),
            )
        connection.commit()
    for name in ("tls/sip-key.pem", "recording-keys/1.key", "prompts/en/greeting.wav"):
        (settings.data_dir / name).parent.mkdir(parents=True, exist_ok=True)
        (settings.data_dir / name).write_text("of the backup")
    return make_backup(settings, config).path.read_bytes()


@pytest.fixture(scope="module")
def another_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of another machine, where a shop has begun."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("new") / "data")
    a_store(settings, "new", rows=10)
    for name in ("recording-keys/2.key", "prompts/en/busy.wav"):
        (settings.data_dir / name).parent.mkdir(parents=True, exist_ok=True)
        (settings.data_dir / name).write_text("of here")
    return settings.data_dir


@pytest.fixture
def here(tmp_path: Path, another_shop: Path) -> Settings:
    shutil.copytree(another_shop, tmp_path / "data")
    return Settings(data_dir=tmp_path / "data")


def a_store(settings: Settings, word: str, *, rows: int) -> None:
    prepare(settings)
    with closing(sqlite3.connect(settings.database)) as connection:
        connection.execute("CREATE TABLE witness (word TEXT)")
        connection.executemany("INSERT INTO witness VALUES (?)", [(word * 200,)] * rows)
        connection.commit()


_STATES_OF = {"messages": "SELECT id, state FROM messages", "jobs": "SELECT id, state FROM jobs"}


def states_of(database: Path, table: str) -> dict[str, str]:
    with closing(sqlite3.connect(database)) as connection:
        return dict(connection.execute(_STATES_OF[table]))


def word_of(database: Path) -> str:
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        (found,) = connection.execute("SELECT DISTINCT substr(word, 1, 3) FROM witness").fetchall()
        return str(found[0])


def files_of(settings: Settings) -> dict[str, str]:
    return {
        str(path.relative_to(settings.data_dir)): path.read_text()
        for path in settings.data_dir.glob("[prt]*/**/*")
        if path.is_file()
    }


RESTORED = {
    "tls/sip-key.pem": "of the backup",
    "recording-keys/1.key": "of the backup",
    "recording-keys/2.key": "of here",
    "prompts/en/greeting.wav": "of the backup",
}


def test_what_waits_is_in_place_after_the_next_start(backup: bytes, here: Settings) -> None:
    with held(here.data_dir):
        manifest = make_ready(here, io.BytesIO(backup), PASSPHRASE)
        assert "settings/secrets/backup-passphrase" not in manifest.files
        with pytest.raises(AlreadyRunning):
            take_waiting(here, lambda: None)
    assert word_of(here.database) == "new", "nothing changes while the daemon runs"
    reader = sqlite3.connect(here.database)  # the worker has the store open, and goes on
    alive: list[int] = []
    assert take_waiting(here, lambda: alive.append(1))
    assert reader.execute("SELECT count(*) FROM witness").fetchone()[0] == 3000
    reader.close()
    assert word_of(here.database) == "old"
    assert word_of(here.data_dir / "backups" / BEFORE) == "new"
    assert files_of(here) == RESTORED
    assert alive
    assert states_of(here.database, "messages") == {
        "queued": "unknown", "sending": "unknown", "sent": "sent", "received": "received",
    }  # fmt: skip
    assert states_of(here.database, "jobs") == {"waiting": "unknown", "running": "unknown", "done": "done"}
    assert not list(here.data_dir.glob(".restore*"))
    assert not take_waiting(here, lambda: None), "once is enough"


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda content: b"PK" + content, BackupForeign),
        (lambda content: content[:-30], BackupUnusable),
        (lambda content: content[:60] + bytes([content[60] ^ 1]) + content[61:], WrongPassphrase),
        (lambda _content: b"", BackupForeign),
    ],
)
def test_what_cannot_be_used_changes_nothing(
    backup: bytes, here: Settings, spoil: Callable[[bytes], bytes], fault: type[BackupUnusable]
) -> None:
    before = files_of(here)
    with pytest.raises(fault):
        make_ready(here, io.BytesIO(spoil(backup)), PASSPHRASE)
    with pytest.raises(WrongPassphrase):
        make_ready(here, io.BytesIO(backup), "another passphrase")
    assert not take_waiting(here, lambda: None)
    assert (word_of(here.database), files_of(here)) == ("new", before)
    assert not list(here.data_dir.glob(".restore*"))


def test_a_younger_one_takes_the_place_of_one_that_waits(backup: bytes, here: Settings) -> None:
    make_ready(here, io.BytesIO(backup), PASSPHRASE)
    (here.data_dir / WAITING / "data" / "leftover").write_text("of the first")
    make_ready(here, io.BytesIO(backup), PASSPHRASE)
    assert take_waiting(here, lambda: None)
    assert not (here.data_dir / "leftover").exists()


_KILLED = """
import os, sys
from pathlib import Path
from gateway.backup import waiting
from gateway.settings import Settings
waiting._PAGES_AT_A_TIME = 20
left = [int(sys.argv[2])]
def alive():
    left[0] -= 1
    if left[0] <= 0:
        os.kill(os.getpid(), 9)
waiting.take_waiting(Settings(data_dir=Path(sys.argv[1])), alive)
"""


def test_a_kill_in_the_midst_of_the_copy_leaves_the_old_store_and_the_next_start_goes_on(
    backup: bytes, here: Settings
) -> None:
    make_ready(here, io.BytesIO(backup), PASSPHRASE)
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(here.data_dir), "3"], check=False)
    assert killed.returncode == -9
    assert word_of(here.database) == "new"
    assert take_waiting(here, lambda: None)
    assert (word_of(here.database), files_of(here)) == ("old", RESTORED)
    assert word_of(here.data_dir / "backups" / BEFORE) == "new"


@pytest.mark.parametrize("moved", range(4))
def test_files_whose_moves_were_cut_off_are_moved_by_the_next_start(backup: bytes, here: Settings, moved: int) -> None:
    make_ready(here, io.BytesIO(backup), PASSPHRASE)
    waiting = here.data_dir / WAITING
    again = here.data_dir.parent / "again"
    shutil.copytree(waiting, again)
    assert take_waiting(here, lambda: None)
    # As if the machine had been cut off after so many moves: those files are gone from what waits, the marks are there.
    shutil.move(again, waiting)
    (waiting / "kept").touch()
    (waiting / "cleared").touch()
    for path in sorted(path for path in (waiting / "data").rglob("*") if path.is_file() and path.suffix != ".db")[
        :moved
    ]:
        path.unlink()
    assert take_waiting(here, lambda: None)
    assert (word_of(here.database), files_of(here)) == ("old", RESTORED)
    assert word_of(here.data_dir / "backups" / BEFORE) == "new"


def test_a_store_that_cannot_be_copied_leaves_everything_as_it_was(backup: bytes, here: Settings) -> None:
    before = files_of(here)
    make_ready(here, io.BytesIO(backup), PASSPHRASE)
    (here.data_dir / WAITING / "data" / "simbridge.db").write_bytes(b"no store at all" * 1000)
    assert take_waiting(here, lambda: None)
    assert (word_of(here.database), files_of(here)) == ("new", before)
    assert not take_waiting(here, lambda: None), "it is not tried for ever"


def test_the_store_in_a_backup_is_brought_up_to_date_before_it_counts(
    backup: bytes, here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_way(_connection: object) -> None:
        raise sqlite3.OperationalError("no such step")

    monkeypatch.setattr(contents, "VERSION", "9999")
    monkeypatch.setattr(database, "VERSION", "9999")
    monkeypatch.setattr(migrate, "upgrade", no_way)
    with pytest.raises(BackupDamaged, match="no such step"):
        make_ready(here, io.BytesIO(backup), PASSPHRASE)
    assert not (here.data_dir / WAITING).exists()
