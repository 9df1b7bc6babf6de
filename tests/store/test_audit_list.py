"""The audit as people read it: pages, filters, and a chain that shows what was tampered with (T-L10)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

from gateway.settings import Settings
from gateway.store.audit_list import AuditList, AuditWanted
from gateway.store.store import open_store
from tests.store.conftest import HandClock


async def test_rows_are_found_and_a_broken_chain_shows(places: Settings, clock: HandClock) -> None:
    async with open_store(places, clock) as store:
        for number in range(7):
            clock.pass_by(minutes=1)
            await store.note("Анна" if number % 2 else "Boris", "backup-passphrase.changed", f"subject {number}")
    listed = AuditList(places)
    rows, rest = listed.rows(AuditWanted(), before=None, limit=5)
    assert [row["number"] for row in rows] == [8, 7, 6, 5, 4]
    assert rows[0]["subject"] == "subject 6"
    older, end = listed.rows(AuditWanted(), before=rest, limit=5)
    assert ([row["number"] for row in older], end) == ([3, 2, 1], None)
    assert older[-1]["action"] == "gateway.started"
    mine, _ = listed.rows(AuditWanted(search="Анна"), before=None, limit=9)
    assert [row["number"] for row in mine] == [7, 5, 3]
    since = clock.now - timedelta(minutes=1)
    late, _ = listed.rows(AuditWanted(since=since, until=clock.now), before=None, limit=9)
    assert [row["number"] for row in late] == [7]
    assert listed.check() == {"rows": 8, "first_broken": None}
    with closing(sqlite3.connect(places.database)) as database, database:
        database.execute("update audit set subject = 'another' where number = 4")
    assert listed.check() == {"rows": 8, "first_broken": 4}
