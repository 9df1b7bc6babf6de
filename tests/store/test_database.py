"""The file: made, migrated, backed up and locked, also when somebody is killed in the midst."""

from __future__ import annotations

import asyncio
import pkgutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from gateway import store as store_package
from gateway.errors import AlreadyRunning, StoreError
from gateway.settings import Settings
from gateway.store import database
from gateway.store.database import back_up, held, is_held, open_engine, prepare, schema_version
from gateway.store.migrate import MIGRATIONS, upgrade
from gateway.store.schema import VERSION, metadata
from gateway.store.shop_document.shop_commands import export_shop, import_shop, stored_shop
from gateway.store.store import open_store
from gateway.telephony.shop import Shop
from tests.faults import rounds
from tests.store.conftest import HandClock, small_shop
from tests.tables import MadeOnce


@pytest.fixture(autouse=True)
def made_for_real(tables_made_once: MadeOnce, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here each database is made as an owner's is."""
    monkeypatch.setattr(database, "_migrate", tables_made_once.really)


def test_the_migrations_make_exactly_the_schema(places: Settings) -> None:
    """Whatever another test has imported: each module that has tables is asked for them."""
    for module in pkgutil.walk_packages(store_package.__path__, "gateway.store."):
        if module.name.rpartition(".")[2].startswith("schema"):
            import_module(module.name)
    prepare(places)
    engine = open_engine(places.database)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == VERSION == schema_version(places.database)


def test_every_table_has_a_key_of_text_and_its_gateway() -> None:
    for table in metadata.tables.values():
        assert [column.name for column in table.primary_key] == ["id"]
        assert table.c.id.type.python_type is str
        assert table.name == "gateways" or not table.c.gateway_id.nullable


def test_the_file_is_durable_and_private(places: Settings) -> None:
    prepare(places)
    engine = open_engine(places.database)
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
        assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
        connection.execute(text("CREATE TABLE x (y)"))
        connection.commit()
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in places.data_dir.iterdir()}
    engine.dispose()
    assert set(modes.values()) == {"0o600"}, modes
    assert oct(places.data_dir.stat().st_mode & 0o777) == "0o750"


