"""`python -m tests.bench.slow_clients`: 100 clients hang on the panel and 100 on the API, while a call talks.

The threat T-W12. Daemon, worker, panel and emulated modems are processes of their own; the clients send a byte a second
of a request that never ends, from addresses of their own, and come again as soon as they are sent away. The call talks
before and during: told is how much of it was heard within 200 ms, and how long honest questions took. Exit status 1
when less than 99 % was heard meanwhile, or an honest question went wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from gateway.demo.processes import Processes
from gateway.demo.site import Site, prepare
from gateway.settings import load_settings
from gateway.store.shop_document.shop_commands import import_shop
from tests.bench.cost import machine
from tests.bench.flood import LATE_SECONDS, Voice
from tests.bench.pages import PASSWORD

CLIENTS = 100
"""At each of the two doors."""
OF_ONE_ADDRESS = 8
_HALF = b"GET /api/v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
_PATHS = {"panel": "login", "API": "api/v1/health"}


@dataclass
class Door:
    """What hangs on a door, and how others come in by it."""

    port: int
    hanging: int = 0
    most: int = 0
    sent_away: int = 0
    times: list[float] = field(default_factory=list)
    """Milliseconds of each honest question."""
    wrong: int = 0


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.slow_clients")
    parser.add_argument("--seconds", type=float, default=60.0, help="before, and as long with the clients")
    options = parser.parse_args()
    print(f"Machine: {machine()}. Load average before: {os.getloadavg()[0]:.1f}.", flush=True)
    with tempfile.TemporaryDirectory(prefix="simbridge-slow-") as directory:
        return asyncio.run(_measure(Path(directory), options.seconds))


async def _measure(directory: Path, seconds: float) -> int:
    site = prepare(directory / "site", notice="none", usual_ports=False)
    more = "".join(f'\n[[phones]]\nextension = "{121 + index}"\npassword = "{PASSWORD}"\n' for index in range(2))
    site.shop.write_text(site.shop.read_text(encoding="utf-8") + more, encoding="utf-8")
    import_shop(load_settings(site.config), site.shop)
    server = ("127.0.0.1", site.ports.sip)
    voices = [Voice(str(121 + index), PASSWORD, server=server, host=f"127.0.1.{1 + index}") for index in range(2)]
    async with Processes(site, panel=True, say=lambda _text: None, start_seconds=300.0), AsyncExitStack() as stack:
        for voice in voices:
            stack.callback(voice.close)
            await voice.open()
            await voice.register()
        await _heard(voices, seconds, "with nobody else")
        return await _besieged(site, voices, seconds)


async def _besieged(site: Site, voices: list[Voice], seconds: float) -> int:
    doors = {"panel": Door(site.ports.web), "API": Door(site.ports.api)}
    async with asyncio.TaskGroup() as tasks:
        besiegers = [
            tasks.create_task(_hang(door, f"127.0.{6 + place}.{1 + number // OF_ONE_ADDRESS}"))
            for place, door in enumerate(doors.values())
            for number in range(CLIENTS)
        ]
        await asyncio.sleep(2)
        honest = [tasks.create_task(_ask(door, _PATHS[name])) for name, door in doors.items()]
        share = await _heard(voices, seconds, f"with {CLIENTS} slow clients at the panel and {CLIENTS} at the API")
        for task in (*besiegers, *honest):
            task.cancel()
    for name, door in doors.items():
        times = door.times if len(door.times) > 1 else [float("inf")] * 2
        median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[18]
        print(f"{name}: {door.most} hung at once at most, {door.sent_away} times one was sent away;", end=" ")
        print(f"{len(door.times)} honest questions, median {median:.0f} ms, p95 {p95:.0f} ms, {door.wrong} went wrong")
    print(f"load average after: {os.getloadavg()[0]:.1f}")
    return int(share < 0.99 or any(door.wrong for door in doors.values()))


async def _heard(voices: list[Voice], seconds: float, how: str) -> float:
    """Talk that long; which share of it was heard in time."""
    voices[1].heard.clear()  # the same is said again
    sent = await voices[0].speak(voices[1].extension, seconds)
    heard = [voices[1].heard.get(payload, float("inf")) - at for payload, at in sent.items()]
    share = sum(delay <= LATE_SECONDS for delay in heard) / len(heard)
    arrived = [1000 * delay for delay in heard if delay < float("inf")]
    delays = f"delay p50 {statistics.median(arrived):.1f} ms, longest {max(arrived):.0f} ms"
    print(f"the call {how}: {100 * share:.2f} % of {len(heard)} frames heard within 200 ms, {delays},", end=" ")
    print(f"{len(heard) - len(arrived)} never", flush=True)
    return share


async def _hang(door: Door, source: str) -> None:
    """Send a byte a second of a request that never ends, and come again when sent away."""
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", door.port, local_addr=(source, 0))
        except OSError:
            await asyncio.sleep(0.5)
            continue
        door.hanging += 1
        door.most = max(door.most, door.hanging)
        try:
            writer.write(_HALF)
            await _until_sent_away(reader, writer)
            door.sent_away += 1
        finally:
            door.hanging -= 1
            writer.close()
        await asyncio.sleep(0.5)


async def _until_sent_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async def drip() -> None:
        while True:
            await asyncio.sleep(1)
            writer.write(b"x")

    dripping = _task(drip())
    try:
        await reader.read()
    except ConnectionError:
        return
    finally:
        dripping.cancel()


def _task(work: Coroutine[None, None, None]) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(work)


async def _ask(door: Door, path: str) -> None:
    """An honest question twice a second, each by a connection of its own."""
    limits = aiohttp.ClientTimeout(total=30)
    while True:
        began = time.monotonic()
        try:
            async with aiohttp.request("GET", f"http://127.0.0.1:{door.port}/{path}", timeout=limits) as answer:
                await answer.read()
                door.wrong += answer.status != 200
        except (aiohttp.ClientError, TimeoutError):
            door.wrong += 1
        door.times.append(1000 * (time.monotonic() - began))
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
