"""Every screen in both languages and themes, on a screen and on a phone: nothing sticks out, and axe finds nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import PanelProcess, fill, watch
from tests.browser.looking import NARROW, WIDE, look, set_up
from tests.fakes.gateway_thread import GatewayThread, gateway_running
from tests.faults import SOAKS

pytestmark = pytest.mark.browser

SCREENS = (
    "/shop/routes?caller=%2B79035550001&called=red", "/shop/toll-free", "/shop/pbx", "/search?q=79",
    "/", "/phone", "/live", "/calls", "/calls?show=missed&search=79", "/calls/c1", "/messages", "/couriers", "/lines",
    "/phones", "/start", "/shop/general", "/shop/couriers", "/shop/lines", "/shop/phones/edit/101", "/shop/trunks/new",
    "/messages/with/+79031112233", "/messages?show=sent&to=%2B79031112233", "/lines/red/ussd", "/modems/m0",
    "/webhooks", "/alerts", "/alerts/ways", "/blocked", "/calls/recordings",
    "/shop", "/more", "/no-such-page", "/orders", "/order-status", "/access", "/account",
    "/account/second-step", "/system/passphrase", "/access/audit", "/playground", "/queue", "/voicemail",
    "/statistics?by=line", "/statistics?by=week-hour&compare=none", "/missed", "/missed?show=all",
    "/system", "/system/certificate", "/restore", "/site", "/access/everywhere", "/shop/versions",
    "/access/wrong-passwords",
)  # fmt: skip


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("theme", "language"), [("light", "ru"), ("dark", "en")])
def test_every_screen(chromium: Browser, gateway: GatewayThread, theme: str, language: str) -> None:
    with gateway_running(gateway), PanelProcess(gateway.url) as panel:
        fill(gateway)
        context = chromium.new_context(viewport=WIDE, locale=language, color_scheme="light")
        page = context.new_page()
        watched = watch(page)
        set_up(page, panel)
        context.add_cookies([{"name": "theme", "value": theme, "url": panel.url}])
        # Half of what axe may judge in each language, so that both see all of it: it takes half a second a screen.
        halves = ((WIDE,), (NARROW,)) if language == "ru" else ((NARROW,), (WIDE,))
        for number, path in enumerate(SCREENS):
            page.goto(panel.url + path)
            assert page.evaluate("document.documentElement.lang") == language
            look(page, path, judged=(WIDE, NARROW) if SOAKS else halves[number % 2])
        assert [text for text in watched.complaints if "404" not in text] == []
        context.close()
