"""What else is asked of the machine while calls are measured: a mix beside them, a panel in use, every core busy."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import aiohttp

from gateway.demo.shop_api import ShopApi
from tests.bench.pages import PASSWORD, sign_in
from tests.bench.place import MIXED, Place

READERS = 6
"""People who open one page after another, and hear recordings, without a pause between."""
PATIENCE_SECONDS = 20.0


class Strain(StrEnum):
    """Each has a mix of three beside the calls, whose clock's ticks are in the histogram of lateness."""

    MIX = "mix beside"
    PANEL = "panel in use"
    CORES = "cores busy"


@asynccontextmanager
async def strained(where: Place, strain: Strain) -> AsyncIterator[None]:
    """For as long as the body runs; for PANEL the place has a panel, and a recording."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_mix(where))
        if strain is Strain.PANEL:
            await stack.enter_async_context(_readers(where))
        elif strain is Strain.CORES:
            for _ in range(os.cpu_count() or 1):
                await stack.enter_async_context(_busy())
        yield


@dataclass(frozen=True, slots=True)
class Late:
    """What `/metrics` has counted: how often something was at most so late, by the bounds in seconds."""

    counts: dict[float, int]
    worst_seconds: float

    def p99_ms(self, before: Late) -> float:
        """The bound below which 99 of 100 have stayed since `before`; not a number where nothing was due."""
        every = max(self.counts.values()) - max(before.counts.values())
        if not every:
            return float("nan")
        for bound, count in sorted(self.counts.items()):
            if count - before.counts[bound] >= 0.99 * every:
                return min(bound, self.worst_seconds) * 1000
        return float("inf")


async def late(api: ShopApi, directory: Path) -> Late:
    """As it is now."""
    file = directory / "metrics.txt"
    await api.save("/metrics", file)
    text = file.read_text(encoding="utf-8")
    counts = re.findall(r'^simbridge_voice_lateness_seconds_bucket{le="(.+?)"} (\d+)$', text, re.MULTILINE)
    worst = re.search(r"^simbridge_voice_lateness_worst_seconds (\S+)$", text, re.MULTILINE)
    if not counts or worst is None:
        raise RuntimeError("The metrics tell of no lateness.")
    return Late({float(bound): int(count) for bound, count in counts}, float(worst[1]))


@asynccontextmanager
async def _mix(where: Place) -> AsyncIterator[None]:
    """Two phones talk, a third one listens in."""
    caller, callee, listener = where.mixed
    asked = await caller.call(MIXED[1])
    taken = await callee.incoming(within=PATIENCE_SECONDS)
    await taken.answer()
    await asked.answered(within=PATIENCE_SECONDS)
    snapshot = await where.api.until("/snapshot", lambda now: bool(now["calls"]), within=PATIENCE_SECONDS)
    await asyncio.sleep(0.5)
    (call,) = snapshot["calls"]
    await where.api.post(f"/calls/{call['id']}/listeners", {"extension": MIXED[2], "mode": "listen"})
    listening = await listener.incoming(within=PATIENCE_SECONDS)
    await listening.answer()
    try:
        yield
    finally:
        await asked.hang_up()
        await listening.ended(within=PATIENCE_SECONDS)


@asynccontextmanager
async def _readers(where: Place) -> AsyncIterator[None]:
    await where.api.post("/users", {"name": "reader", "password": PASSWORD, "role": "owner"})
    calls = (await where.api.get("/calls?recorded=true"))["items"]
    recording = next(call for call in calls if call["ended_at"])["recordings"][0]["id"]
    pages = ("/", "/calls", f"/recordings/{recording}.wav", "/live", f"/recordings/{recording}.wav", "/lines")
    base = f"http://127.0.0.1:{where.site.ports.web}"
    async with aiohttp.ClientSession(base, cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        await sign_in(browser, "reader")
        tasks = [asyncio.create_task(_read(browser, pages[number:] + pages[:number])) for number in range(READERS)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
    faults = [each for each in ended if isinstance(each, Exception)]
    if faults:
        raise RuntimeError(f"A reader has given up: {faults[0]!r}.")


async def _read(browser: aiohttp.ClientSession, pages: tuple[str, ...]) -> None:
    while True:
        for page in pages:
            async with browser.get(page) as answer:
                answer.raise_for_status()
                await answer.read()


@asynccontextmanager
async def _busy() -> AsyncIterator[None]:
    """A program that computes all the time, as important as any other."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass")
    try:
        yield
    finally:
        process.kill()
        await process.wait()
