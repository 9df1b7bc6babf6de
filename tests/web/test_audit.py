"""The audit log in the panel: rows in words, filters in the address, a table, and a check of the chain."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

from flask.testing import FlaskClient

from gateway.store.store import open_store
from tests.fakes.gateway_thread import GatewayThread


async def _fill(gateway: GatewayThread) -> None:
    async with open_store(gateway.settings) as store:
        await store.note("anna", "recording.listened", "call c1")
        await store.note("=cmd()", "token.created", "<b>CRM</b>")


def test_the_log_is_read_searched_taken_along_and_checked(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert owner.get("/access/audit").status_code == 200  # with no store to read yet
    asyncio.run(_fill(gateway))
    page = owner.get("/access/audit").text
    assert "A recording was listened to" in page
    assert "&lt;b&gt;CRM&lt;/b&gt;" in page
    assert "A token was created" not in owner.get("/access/audit?search=anna").text
    assert "Nothing matches" in owner.get("/access/audit?from=2020-01-01&to=2020-01-02").text
    assert owner.get("/access/audit?from=nonsense&cursor=nonsense").status_code == 200
    owner.set_cookie("language", "ru")
    table = owner.get("/access/audit.csv")
    assert table.headers["Content-Type"].startswith("text/csv")
    assert "Запись прослушана" in table.text
    assert "'=cmd()" in table.text
    owner.set_cookie("language", "en")
    assert "The chain of 3 rows is whole." in owner.get("/access/audit?check=1").text
    with closing(sqlite3.connect(gateway.settings.database)) as database, database:
        database.execute("update audit set by = 'nobody' where number = 2")
    assert "The chain breaks at row 2" in owner.get("/access/audit?check=1").text
