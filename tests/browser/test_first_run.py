"""The whole first run as a newcomer does it, with nothing but a browser: from the setup code to a recording heard.

A real daemon, worker and panel without any modem; emulated ones are begun by the panel's own button. `make soak` has a
test call before, and ends the emulated modems afterwards: nothing of them is left.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, async_playwright, expect

from gateway.demo.processes import Processes
from gateway.demo.site import prepare
from gateway.settings import load_settings
from gateway.store.shop_document.shop_commands import import_shop
from tests.browser.conftest import CHROMIUM
from tests.browser.test_browser_phone import MICROPHONE_HERTZ, beeps, state
from tests.fakes.gateway_thread import PASSWORD
from tests.faults import SOAKS

pytestmark = [pytest.mark.browser, pytest.mark.real_time, pytest.mark.timeout(240)]

SOON = 20_000.0
"""Milliseconds within which what is under way must have come about, also where the machine stands still at times."""


@dataclass
class Newcomer:
    """A browser with a microphone before a gateway to which nothing is plugged in and that nobody owns."""

    url: str
    setup_code: str
    data: Path
    context: BrowserContext
    page: Page
    complaints: list[str]


@asynccontextmanager
async def newcomer(directory: Path) -> AsyncIterator[Newcomer]:
    site = prepare(directory / "site", usual_ports=False)
    config = site.config.read_text("utf-8").replace("[emulated]\ncontrol = ", "# ")
    site.config.write_text(config[: config.index("[[modems]]")], "utf-8")
    site.shop.write_text('[shop]\nname = "My shop"\nlanguage = "en"\n', "utf-8")
    import_shop(load_settings(site.config), site.shop)
    microphone = await asyncio.to_thread(beeps, directory / "mic.wav", MICROPHONE_HERTZ, rate=48_000, seconds=8)
    arguments = [
        "--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}", "--autoplay-policy=no-user-gesture-required",
    ]  # fmt: skip
    async with Processes(site, panel=True, say=lambda _text: None, has_modems=False), async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        try:
            context = await browser.new_context(permissions=["microphone"], locale="en")
            page = await context.new_page()
            complaints: list[str] = []
            page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
            page.on("pageerror", lambda fault: complaints.append(str(fault)))
            code = (site.data / "setup-code").read_text("utf-8").strip()
            yield Newcomer(site.panel_url.rstrip("/"), code, site.data, context, page, complaints)
        finally:
            await browser.close()


async def become_the_owner(someone: Newcomer) -> None:
    page = someone.page
    await page.goto(someone.url)
    await page.fill("[name=code]", someone.setup_code)
    await page.fill("[name=name]", "anna")
    for field in ("password", "password_again"):
        await page.fill(f"[name={field}]", PASSWORD)
    await page.click("main form button[type=submit]")
    await page.wait_for_url(f"{someone.url}/start")


async def begin_with_emulated_modems(page: Page) -> None:
    await page.click("text=Start with emulated modems")
    lines = page.locator("#part-start_modems .found-modem", has_text="It is the line emulated-")
    await expect(lines.locator("text=Ready")).to_have_count(3, timeout=SOON)
    await expect(lines.locator(".pill", has_text="emulated")).to_have_count(3)


async def be_a_phone(someone: Newcomer) -> Page:
    """Phone 101 is added, and this browser is it."""
    await someone.page.click("#phones form button[type=submit]")
    async with someone.context.expect_page() as opened:
        await someone.page.click("text=Open the phone in this browser")
    phone = await opened.value
    await phone.click("#phone-power")
    await state(phone, "ready")
    return phone


async def have_calls_recorded(page: Page) -> None:
    await page.click("#recording summary")
    await page.select_option("#recording [name=recorded_calls]", "all")
    await page.select_option("#recording [name=recording_notice]", "none")
    await page.check("#recording [name=told]")
    await page.click("#recording button[type=submit]")
    await expect(page.locator("#recording.done")).to_be_visible(timeout=SOON)


async def be_rung_and_hear_oneself(page: Page, phone: Page) -> None:
    await page.click("#call button[type=submit]")
    await state(phone, "incoming")
    await phone.click("#phone-answer")
    await expect(page.locator(".test-call", has_text="Press 1 on the phone")).to_be_visible(timeout=30_000)
    await phone.click("#phone-keys [data-key='1']")
    await expect(page.locator(".test-call", has_text="Both directions work")).to_be_visible(timeout=SOON)
    await state(phone, "ended")


async def call_the_courier(page: Page, phone: Page) -> None:
    await phone.fill("#phone-number", "2001")
    await phone.click("#phone-call")
    await state(phone, "talking")
    await asyncio.sleep(2)
    await phone.click("#phone-hang-up")
    await state(phone, "ended")


async def hear_the_recording(someone: Newcomer) -> None:
    page = someone.page
    button = page.locator(".play-button").first
    async with asyncio.timeout(SOON / 1000):
        while not await button.count():  # the file is finished a moment after the call
            await page.goto(f"{someone.url}/calls")
    await button.click()
    async with asyncio.timeout(SOON / 1000):
        while not await page.evaluate("document.getElementById('player-audio').currentTime > 0.3"):
            await page.wait_for_timeout(100)


async def end_the_emulated_modems(someone: Newcomer) -> None:
    """Nothing is left of them, nor of what was tried."""
    page = someone.page
    await page.goto(f"{someone.url}/start")
    await page.click("text=Remove the emulated modems")
    await expect(page.locator("text=The emulated modems are gone")).to_be_visible(timeout=30_000)
    await expect(page.locator("text=No modem is plugged in yet")).to_be_visible()
    for path in ("/lines", "/couriers", "/calls"):
        await page.goto(someone.url + path)
        text = await page.inner_text("main")
        assert not re.search("emulated|2001", text, re.IGNORECASE), path
    assert await page.locator(".play-button").count() == 0
    assert not (someone.data / "emulated").exists()
    assert (
        list((someone.data / "recordings").rglob("*.flac")) + list((someone.data / "recordings").rglob("*.wav")) == []
    )


async def test_from_the_setup_code_to_the_first_recording_heard(tmp_path: Path) -> None:
    async with newcomer(tmp_path) as someone:
        await become_the_owner(someone)
        await begin_with_emulated_modems(someone.page)
        phone = await be_a_phone(someone)
        await have_calls_recorded(someone.page)
        if SOAKS:
            await be_rung_and_hear_oneself(someone.page, phone)
        await call_the_courier(someone.page, phone)
        await hear_the_recording(someone)
        if SOAKS:
            await end_the_emulated_modems(someone)
        assert someone.complaints == []
