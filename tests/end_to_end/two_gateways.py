"""The example of docs/gateways.md, as it stands there: two gateways, Kamailio, PostgreSQL and S3 on one machine."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import time
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.demo.free_port import free_port
from gateway.emulator.sip_phone import SipPhone
from tests.end_to_end.house import House, house
from tests.faults.many_calls import daemon_of
from tests.store.replication.postgres import postgres
from tests.worker.s3_server import BUCKET, s3_server

PAGE = Path(__file__).parents[2] / "docs" / "gateways.md"
NUMBER = "+74951234567"
NAMES = ("north", "south")
PASSED_OVER_SECONDS = 10.0
"""Three seconds of silence (fr_timer), and what a busy machine adds to a call."""


def _of_page(pattern: str) -> str:
    found = re.search(pattern, PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


@asynccontextmanager
async def _kamailio(directory: Path) -> AsyncIterator[int]:
    port = free_port(socket.SOCK_DGRAM)
    text = _of_page(r"```\n(debug=2\n.+?)```").replace("192.0.2.10:5060", f"127.0.0.1:{port}")
    (directory / "kamailio.cfg").write_text(text.replace("192.0.2.10", "127.0.0.1"))
    files = ["-f", "kamailio.cfg", "-Y", str(directory), "-P", "kamailio.pid", "-m", "16", "-M", "4"]
    with (directory / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "/usr/sbin/kamailio", "-DD", "-E", *files, cwd=directory, stdout=DEVNULL, stderr=log
        )
    try:
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        print((directory / "log").read_text(errors="replace")[-3000:])


def _is_registered(snapshot: Any) -> bool:
    return [row["state"] for row in snapshot["trunks"]] == ["ready"]


async def _call(caller: SipPhone, phones: list[SipPhone]) -> tuple[int, float]:
    """A customer calls the shop's number; which gateway's phone was rung and answered, and after how many seconds."""
    began, call = time.monotonic(), caller.call(NUMBER)
    rung = {asyncio.create_task(phone.incoming()): place for place, phone in enumerate(phones)}
    done, waiting = await asyncio.wait(rung, timeout=60, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    (taken,) = done
    taken.result().ring()
    taken.result().answer()
    async with asyncio.timeout(30):
        await call.answered()
    seconds = time.monotonic() - began
    await asyncio.sleep(2)
    call.hang_up()
    return rung[taken], seconds


@pytest.mark.real_time
@pytest.mark.timeout(600)
async def test_calls_are_spread_and_shown_in_one_panel(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        database = stack.enter_context(postgres()).new_database()
        bucket = stack.enter_context(s3_server())
        port = await stack.enter_async_context(_kamailio(tmp_path))
        trunk = _of_page(r"```toml\n(\[\[trunks\]\]\n.+?)```").replace("192.0.2.10:5060", f"127.0.0.1:{port}")
        secret = tmp_path / "secret"
        secret.write_text(bucket.secret_key)
        shared = (
            f'database = "{database}"\ns3_endpoint = "{bucket.url}"\ns3_bucket = "{BUCKET}"\n'
            f's3_access_key = "{bucket.access_key}"\ns3_secret_key_file = "{secret}"\n'
        )

        async def start(name: str) -> House:
            return await stack.enter_async_context(
                house(
                    tmp_path / name,
                    shop=lambda shop: f"{shop}\n{trunk.replace('north', name)}",
                    config=lambda config: f'{config}\n[replication]\nname = "{name}"\n{shared}',
                )
            )

        houses = [await start(name) for name in NAMES]
        phones = [await stack.enter_async_context(each.phone()) for each in houses]
        for each, phone in zip(houses, phones, strict=True):
            await each.api.until("/snapshot", _is_registered, within=120)
            await phone.register()
        caller = await stack.enter_async_context(SipPhone(("127.0.0.1", 0), ("127.0.0.1", port), "customer", "none"))
        assert [(await _call(caller, phones))[0] for _ in range(4)] == [0, 1, 0, 1]

        def all_heard(page: Any) -> bool:
            sounds = [sound["is_stored"] for call in page["items"] for sound in call["recordings"]]
            return len(page["items"]) == len(sounds) == 4 and all(sounds)

        for each in houses:
            page = await each.api.until("/gateways/calls", all_heard, within=180)
            assert sorted(call["gateway"]["name"] for call in page["items"]) == ["north", "north", "south", "south"]
        north = next(call for call in page["items"] if call["gateway"]["name"] == "north")
        file = tmp_path / "heard.wav"
        await houses[1].api.save(f"/gateways/recordings/{north['recordings'][0]['id']}", file)
        assert file.stat().st_size == north["recordings"][0]["size_bytes"]
        with pytest.raises(aiohttp.ClientResponseError):
            await houses[1].api.get("/gateways/calls/none")
        os.kill(daemon_of(houses[0].site.config), signal.SIGKILL)
        for _ in range(4):  # half of them would have been the dead one's
            place, seconds = await _call(caller, phones)
            print(f"north is dead: south's phone has answered after {seconds:.1f} s")
            assert place == 1
            assert seconds <= PASSED_OVER_SECONDS
