"""The widget on a page of the shop's site that allows nothing else: submit, and the promise is there (C1, C3, C4)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, expect

from gateway.telephony.widget import WidgetRules
from tests.browser.conftest import PanelProcess, watch
from tests.fakes.gateway_thread import GatewayThread, gateway_running

pytestmark = pytest.mark.browser


@contextmanager
def site(gateway_url: str) -> Iterator[str]:
    """A static page with one script tag and the strictest policy that the guide names; its origin."""

    class StaticPage(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = (
                '<!doctype html><html lang="en"><title>Tires</title><link rel="icon" href="data:,"><h1>Tires</h1>'
                f'<script src="{gateway_url}/widget.js" data-language="en" data-colour="#0b6bcb" async></script>'
            )
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            policy = f"default-src 'none'; img-src data:; script-src {gateway_url}; connect-src {gateway_url}"
            self.send_header("Content-Security-Policy", policy + "; require-trusted-types-for 'script'")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002  # the name that the base class gives it
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), StaticPage)
    thread = threading.Thread(target=server.serve_forever, name="site")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def test_a_visitor_asks_to_be_called_by_the_keyboard_alone(chromium: Browser, gateway: GatewayThread) -> None:
    with gateway_running(gateway), PanelProcess(gateway.url) as panel, site(panel.url) as origin:
        gateway.make_owner()
        rules = WidgetRules(on=True, origins=(origin,))
        gateway.shop_file.shop = replace(gateway.shop_file.shop, widget=rules)
        context = chromium.new_context(locale="en")
        context.add_cookies(
            [
                {"name": "_ym_uid", "value": "133591247640966458", "url": origin},
                {"name": "_ga", "value": "GA1.1.1234567890.1763719200", "url": origin},
            ]
        )
        page = context.new_page()
        page.clock.install()
        watched = watch(page)
        page.goto(f"{origin}/landing?utm_source=ya&utm_term=зимние шины&yclid=77#top")
        expect(page.get_by_role("button", name="Call me back")).to_be_visible()
        page.goto(f"{origin}/tires")
        page.clock.run_for(60_000)
        button = page.get_by_role("button", name="Call me back")
        expect(button).to_be_visible()
        expect(page.get_by_role("dialog")).to_have_count(0)

        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog", name="We call you back")).to_be_visible()
        expect(page.get_by_text("I agree that my number")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Call me", exact=True)).to_be_enabled()
        page.keyboard.type("8 903 555-00-01")
        page.keyboard.press("Tab")
        page.keyboard.type("Olga <b>")
        for _ in range(2):
            page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Thank you! We call as soon as somebody is free.")).to_be_visible()
        assert watched.complaints == [], "nothing that the policy forbids was tried"

        (promise,) = gateway.call_backs.promises
        assert (promise.number, promise.name) == ("+79035550001", "Olga <b>")
        (visit,) = gateway.site.visits()
        assert visit["marks"] == {
            "utm_source": "ya", "utm_term": "зимние шины", "yclid": "77", "ym_client_id": "133591247640966458",
            "ga_client_id": "1234567890.1763719200",
        }  # fmt: skip
        assert visit["page_url"] == f"{origin}/tires"
        assert str(visit["landing_url"]).startswith(f"{origin}/landing?utm_source=ya")

        gateway.shop_file.shop = replace(gateway.shop_file.shop, widget=replace(rules, on=False))
        page.reload()
        page.get_by_role("button", name="Call me back").click()
        expect(page.get_by_text("That does not work now. Please call us.")).to_be_visible()
        context.close()
