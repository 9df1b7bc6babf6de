"""`python -m tests.bench.crowd`: thirty people with open panels and eight tabs of one more, while a call talks.

Daemon, worker, panel and emulated modems are processes of their own. Each person keeps the panel's event stream open,
or asks again every 2 s where it takes no more of them, and fetches what the news put out of date, as the panel's own
pages do. Calls come and go meanwhile, so that there is news. Told are the times of the pages that somebody else opens,
and how much of the running call was heard within 200 ms. Exit status 1 when pages have a median of 300 ms or more, or
less than 99 % was heard.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from gateway.demo.processes import Processes
from gateway.demo.shop_api import ShopApi
from gateway.demo.site import Site, prepare
from gateway.settings import load_settings
from gateway.store.shop_document.shop_commands import import_shop
from tests.bench.cost import machine
from tests.bench.flood import LATE_SECONDS, Voice
from tests.bench.pages import PASSWORD, SLOWEST_MS, sign_in
from tests.bench.sip_phones import Failed

STAFF, TABS = 30, 8
ASK_SECONDS = 2.0
PAGES = ("/", "/live", "/calls", "/lines", "/couriers", "/messages", "/missed", "/phones")
_PARTS = {"calls": "live_calls", "all": "tiles", "history": "today", "phones": "tiles", "lines": "tiles"}
_PHONES = 4


@dataclass
class Crowd:
    """What the people have seen."""

    streams: int = 0
    polls: int = 0
    news: int = 0
    fetched: list[float] = field(default_factory=list)
    """Milliseconds of each part that was fetched because of news."""
    wrong: list[int] = field(default_factory=list)
    """Statuses that were not 200."""

    async def fetch(self, browser: aiohttp.ClientSession, path: str) -> None:
        """A part, or a page."""
        began = time.monotonic()
        async with browser.get(path) as answer:
            await answer.read()
            if answer.status != 200:
                self.wrong.append(answer.status)
        self.fetched.append(1000 * (time.monotonic() - began))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.crowd")
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    print(f"Machine: {machine()}. Load average before: {os.getloadavg()[0]:.1f}.", flush=True)
    with tempfile.TemporaryDirectory(prefix="simbridge-crowd-") as directory:
        return asyncio.run(_measure(Path(directory), options.seconds))


async def _measure(directory: Path, seconds: float) -> int:
    site = prepare(directory / "site", notice="none", usual_ports=False)
    more = "".join(f'\n[[phones]]\nextension = "{121 + index}"\npassword = "{PASSWORD}"\n' for index in range(_PHONES))
    site.shop.write_text(site.shop.read_text(encoding="utf-8") + more, encoding="utf-8")
    import_shop(load_settings(site.config), site.shop)
    server = ("127.0.0.1", site.ports.sip)
    voices = [Voice(str(121 + index), PASSWORD, server=server, host=f"127.0.1.{1 + index}") for index in range(_PHONES)]
    async with (
        Processes(site, panel=True, say=lambda _text: None, start_seconds=300.0),
        ShopApi(site) as api,
        AsyncExitStack() as stack,
    ):
        for voice in voices:
            stack.callback(voice.close)
            await voice.open()
            await voice.register()
        people = [await _person(stack, site, api, f"staff {number}") for number in range(STAFF + 2)]
        return await _crowded(people, voices, seconds)


async def _person(stack: AsyncExitStack, site: Site, api: ShopApi, name: str) -> aiohttp.ClientSession:
    await api.post("/users", {"name": name, "password": PASSWORD, "role": "operator"})
    jar, limits = aiohttp.CookieJar(unsafe=True), aiohttp.ClientTimeout(total=None)
    browser = aiohttp.ClientSession(site.panel_url.rstrip("/"), cookie_jar=jar, timeout=limits)
    await stack.enter_async_context(browser)
    await sign_in(browser, name)
    return browser


async def _crowded(people: list[aiohttp.ClientSession], voices: list[Voice], seconds: float) -> int:
    crowd, times = Crowd(), list[float]()
    *staff, tabbed, visitor = people
    watching = [asyncio.create_task(_look_on(browser, crowd)) for browser in [*staff, *[tabbed] * TABS]]
    busy = asyncio.create_task(_calls(voices[2], voices[3]))
    talk = asyncio.create_task(voices[0].speak(voices[1].extension, seconds))
    until = time.monotonic() + seconds
    try:
        for path in itertools.cycle(PAGES):
            began = time.monotonic()
            async with visitor.get(path) as answer:
                await answer.read()
                crowd.wrong += [answer.status] * (answer.status != 200)
            times.append(1000 * (time.monotonic() - began))
            if time.monotonic() > until:
                break
            await asyncio.sleep(0.2)
        sent = await talk
    finally:
        for task in (*watching, busy, talk):
            task.cancel()
        await asyncio.gather(*watching, busy, talk, return_exceptions=True)
    heard = [voices[1].heard.get(payload, float("inf")) - at for payload, at in sent.items()]
    share = sum(delay <= LATE_SECONDS for delay in heard) / len(heard)
    missing = sum(delay == float("inf") for delay in heard)
    median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[18]
    print(f"{STAFF} people and {TABS} tabs: {crowd.streams} event streams, {crowd.polls} times asked again instead,")
    print(f"  {crowd.news} batches of news, {len(crowd.fetched)} parts fetched, answers other than 200: {crowd.wrong}")
    print(f"pages of one more: {len(times)}, median {median:.0f} ms, p95 {p95:.0f} ms, worst {max(times):.0f} ms")
    print(f"the call: {100 * share:.2f} % of {len(heard)} frames heard within 200 ms, {missing} never")
    print(f"load average after: {os.getloadavg()[0]:.1f}")
    return int(median >= SLOWEST_MS or share < 0.99 or bool(crowd.wrong))


async def _look_on(browser: aiohttp.ClientSession, crowd: Crowd) -> None:
    """One open page, as the panel's own script keeps it fresh."""
    while True:
        async with browser.get("/news") as stream:
            if stream.status == 200:
                crowd.streams += 1
                async for line in stream.content:
                    if line.startswith(b"data:"):
                        crowd.news += 1
                        topics = json.loads(line[5:])["topics"]
                        for part in sorted({_PARTS[topic] for topic in topics if topic in _PARTS}):
                            await crowd.fetch(browser, f"/parts/{part}")
        crowd.polls += 1
        await crowd.fetch(browser, "/parts/live_calls")
        await asyncio.sleep(ASK_SECONDS)


async def _calls(caller: Voice, callee: Voice) -> None:
    """Other calls come and go, two seconds each."""
    while True:
        try:
            await caller.call(callee.extension, 2.0)
        except Failed:
            print("a call of those that come and go has failed", flush=True)
        await asyncio.sleep(1.0)


if __name__ == "__main__":
    sys.exit(main())
