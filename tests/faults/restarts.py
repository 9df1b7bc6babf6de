"""X-D3 and X-D2 with a whole gateway: the daemon ends in a call while a browser shows the panel; a panel is killed.

Named to `make soak` alone: each round takes seconds of real time.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Error, Page, async_playwright, expect

from gateway.demo.shop_api import ShopApi
from gateway.demo.site import COURIER, Site, prepare
from gateway.emulator.client import RemoteSubscriber, running_emulator
from gateway.emulator.sip_phone import SipPhone
from gateway.settings import load_settings
from gateway.store.shop_document.shop_commands import import_shop
from tests.bench.pages import PASSWORD, sign_in
from tests.browser.conftest import CHROMIUM
from tests.end_to_end.house import house
from tests.faults import rounds
from tests.faults.stops import daemon, panel
from tests.faults.watchdog import of_unit

pytestmark = pytest.mark.real_time

RESTARTS = rounds(2, 20)
MOST_SECONDS = 5.0
"""From when the new daemon is ready until the page shows what is so."""
AWAY_MS = 15_000.0
"""Until the page says that the daemon is away; it drains for some seconds when it is asked to end."""
UNIT = Path(__file__).parents[2] / "systemd" / "simbridge-web.service"
MOST_AWAY_SECONDS = 3.0
"""A panel that was killed, until it serves those who had signed in: the pause of its unit, and its start."""


@asynccontextmanager
async def open_panel(site: Site, api: ShopApi) -> AsyncIterator[Page]:
    """The dashboard in a browser, of somebody who has signed in."""
    await api.post("/users", {"name": "anna", "password": PASSWORD, "role": "operator"})
    async with panel(site.config), async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(locale="en")
        async with asyncio.timeout(60):
            while not await is_open(page, site.panel_url + "login"):  # noqa: ASYNC110  # another process has no event
                await asyncio.sleep(0.2)
        await page.fill("[name=name]", "anna")
        await page.fill("[name=password]", PASSWORD)
        await page.click("main form button[type=submit]")
        await page.wait_for_url(site.panel_url)
        await page.evaluate("window.sameDocument = true")
        try:
            yield page
        finally:
            await browser.close()


async def is_open(page: Page, url: str) -> bool:
    """Whether somebody listens there by now."""
    try:
        await page.goto(url)
    except Error as fault:
        if "ERR_CONNECTION_REFUSED" in str(fault):
            return False
        raise
    return True


@pytest.mark.timeout(180 + 60 * RESTARTS)
async def test_an_open_panel_shows_what_is_so_in_time(tmp_path: Path) -> None:
    site = prepare(tmp_path / "site", notice="none", usual_ports=False)
    import_shop(load_settings(site.config), site.shop)
    slowest = 0.0
    async with running_emulator(site.emulator, modems=["huawei", "quectel", "simcom"]) as emulator:
        courier = await emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.1)
        process = await daemon(site)
        try:
            async with ShopApi(site) as api, open_panel(site, api) as page:
                for number in range(RESTARTS):
                    await shows_a_call(site, courier, page)
                    if number % 2:
                        process.terminate()
                    else:
                        process.kill()
                    await expect(page.locator("#connection")).to_be_visible(timeout=AWAY_MS)
                    await process.wait()
                    process = await daemon(site)
                    began = time.monotonic()
                    await expect(page.locator("#connection")).to_be_hidden(timeout=1000 * MOST_SECONDS)
                    await expect(page.get_by_text("No call is running")).to_be_visible(timeout=1000 * MOST_SECONDS)
                    slowest = max(slowest, time.monotonic() - began)
                    assert await page.evaluate("window.sameDocument") is True, "nobody had to load it anew"
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    print(f"{RESTARTS} restarts in a call: right again {slowest:.1f} s after the daemon was ready, at most", end=" ")
    print(f"(load {os.getloadavg()[0]:.0f})")
    assert slowest <= MOST_SECONDS


async def shows_a_call(site: Site, courier: RemoteSubscriber, page: Page) -> None:
    """The phone calls the courier, and the page shows that they talk; the phone is gone afterwards, without a word."""
    place = ("127.0.0.1", site.ports.sip)
    async with SipPhone(("127.0.0.1", 0), place, "101", site.phone_password) as phone:
        await phone.register()
        call = phone.call("2001")
        await courier.next_call(within=30)
        async with asyncio.timeout(30):
            await call.answered()
        await expect(page.locator(".live-call.talking")).to_have_count(1, timeout=1000 * MOST_SECONDS)


@pytest.mark.timeout(180 + 30 * RESTARTS)
async def test_a_killed_panel_is_back_and_knows_who_was_signed_in(tmp_path: Path) -> None:
    """systemd's part is the pause that the unit names."""
    slowest = 0.0
    async with house(tmp_path / "site") as stack, AsyncExitStack() as open_things:
        await stack.api.post("/users", {"name": "anna", "password": PASSWORD, "role": "operator"})
        jar = aiohttp.CookieJar(unsafe=True)
        browser = await open_things.enter_async_context(
            aiohttp.ClientSession(stack.site.panel_url.rstrip("/"), cookie_jar=jar)
        )
        async with panel(stack.site.config):
            await until_served(browser, "/login")
            await sign_in(browser, "anna")  # leaving the block kills the panel
        for _ in range(RESTARTS):
            began = time.monotonic()
            await asyncio.sleep(of_unit("RestartSec", UNIT))
            async with panel(stack.site.config):
                await until_served(browser, "/calls")
                slowest = max(slowest, time.monotonic() - began)
    print(f"{RESTARTS} panels killed: back {slowest:.1f} s after, at most (load {os.getloadavg()[0]:.0f})")
    assert slowest <= MOST_AWAY_SECONDS


async def until_served(browser: aiohttp.ClientSession, path: str) -> None:
    """Until the panel answers with that page, and with no other."""
    async with asyncio.timeout(60):
        while not await is_served(browser, path):  # noqa: ASYNC110  # another process has no event for it
            await asyncio.sleep(0.02)


async def is_served(browser: aiohttp.ClientSession, path: str) -> bool:
    """Whether somebody listens there by now; who does must know the browser."""
    try:
        async with browser.get(path, allow_redirects=False) as answer:
            assert answer.status == 200, answer.headers.get("Location")
            return True
    except aiohttp.ClientConnectorError:
        return False
