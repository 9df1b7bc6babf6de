"""`python -m tests.bench.pages`: every page of the panel for an owner, with a year of 100,000 calls in the store.

Daemon, worker and panel are processes of their own. Each page is asked for several times, also with filters, searches
and as a table (until its first byte); told are the median and the worst by the clock, and the processor time of all
three processes. It begins when the days of the year are summed up, with --at-once while they are. Exit status 1 when
the median of a page is above 300 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from gateway.demo.processes import Processes
from gateway.demo.shop_api import ShopApi
from gateway.demo.site import Site, prepare
from gateway.settings import load_settings
from gateway.store import kept_days
from gateway.store.shop_document.shop_commands import import_shop
from tests.bench import year
from tests.bench.cost import usage
from tests.web.routes import open_paths
from web.app import create_app

SLOWEST_MS = 300.0
PASSWORD = "three unlikely words"
CHOSEN = (
    "/calls?show=missed", "/calls?show=recorded&line=red", "/calls?search=7903123", "/calls?search=nobody+has+this",
    "/calls?search=%D0%B0%D0%BD%D0%BD%D0%B0&courier=2001", "/calls?from=2026-01-10&to=2026-02-10",
    "/messages?search=order", "/messages?search=nobody", "/contacts?search=customer+77", "/orders?search=21000",
    "/missed?show=all", "/missed.csv?show=all",
    *(f"/statistics?period=year&by={by}" for by in ("day", "hour", "week-hour", "phone", "courier", "line")),
    "/statistics.csv?period=year&by=line",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Took:
    """One page. Milliseconds; `cost_ms` is processor time of daemon, worker and panel together."""

    path: str
    status: int
    median_ms: float
    worst_ms: float
    cost_ms: float


def main() -> int:
    """Print a row for each page; 1 when one was too slow, or answered with a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pages")
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", action="store_true", help="while the days are summed up")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="simbridge-pages-") as directory:
        rows = asyncio.run(
            _measure(Path(directory), options.calls, options.times, options.seed, at_rest=not options.at_once)
        )
    for row in sorted(rows, key=lambda row: -row.median_ms):
        print(f"{row.median_ms:7.0f} {row.worst_ms:7.0f} {row.cost_ms:7.0f}  {row.status}  {row.path}")
    medians = [row.median_ms for row in rows]
    wrong = [row for row in rows if row.median_ms > SLOWEST_MS or row.status >= 500]
    print(
        f"{len(rows)} pages; the median page {statistics.median(medians):.0f} ms; {len(wrong)} above {SLOWEST_MS:.0f}"
    )
    return int(bool(wrong))


BROKEN_OFF = 599
"""In the place of an answer's status: its end never came."""


async def _measure(directory: Path, calls: int, times: int, seed: int, *, at_rest: bool) -> list[Took]:
    site = prepare(directory / "site", notice="none", usual_ports=False)
    settings = load_settings(site.config)
    import_shop(settings, site.shop)
    began = time.monotonic()
    call = year.fill(settings.database, calls, seed, now=datetime.now(UTC))
    print(f"{calls} calls were put in within {time.monotonic() - began:.0f} s", flush=True)
    values = {"call_id": call, "line": "red", "number": "20000", "peer": "+79031112233"}
    of_the_panel = open_paths(create_app("http://127.0.0.1:9"), values)
    # The year's recordings are rows without files: what sends them is no page, and has nothing to send.
    paths = [*(path for path in of_the_panel if not path.endswith((".zip", ".wav"))), *CHOSEN]
    async with Processes(site, panel=True, say=lambda _text: None, start_seconds=300.0), ShopApi(site) as api:
        await api.post("/users", {"name": "anna", "password": PASSWORD, "role": "owner"})
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(site.panel_url.rstrip("/"), cookie_jar=jar) as browser:
            await sign_in(browser, "anna")
            pids = _processes(site)
            if at_rest:
                await asyncio.to_thread(_rest, settings.data_dir / kept_days.FILE)
            return [await _ask(browser, path, times, pids) for path in paths]


def _rest(kept: Path) -> None:
    """Until the days of the year are summed up."""
    began = time.monotonic()
    while not kept.exists():
        time.sleep(1)
    print(f"The days were summed up within {time.monotonic() - began:.0f} s", flush=True)


async def sign_in(browser: aiohttp.ClientSession, name: str) -> None:
    """Through the form, as a person does."""
    async with browser.get("/login") as answer:
        token = re.search(r'name="csrf_token" value="([^"]+)"', await answer.text())
    assert token is not None
    form = {"csrf_token": token[1], "name": name, "password": PASSWORD}
    async with browser.post("/login", data=form, allow_redirects=False) as answer:
        assert answer.status == 302, await answer.text()


async def _ask(browser: aiohttp.ClientSession, path: str, times: int, pids: list[int]) -> Took:
    took, before = [], _cost(pids)
    status = 0
    for _ in range(times):
        began = time.monotonic()
        async with browser.get(path, allow_redirects=False) as answer:
            status = answer.status
            await answer.content.readany()
            took.append(1000 * (time.monotonic() - began))
            try:
                await answer.read()
            except aiohttp.ClientPayloadError:
                status = BROKEN_OFF
    cost = 1000 * (_cost(pids) - before) / times
    return Took(path, status, statistics.median(took), max(took), cost)


def _cost(pids: list[int]) -> float:
    return sum(usage(pid).ran_seconds for pid in pids)


def _processes(site: Site) -> list[int]:
    """Daemon, worker, and the panel with its children: whoever was told of the site's configuration."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
        if str(site.config).encode() in words:
            found.append(int(file.parent.name))
    return found


if __name__ == "__main__":
    sys.exit(main())