def test_alembic_stays_out_when_there_is_nothing_to_migrate(places: Settings) -> None:
    prepare(places)
    program = (
        "import sys, asyncio; from pathlib import Path\n"
        "from gateway.settings import Settings\nfrom gateway.store.store import open_store\n"
        "async def main():\n async with open_store(Settings(data_dir=Path(sys.argv[1]))): pass\n"
        "asyncio.run(main()); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(places.data_dir)], check=False).returncode == 0


def test_a_later_releases_schema_is_used_as_it_is(places: Settings) -> None:
    """X-D8: the previous version runs on the new schema."""
    prepare(places)
    with closing(sqlite3.connect(places.database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
        connection.execute("ALTER TABLE calls ADD COLUMN colour TEXT")
        connection.commit()
    prepare(places)
    assert schema_version(places.database) == "0999"
    assert stored_shop(places) == Shop()


def test_a_migration_of_existing_data_is_preceded_by_a_backup(
    places: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(places)
    with closing(sqlite3.connect(places.database)) as connection:
        connection.execute("INSERT INTO gateways VALUES ('me', '2026-01-01T00:00:00.000000Z')")
        connection.commit()
    monkeypatch.setattr(database, "VERSION", "0002")
    migrated: list[Path] = []
    monkeypatch.setattr(database, "_migrate", migrated.append)
    prepare(places)
    assert migrated == [places.database]
    (backup,) = (places.data_dir / "backups").iterdir()
    assert backup.name == "before-0002-from-0001.db"
    assert oct(backup.stat().st_mode & 0o777) == "0o600"
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT id FROM gateways").fetchall() == [("me",)]
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_backup_of_a_database_in_use(places: Settings, tmp_path: Path) -> None:
    prepare(places)
    engine = open_engine(places.database)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO gateways VALUES ('me', '2026-01-01T00:00:00.000000Z')"))
        back_up(places.database, tmp_path / "copies" / "copy.db")  # the open transaction is not in it
    engine.dispose()
    with closing(sqlite3.connect(tmp_path / "copies" / "copy.db")) as copy:
        assert copy.execute("SELECT count(*) FROM gateways").fetchone() == (0,)
    assert [path.name for path in (tmp_path / "copies").iterdir()] == ["copy.db"]


_KILLED = """
import os, signal, sys, time
from pathlib import Path
import gateway.store.migrate
from gateway.settings import Settings
from gateway.store.database import prepare
for number in range(int(sys.argv[2])):
    child = os.fork()
    if child == 0:
        prepare(Settings(data_dir=Path(sys.argv[1]) / str(number)))
        os._exit(0)
    time.sleep(0.18 * number / int(sys.argv[2]))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


@pytest.mark.timeout(rounds(120, 900))
def test_killed_while_the_tables_are_made(places: Settings) -> None:
    """X-D7: whenever the process dies, the next start makes what is missing."""
    kills = rounds(12, 200)
    subprocess.run([sys.executable, "-c", _KILLED, str(places.data_dir), str(kills)], check=True)
    unfinished = 0
    for number in range(kills):
        mine = Settings(data_dir=places.data_dir / str(number))
        unfinished += not mine.data_dir.exists() or schema_version(mine.database) != VERSION
        prepare(mine)
        with closing(sqlite3.connect(mine.database)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert set(metadata.tables) <= tables
    assert unfinished >= 2


def test_one_transaction_for_each_migration(places: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that fails leaves no trace."""
    from alembic import op

    real = op.create_index
    made: list[str] = []

    def fail_late(name: str, *arguments: Any) -> None:
        made.append(name)
        if len(made) == 10:
            raise sqlite3.OperationalError("the power went")
        real(name, *arguments)

    monkeypatch.setattr(op, "create_index", fail_late)
    with pytest.raises(StoreError, match="the power went"):
        prepare(places)
    with closing(sqlite3.connect(places.database)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables <= {"alembic_version"}
    monkeypatch.undo()
    prepare(places)
    assert schema_version(places.database) == VERSION


def test_processes_that_start_at_once_make_the_tables_once(places: Settings) -> None:
    faults: list[BaseException] = []

    def start() -> None:
        try:
            prepare(places)
        except StoreError as error:
            faults.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert schema_version(places.database) == VERSION


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be looked at" * 50])
def test_what_is_no_database(places: Settings, content: bytes) -> None:
    places.data_dir.mkdir()
    places.database.write_bytes(content)
    with pytest.raises(StoreError, match="file is not a database"):
        prepare(places)
    with pytest.raises(StoreError):
        stored_shop(places)
    places.database.unlink()
    places.database.mkdir()
    with pytest.raises(StoreError):
        prepare(places)


def test_strange_paths(tmp_path: Path) -> None:
    places = Settings(data_dir=tmp_path / "100% of #1? & данные")
    prepare(places)
    file = tmp_path / "shop.toml"
    file.write_text('[shop]\nname = "X"\n', encoding="utf-8")
    import_shop(places, file)
    assert stored_shop(places).name == "X"


def test_the_second_daemon_is_told_who_is_first(places: Settings) -> None:
    """X-D1."""
    assert not is_held(places.data_dir)
    program = (
        "import sys; from pathlib import Path\nfrom gateway.store.database import held\n"
        "with held(Path(sys.argv[1])):\n print('held', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(places.data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdout is not None
        first.stdout.readline()
        assert is_held(places.data_dir)
        with pytest.raises(AlreadyRunning) as refusal, held(places.data_dir):
            pass
        assert refusal.value.values == {"pid": first.pid}
        assert f"process {first.pid}" in str(refusal.value)
        first.kill()
    with held(places.data_dir):
        pass


def test_a_store_is_opened_by_one_daemon_and_read_by_others(places: Settings, clock: HandClock) -> None:
    async def scene() -> None:
        async with open_store(places, clock) as store:
            await store.save_shop(small_shop(), by="owner")
            with pytest.raises(AlreadyRunning):
                async with open_store(places, clock):
                    pass
            assert stored_shop(places) == small_shop()
            assert 'password = "********"' in export_shop(places)

    asyncio.run(scene())
    upgrade_again = open_engine(places.database)
    with upgrade_again.connect() as connection:
        upgrade(connection)
    upgrade_again.dispose()
