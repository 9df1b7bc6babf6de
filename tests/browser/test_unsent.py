"""A form that is sent in vain, as the session is over or the panel was started anew: what was typed is not lost."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PanelProcess, watch
from tests.browser.looking import look, set_up
from tests.fakes.gateway_thread import PASSWORD, GatewayThread, gateway_running
from web.security import SESSION_COOKIE


def fill_in(page: Page, name: str, phone: str) -> None:
    page.click("details.write summary")
    page.fill("main [name=name]", name)
    page.fill("main [name=phones]", phone)
    page.fill("main [name=note]", "Likes roses\nand <b>tulips</b>")


def send(page: Page) -> None:
    page.click("details.write form[action='/contacts'] button[type=submit]")


def sees_it_again(page: Page, name: str) -> None:
    expect(page.locator("#unsent")).to_be_visible()
    assert page.input_value("main [name=name]") == name
    assert page.input_value("main [name=note]") == "Likes roses\nand <b>tulips</b>"
    send(page)
    expect(page.locator("h1")).to_have_text(name)
    expect(page.locator("#unsent")).to_be_hidden()


def test_what_was_typed_is_there_again(chromium: Browser, gateway: GatewayThread) -> None:
    with gateway_running(gateway), PanelProcess(gateway.url) as panel:
        context = chromium.new_context(locale="en", viewport={"width": 1280, "height": 860})
        watched = watch(context.new_page())
        page = watched.page
        set_up(page, panel)

        page.goto(panel.url + "/contacts")
        fill_in(page, "Olga", "8 903 111-22-33")
        context.clear_cookies(name=SESSION_COOKIE)
        send(page)
        page.fill("[name=name]", "anna")
        page.fill("[name=password]", PASSWORD)
        page.click("main form button[type=submit]")
        page.wait_for_url(panel.url + "/contacts")
        look(page, "a form whose session was over")
        sees_it_again(page, "Olga")

        page.goto(panel.url + "/contacts")
        expect(page.locator("#unsent")).to_be_hidden()
        fill_in(page, "Igor", "8 903 111-22-44")
        panel.__exit__()
        panel.begin_anew()
        send(page)
        page.click("text=To the form")
        sees_it_again(page, "Igor")
        context.close()
