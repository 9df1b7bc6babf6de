"""Lists: every row once, page by page, whatever is filtered; little work in a long log, too."""

from __future__ import annotations

import base64
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from gateway.ids import new_id
from gateway.settings import Settings
from gateway.store.database import prepare
from gateway.store.queries import Queries
from gateway.store.schema import moment_text
from tests.store.test_journal import Wanted

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = (
    "id", "gateway_id", "started_at", "direction", "caller", "caller_name", "called", "line", "flow", "courier",
    "answered_at", "answered_by", "ended_at", "cause", "ended_by", "talk_seconds", "total_seconds", "search",
)  # fmt: skip


def fill(places: Settings, count: int, seed: int) -> list[dict[str, Any]]:
    """Calls of a made-up shop; several may begin in the same moment."""
    print("seed", seed)
    shuffle = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for number in range(count):
        started = FIRST + timedelta(seconds=shuffle.randrange(count * 30))
        answered = shuffle.random() < 0.7
        mobile = f"+7916{shuffle.randrange(10_000_000):07}"
        name = shuffle.choice(["", "", "Иван", "Анна Петровна"])
        rows.append({
            "id": f"0190{number:032x}", "gateway_id": "g", "started_at": moment_text(started),
            "direction": shuffle.choice(["incoming", "outgoing", "internal"]), "caller": mobile, "caller_name": name,
            "called": "101", "line": shuffle.choice(["red", "blue", None]), "flow": "ring-phones",
            "courier": shuffle.choice([None, None, "2001", "2002"]),
            "answered_at": moment_text(started + timedelta(seconds=5)) if answered else None,
            "answered_by": "101" if answered else None,
            "ended_at": moment_text(started + timedelta(seconds=60)) if shuffle.random() < 0.99 else None,
            "cause": "hung-up", "ended_by": "caller", "talk_seconds": 55.0, "total_seconds": 60.0,
            "search": f" {mobile} {name} 101".casefold(),
        })  # fmt: skip
    rows.sort(key=lambda row: str(row["started_at"]))
    prepare(places)
    with closing(sqlite3.connect(places.database)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        marks = ", ".join(f":{column}" for column in COLUMNS)
        connection.executemany(f"INSERT INTO calls ({', '.join(COLUMNS)}) VALUES ({marks})", rows)  # noqa: S608  # the columns are ours
        sounds = [(new_id(), "g", row["id"], f"{row['id']}.wav", "finished", row["started_at"], 0) for row in rows[::3]]
        connection.executemany(
            "INSERT INTO recordings (id, gateway_id, call_id, path, state, started_at, kept) VALUES (?,?,?,?,?,?,?)",
            sounds,
        )
        connection.commit()
    recorded = {sound[2] for sound in sounds}
    for row in rows:
        row["recorded"] = row["id"] in recorded
    return rows


def all_pages(queries: Queries, wanted: Wanted, limit: int) -> Iterator[dict[str, object]]:
    cursor = None
    while True:
        rows, cursor = queries.calls(wanted, cursor=cursor, limit=limit)
        assert len(rows) <= limit
        yield from rows
        if cursor is None:
            return


def test_every_filter_gives_exactly_its_rows_in_order(places: Settings) -> None:
    rows = fill(places, 400, seed=7)
    day = FIRST + timedelta(hours=1)
    cases: list[tuple[Wanted, Any]] = [
        (Wanted(), lambda row: True),
        (Wanted(direction="incoming"), lambda row: row["direction"] == "incoming"),
        (Wanted(outcome="answered"), lambda row: row["answered_at"] is not None),
        (Wanted(outcome="missed"), lambda row: row["answered_at"] is None and row["ended_at"] is not None),
        (Wanted(courier="2001"), lambda row: row["courier"] == "2001"),
        (Wanted(line="red"), lambda row: row["line"] == "red"),
        (Wanted(recorded=True), lambda row: row["recorded"]),
        (Wanted(recorded=False), lambda row: not row["recorded"]),
        (Wanted(search="анна"), lambda row: row["caller_name"].startswith("Анна")),
        (Wanted(search="+7 916 1"), lambda row: row["caller"].startswith("+79161") or "79161" in row["caller"]),
        (Wanted(since=day), lambda row: row["started_at"] >= moment_text(day)),
        (Wanted(until=day), lambda row: row["started_at"] < moment_text(day)),
        (
            Wanted(line="blue", outcome="missed", recorded=True, since=day),
            lambda row: row["line"] == "blue" and row["answered_at"] is None and row["ended_at"] is not None
            and row["recorded"] and row["started_at"] >= moment_text(day),
        ),
    ]  # fmt: skip
    with Queries(places) as queries:
        for wanted, matches in cases:
            expected = sorted((row for row in rows if matches(row)), key=lambda row: (row["started_at"], row["id"]))
            for limit in (1, 7, 200):
                if limit == 1 and len(expected) > 50:
                    continue
                found = list(all_pages(queries, wanted, limit))
                assert [row["id"] for row in found] == [row["id"] for row in reversed(expected)], wanted
        recorded = next(row for row in all_pages(queries, Wanted(recorded=True), 5))
        assert len(recorded["recordings"]) == 1  # type: ignore[arg-type]  # a list, as the API has it


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "!!!",
        "é",
        base64.urlsafe_b64encode(b"no separator").decode(),
        base64.urlsafe_b64encode(b"a|b").decode(),
    ],
)
def test_what_is_no_cursor(places: Settings, cursor: str) -> None:
    prepare(places)
    with Queries(places) as queries:
        with pytest.raises(ValueError, match="not a cursor"):
            queries.calls(Wanted(), cursor=cursor, limit=5)
        with pytest.raises(ValueError, match="not a cursor"):
            queries.messages(Wanted(), cursor=cursor, limit=5)


