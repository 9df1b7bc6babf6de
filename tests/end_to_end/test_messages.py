"""SMS through the whole gateway: a daemon that is killed while it sends loses nothing and sends nothing twice."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
import pytest

from gateway.demo.site import COURIER, MODEMS, Site, prepare
from gateway.emulator.client import running_emulator

pytestmark = pytest.mark.real_time

MESSAGES = 12
OPEN = ("queued", "sending")


def states(site: Site) -> dict[str, tuple[str, str]]:
    """Text and state of every message that the store has."""
    with closing(sqlite3.connect(f"file:{site.data / 'simbridge.db'}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT id, text, state FROM messages WHERE direction = 'outgoing'").fetchall()
    return {row[0]: (row[1], row[2]) for row in rows}


async def until(holds: Callable[[], bool], *, within: float) -> None:
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110  # another process has no event for it
            await asyncio.sleep(0.05)


@asynccontextmanager
async def daemon(site: Site) -> AsyncIterator[asyncio.subprocess.Process]:
    """A daemon that serves; killed at the end if it still runs."""
    log = (site.directory / "daemon.log").open("ab")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "run", "--config", str(site.config), stdout=log, stderr=log
    )
    try:
        async with aiohttp.ClientSession() as http, asyncio.timeout(30):
            while True:
                assert process.returncode is None, (site.directory / "daemon.log").read_text()[-2000:]
                try:
                    async with http.get(f"http://127.0.0.1:{site.ports.api}/api/v1/health") as answer:
                        if answer.status == 200:
                            break
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        log.close()


@asynccontextmanager
async def owner(site: Site) -> AsyncIterator[aiohttp.ClientSession]:
    """The API, signed in."""
    code = (site.data / "setup-code").read_text().strip()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{site.ports.api}") as http:
        account = {"code": code, "name": "owner", "password": "three unlikely words"}
        async with http.post("/api/v1/setup", json=account) as answer:
            assert answer.status == 201
            http.headers["Authorization"] = f"Bearer {(await answer.json())['token']}"
        yield http


async def test_a_daemon_that_is_killed_in_the_midst_loses_nothing_and_sends_nothing_twice(
    tmp_path: Path, seed: int
) -> None:
    site = prepare(tmp_path, notice="none", usual_ports=False)
    site.shop.write_text(site.shop.read_text().replace("[[lines]]\n", "[[lines]]\nsms_per_minute = 60\n"))
    setup = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "shop", "import", str(site.shop), "--config", str(site.config),
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await setup.wait() == 0
    accepted: dict[str, str] = {}
    async with running_emulator(site.emulator, modems=[family for _, family in MODEMS], within=30) as emulator:
        for modem in await emulator.modems():
            await modem.misbehave("slow_messages", seconds=0.5)
        courier = await emulator.subscriber(COURIER)
        async with daemon(site) as first, owner(site) as http:
            for number in range(MESSAGES):
                text = f"Сообщение {number}"
                key = {"Idempotency-Key": f"message-number-{number}"}
                async with http.post("/api/v1/messages", json={"to": COURIER, "text": text}, headers=key) as answer:
                    assert answer.status == 202
                    accepted[(await answer.json())["id"]] = text
            await asyncio.sleep(random.Random(seed).uniform(0.3, 2.0))
            first.kill()
            await first.wait()
            for modem in await emulator.modems():
                await modem.behave()
        cut_off = Counter(state for _, state in states(site).values())
        assert sum(cut_off.values()) == MESSAGES
        async with daemon(site):
            await until(lambda: not any(state in OPEN for _, state in states(site).values()), within=60)
            await asyncio.sleep(1.0)
        arrived = Counter(each["text"] for each in await courier.messages())
    found = states(site)
    assert {message_id: text for message_id, (text, _) in found.items()} == accepted
    assert set(arrived.values()) == {1}, arrived
    for text, state in found.values():
        if state in ("sent", "delivered"):
            assert arrived[text] == 1, (text, state)
        else:
            assert state == "unknown"
    assert Counter(state for _, state in found.values())["unknown"] <= len(MODEMS)
