"""The phone in the browser where things go wrong: no microphone, a refusal, a reload and a second click in a call."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.async_api import Dialog
from playwright.sync_api import Page, expect, sync_playwright

from gateway.demo.site import COURIER
from tests.browser.conftest import CHROMIUM, PanelProcess
from tests.browser.looking import set_up
from tests.browser.test_browser_phone import phone_page, state
from tests.end_to_end.house import house
from tests.fakes.gateway_thread import GatewayThread, gateway_running
from web.security import SESSION_COOKIE

pytestmark = [pytest.mark.browser, pytest.mark.real_time]


@contextmanager
def phone_without_permission(gateway: GatewayThread, *arguments: str) -> Iterator[Page]:
    """The phone's page for the owner, in a browser that nobody has told anything."""
    with gateway_running(gateway), PanelProcess(gateway.url) as panel, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *arguments])
        page = chromium.new_context(locale="en").new_page()
        set_up(page, panel)
        page.goto(panel.url + "/phone")
        yield page
        chromium.close()


@pytest.mark.parametrize(
    ("arguments", "word", "said"),
    [
        ((), "unplugged", "No microphone was found."),
        (("--use-fake-device-for-media-stream",), "silent", "The browser does not allow the microphone."),
    ],
)
def test_what_is_wrong_with_the_microphone_is_told_apart(
    gateway: GatewayThread, arguments: tuple[str, ...], word: str, said: str
) -> None:
    with phone_without_permission(gateway, *arguments) as page:
        page.click("#phone-power")
        expect(page.locator(".handset")).to_have_attribute("data-state", word, timeout=15_000)
        expect(page.locator("#phone-state")).to_contain_text(said)
        expect(page.locator("#phone-power")).to_be_enabled()


async def test_a_call_survives_the_second_click_and_a_reload_that_is_thought_better_of(tmp_path: Path) -> None:
    async with house(tmp_path / "site") as stack, phone_page(stack, tmp_path) as (first, complaints, panel):
        courier = await stack.emulator.subscriber(COURIER, when_called="manual")
        desk = first
        await desk.goto(f"{panel.url}/phones")
        async with desk.expect_popup() as opened:
            await desk.click("main a[target='simbridge-phone']")
        page = await opened.value
        await page.dblclick("#phone-power")
        await state(page, "ready")
        shown = await stack.api.until(
            "/snapshot", lambda answer: any(each["contacts"] for each in answer["phones"]), within=10
        )
        assert [len(each["contacts"]) for each in shown["phones"] if each["contacts"]] == [1], "switched on once"

        await page.fill("#phone-number", "2001")
        await page.click("#phone-call")
        mobile = await courier.next_call(within=10)
        await mobile.answer()
        await state(page, "talking")
        await desk.click("main a[target='simbridge-phone']")
        await asyncio.sleep(1)
        await state(page, "talking")
        await page.keyboard.press("7")
        await asyncio.sleep(1)
        assert [key for _, key in (await mobile.facts()).keys] == ["7"]

        asked: list[str] = []

        async def stay(dialog: Dialog) -> None:
            asked.append(dialog.type)
            await dialog.dismiss()

        page.once("dialog", stay)
        await page.evaluate("setTimeout(() => location.reload(), 0)")
        await asyncio.sleep(1)
        assert asked == ["beforeunload"]
        await state(page, "talking")

        async def leave(dialog: Dialog) -> None:
            await dialog.accept()

        page.once("dialog", leave)
        await page.reload()
        await mobile.ended(within=10)
        await state(page, "reloaded")
        await page.keyboard.press("Enter")
        await state(page, "ready", within=20)
        (row,) = await stack.ended_calls(1)
        assert row["cause"] == "hung-up"
        await page.click("#phone-off")
        await state(page, "offline")
        await page.reload()
        await asyncio.sleep(1)
        assert await page.get_attribute(".handset", "data-state") is None, "what was switched off stays off"
        assert complaints == []


async def test_a_phone_whose_owner_is_signed_out_says_so_and_goes_on_after_the_next_sign_in(tmp_path: Path) -> None:
    async with house(tmp_path / "site") as stack, phone_page(stack, tmp_path) as (page, _complaints, panel):
        await page.click("#phone-power")
        await state(page, "ready")
        token = next(each["value"] for each in await page.context.cookies() if each["name"] == SESSION_COOKIE)
        await page.context.clear_cookies(name=SESSION_COOKIE)
        await asyncio.to_thread(panel.__exit__)
        await asyncio.to_thread(panel.begin_anew)
        await state(page, "signedout", within=20)
        await page.context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": panel.url}])
        await state(page, "ready", within=40)
