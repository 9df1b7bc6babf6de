"""The command for an owner who has forgotten the password."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing

import pytest

from gateway.settings import Settings
from gateway.store.new_password import give_new_password
from gateway.store.store import open_store
from tests.store.conftest import HandClock

FORGOTTEN = "a long walk in the rain"


@pytest.mark.real_time
async def test_an_owner_comes_in_again_while_the_daemon_runs_and_nothing_else_is_lost(
    places: Settings, clock: HandClock
) -> None:
    async with open_store(places, clock) as store:
        accounts = store.accounts
        await accounts.set_up(code=accounts.setup_code() or "", name="Анна", password=FORGOTTEN)
        before = await accounts.sign_in(name="Анна", password=FORGOTTEN, address="10.0.0.5", user_agent="browser")
        assert before is not None
        told = await asyncio.to_thread(give_new_password, places, "Eve")
        assert "'Eve'" in told
        assert "Анна" in told, "the name may be what was forgotten"
        said = await asyncio.to_thread(give_new_password, places, " анна ")
        (password,) = re.findall(r"[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}", said)
        for _ in range(1000):  # the running daemon looks twice a second
            if await accounts.authenticate(before.token) is None:
                break
            await asyncio.sleep(0.02)
        assert await accounts.authenticate(before.token) is None, "who was signed in is not any more"
        assert await accounts.sign_in(name="Анна", password=FORGOTTEN, address="", user_agent="") is None
        again = await accounts.sign_in(name="Анна", password=password, address="", user_agent="")
        assert again is not None
        assert await accounts.authenticate(again.token) is not None
    with closing(sqlite3.connect(places.database)) as database:
        rows = database.execute("select by, action, subject from audit").fetchall()
        kept = "\n".join(database.iterdump())
    assert ("command line", "password.changed", "Анна") in rows
    assert password not in kept