@pytest.mark.parametrize("search", ["%", "_", "'", '"; DROP TABLE calls; --', "\x00", "("])
def test_a_search_text_is_only_a_text(places: Settings, search: str) -> None:
    fill(places, 5, seed=1)
    with Queries(places) as queries:
        assert queries.calls(Wanted(search=search), cursor=None, limit=9) == ([], None)
        assert len(queries.calls(Wanted(search="  "), cursor=None, limit=9)[0]) == 5


def test_a_page_of_a_long_log_is_little_work(places: Settings) -> None:
    """The worst pages: the last one, rare rows, a needle that is nowhere. In steps of SQLite: time is the bench's."""
    steps: dict[str, list[int]] = {}
    for count in (4_000, 20_000):
        for file in places.data_dir.glob("*.db*"):
            file.unlink()
        rows = fill(places, count, seed=3)
        oldest = min(row["started_at"] for row in rows)
        last_page = base64.urlsafe_b64encode(f"{oldest[:-4]}999Z|x".encode()).decode()
        with Queries(places) as queries:
            taken = [0]

            def step(taken: list[int] = taken) -> None:
                taken[0] += 1

            with queries._reading.connect() as connection:
                driver = connection.connection.driver_connection
                assert isinstance(driver, sqlite3.Connection)
                driver.set_progress_handler(step, 10)
            for name, wanted, cursor in (
                ("newest", Wanted(), None),
                ("oldest", Wanted(), last_page),
                ("line", Wanted(line="red"), None),
                ("missed", Wanted(courier="2001", outcome="missed"), None),
                ("recorded", Wanted(recorded=True, direction="incoming"), None),
                ("digits", Wanted(search="9161234"), None),
                ("nobody", Wanted(search="nobody has this name"), None),
            ):
                taken[0] = 0
                queries.calls(wanted, cursor=cursor, limit=50)
                steps.setdefault(name, []).append(10 * taken[0])
            taken[0] = 0
            assert queries.call(rows[500]["id"]) is not None
            steps.setdefault("one", []).append(10 * taken[0])
            assert taken[0] > 0
    print(steps)
    searches = ("digits", "nobody")
    assert all(long < 1.5 * short for name, (short, long) in steps.items() if name not in searches), steps
    assert all(steps[name][1] < 8 * 20_000 for name in searches), steps


def test_reading_cannot_write(places: Settings) -> None:
    prepare(places)
    with (
        Queries(places) as queries,
        queries._reading.connect() as connection,
        pytest.raises(OperationalError, match="readonly"),
    ):
        connection.exec_driver_sql("DELETE FROM calls")
