"""The panel as a person meets it: from the setup code to the first recording heard, on a screen and on a phone."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.events import CallAnswered, CallEnded, CallStarted, LegStarted
from tests.browser.conftest import PanelProcess, fill, watch
from tests.browser.looking import NARROW, WIDE, look, set_up, wait_until
from tests.fakes.gateway_thread import GatewayThread, gateway_running

pytestmark = pytest.mark.browser

LIVE_SECONDS = 2.0


@pytest.mark.parametrize(("theme", "language"), [("light", "ru"), ("dark", "en")])
def test_from_the_code_to_the_first_recording(
    chromium: Browser, gateway: GatewayThread, theme: str, language: str
) -> None:
    with gateway_running(gateway), PanelProcess(gateway.url) as panel:
        fill(gateway)
        context = chromium.new_context(viewport=WIDE, locale=language, color_scheme="light")
        page = context.new_page()
        watched = watch(page)
        set_up(page, panel)
        context.add_cookies([{"name": "theme", "value": theme, "url": panel.url}])
        gateway.people.keep_call("c1", caller="+79161234567")
        gateway.people.keep_recording("r-c1", "c1")
        note = {"id": "n1", "text": "is in a hurry", "by": "anna", "time": "2027-01-29T09:05:00.000Z"}
        gateway.archive.details["c1"]["notes"] = [{**note, "recording_id": "r-c1", "at_seconds": 1.5}]
        page.goto(panel.url + "/calls")
        page.locator(".play-button").first.click()
        expect(page.locator("#player-length")).to_have_text("0:03")
        wait_until(page, "document.getElementById('player-audio').currentTime > 0.3")
        look(page, "the player")
        _use_the_player_by_keys(page, gateway)
        page.keyboard.press("n")
        wait_until(page, "document.getElementById('player-audio').src.includes('r-c2')")
        page.locator("#player-seek").press("End")
        page.locator("#player-close").click()
        expect(page.locator("#player")).to_be_hidden()
        assert watched.complaints == []

        page.locator("header .sign-out button").click()
        page.wait_for_url("**/login**")
        look(page, "the sign-in")
        context.close()


def _use_the_player_by_keys(page: Page, gateway: GatewayThread) -> None:
    """Steps, speed, a comment that is there, and one that is written."""
    page.locator("#player-toggle").click()
    wait_until(page, "document.getElementById('player-audio').paused")
    page.keyboard.press("ArrowRight")
    wait_until(page, "document.getElementById('player-audio').currentTime > 2.9")
    page.keyboard.press("j")
    wait_until(page, "document.getElementById('player-audio').currentTime === 0")
    page.keyboard.press("s")
    expect(page.locator("#player-rate")).to_have_text("1.25×")
    page.locator("#player-comments button").click()
    wait_until(page, "document.getElementById('player-audio').currentTime >= 1.5")
    page.keyboard.press("c")
    look(page, "a comment in the player", judged=())
    page.keyboard.type("a discount")
    page.keyboard.press("Enter")
    expect(page.locator("#player-comment")).to_be_hidden()
    notes: Any = gateway.people.lists.card("+79161234567")["notes"]
    assert [(each["text"], each["recording_id"]) for each in notes] == [("a discount", "r-c1")]


def test_a_call_comes_and_goes_without_a_reload(chromium: Browser, gateway: GatewayThread) -> None:
    with gateway_running(gateway), PanelProcess(gateway.url) as panel:
        fill(gateway)
        page = chromium.new_page(viewport=WIDE)
        watched = watch(page)
        set_up(page, panel)
        page.evaluate("window.sameDocument = true")
        expect(page.get_by_text("No call is running")).to_be_visible()
        before = time.monotonic()
        gateway.publish(
            CallStarted(
                call_id="n1", direction="incoming", caller="+79161234567", called="red", line="red", flow="ring_phones"
            ),
            LegStarted(call_id="n1", leg_id="l1", kind="gsm", direction="incoming", peer="+79161234567", line="red"),
        )
        expect(page.locator(".live-call.ringing")).to_contain_text("8 (916) 123-45-67")
        gateway.publish(CallAnswered(call_id="n1", answered_by="101"))
        expect(page.locator(".live-call.talking")).to_contain_text("Front desk")
        assert time.monotonic() - before < 2 * LIVE_SECONDS
        expect(page.locator(".live-call .clock")).to_have_text("0:01", timeout=3000)
        before = time.monotonic()
        gateway.publish(CallEnded(call_id="n1", cause="hung-up", ended_by="caller", talk_seconds=1, total_seconds=2))
        expect(page.get_by_text("No call is running")).to_be_visible()
        assert time.monotonic() - before < LIVE_SECONDS
        assert page.evaluate("window.sameDocument") is True
        assert watched.complaints == []
        page.close()


def test_a_lost_gateway_is_visible_and_its_return_heals_the_page(chromium: Browser, gateway: GatewayThread) -> None:
    with ExitStack() as stack:
        first_life = stack.enter_context(ExitStack())
        first_life.enter_context(gateway_running(gateway))
        port = gateway.port
        panel = stack.enter_context(PanelProcess(gateway.url))
        page = chromium.new_page(viewport=NARROW)
        set_up(page, panel)
        expect(page.locator("#connection")).to_be_hidden()
        first_life.close()
        expect(page.locator("#connection")).to_contain_text("The gateway is not running", timeout=10_000)
        look(page, "no gateway")
        with gateway_running(gateway, port=port):
            expect(page.locator("#connection")).to_be_hidden(timeout=15_000)
            page.close()


def test_everything_is_reached_by_the_keyboard(chromium: Browser, gateway: GatewayThread) -> None:
    with gateway_running(gateway), PanelProcess(gateway.url) as panel:
        page = chromium.new_page(viewport=WIDE)
        set_up(page, panel)
        page.goto(panel.url + "/calls")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        reached = set()
        for _ in range(60):
            page.keyboard.press("Tab")
            reached.add(
                page.evaluate("document.activeElement.closest('nav.side, search, .chips, .call, .top')?.className")
            )
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none" or page.evaluate("document.activeElement === document.body")
        assert {"side", "chips", "top"} <= reached
        page.locator(".play-button").first.focus()
        page.keyboard.press("Enter")
        wait_until(page, "document.getElementById('player-audio').currentTime > 0.1")
        page.keyboard.press("Escape")
        expect(page.locator("#player")).to_be_hidden()
        assert page.evaluate("document.activeElement.className").startswith("play-button")
        _search_by_keys(page, panel)
        page.close()


def _search_by_keys(page: Page, panel: PanelProcess) -> None:
    """The box opens over any page, its results are gone through by arrows, and Escape leads back."""
    before = page.evaluate("document.activeElement.className")
    page.keyboard.press("/")
    expect(page.locator("#search input")).to_be_focused()
    page.keyboard.type("ivan")
    expect(page.locator("#search .found a").first).to_contain_text("2001 Ivan")
    page.keyboard.press("Escape")
    expect(page.locator("#search")).to_be_hidden()
    assert page.evaluate("document.activeElement.className") == before
    page.keyboard.press("Control+k")
    page.keyboard.type("hours")
    expect(page.locator("#search .found a").first).to_contain_text("Hours")
    look(page, "the search box")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent").strip() == "Hours"
    page.keyboard.press("Enter")
    page.wait_for_url(panel.url + "/shop/hours")


def test_more_open_pages_than_streams_hold_nothing_up(chromium: Browser, gateway: GatewayThread) -> None:
    with gateway_running(gateway), PanelProcess(gateway.url) as panel:
        context = chromium.new_context(viewport=NARROW)
        first = context.new_page()
        set_up(first, panel)
        pages = [context.new_page() for _ in range(8)]
        for page in pages:
            page.goto(panel.url + "/live")
        took = []
        for _ in range(10):
            before = time.monotonic()
            first.goto(panel.url + "/couriers")
            took.append(time.monotonic() - before)
        print("a page with 8 others open:", [f"{seconds * 1000:.0f} ms" for seconds in sorted(took)])
        assert sorted(took)[len(took) // 2] < 1.0
        context.close()
