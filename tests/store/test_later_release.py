"""X-D7: a release whose store takes a step, over a store that has calls in it: what was there stays, whatever happens.

No release precedes this one, so the step is one of the kind that later ones may take: a column and an index.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.settings import Settings
from gateway.store.database import schema_version
from gateway.store.migrate import MIGRATIONS
from gateway.store.schema import VERSION
from tests.bench import year
from tests.faults import rounds

CALLS = rounds(2_000, 100_000)
MOST_SECONDS = 60.0
KILLS = rounds(8, 200)
LATER = f"{int(VERSION) + 1:04}"
_STEP = f"""
from alembic import op
from sqlalchemy import Column, Text

revision = "{LATER}"
down_revision = "{VERSION}"


def upgrade():
    op.add_column("calls", Column("colour", Text))
    op.create_index("ix_calls_colour", "calls", ["colour"])
"""
_UPGRADE = """
import os, random, signal, sys, time
from pathlib import Path

from gateway.settings import Settings
from gateway.store import database, migrate

chance, migrate.MIGRATIONS, database.VERSION, *places = random.Random(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]


def upgrade(place):
    database.prepare(Settings(data_dir=Path(place)))


seconds = None
for place in places:
    began, child = time.monotonic(), os.fork()
    if child == 0:
        upgrade(place)
        os._exit(0)
    if seconds is not None and sys.argv[1]:
        time.sleep(chance.uniform(0, seconds))
        os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] in (0, signal.SIGKILL)
    seconds = seconds or time.monotonic() - began
"""
"""A seed, the migrations, the version, and the stores. With a seed all but the first are killed at any moment."""
_TABLES = ("calls", "legs", "recordings", "messages", "contacts", "orders")


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """The migrations of the later release."""
    copy = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, copy)
    (copy / "versions" / f"v{LATER}_colour.py").write_text(_STEP, encoding="utf-8")
    return copy


def filled(new_store: Path, directory: Path, calls: int, seed: int) -> Settings:
    """A store of this release with so many calls in it."""
    shutil.copytree(new_store, directory)
    places = Settings(data_dir=directory)
    with closing(sqlite3.connect(places.database)) as connection:
        connection.execute("INSERT OR IGNORE INTO gateways VALUES ('me', '2026-01-01T00:00:00.000000Z')")
        connection.commit()
    year.fill(places.database, calls, seed, now=datetime(2026, 11, 22, tzinfo=UTC))
    return places


def upgraded(later: Path, places: list[Settings], *, seed: int | None = None) -> None:
    """What the later release does at its start; with a seed it is killed at all stores but the first."""
    chance = "" if seed is None else str(seed)
    stores = [str(each.data_dir) for each in places]
    subprocess.run([sys.executable, "-c", _UPGRADE, chance, str(later), LATER, *stores], check=True)


def rows(places: Settings) -> dict[str, tuple[int, list[tuple[object, ...]]]]:
    """How many there are of each table, and some of them with the columns of this release."""
    with closing(sqlite3.connect(places.database)) as store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = {}
        for table in _TABLES:
            names = [f'"{name}"' for _, name, *_ in store.execute(f"PRAGMA table_info({table})") if name != "colour"]
            some = store.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY id LIMIT 500").fetchall()  # noqa: S608  # our own names
            found[table] = (store.execute(f"SELECT count(*) FROM {table}").fetchone()[0], some)  # noqa: S608  # the same
    return found


@pytest.mark.timeout(rounds(120, 600))
def test_a_large_store_takes_its_step_in_time(new_store: Path, later: Path, tmp_path: Path, seed: int) -> None:
    places = filled(new_store, tmp_path / "data", CALLS, seed)
    before, began = rows(places), time.monotonic()
    upgraded(later, [places])
    seconds = time.monotonic() - began
    print(f"a store of {CALLS} calls took its step, with a copy made before it, in {seconds:.1f} s")
    assert rows(places) == before
    assert before["calls"][0] == CALLS
    assert schema_version(places.database) == LATER
    assert (places.data_dir / "backups" / f"before-{LATER}-from-{VERSION}.db").stat().st_size > 0
    assert seconds <= MOST_SECONDS


@pytest.mark.timeout(rounds(120, 1800))
def test_killed_within_the_step(new_store: Path, later: Path, tmp_path: Path, seed: int) -> None:
    """Whenever the process dies, the next start goes on, and every row is as it was."""
    whole = filled(new_store, tmp_path / "data", 500, seed)
    before = rows(whole)
    stores = [Settings(data_dir=tmp_path / str(number)) for number in range(KILLS + 1)]
    for each in stores:
        shutil.copytree(whole.data_dir, each.data_dir)
    upgraded(later, stores, seed=seed)
    unfinished = sum(schema_version(each.database) != LATER for each in stores)
    upgraded(later, stores)
    assert {schema_version(each.database) for each in stores} == {LATER}
    assert all(rows(each) == before for each in stores)
    print(f"{unfinished} of {KILLS} kills came before the end of the step")
    assert unfinished >= KILLS // 8
