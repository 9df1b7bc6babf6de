"""The button Call: a person's own phone, then the number beside the button (C5)."""

from __future__ import annotations

import re
from dataclasses import replace

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.telephony.shop import PhoneSettings
from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.reports import missed_row
from tests.fakes.rows import call_row
from tests.web.conftest import csrf_of


def _choose(browser: FlaskClient, extension: str) -> TestResponse:
    form = {"csrf_token": csrf_of(browser, "/account"), "phone": extension}
    return browser.post("/account/phone", data=form, follow_redirects=True)


def _press(browser: FlaskClient, **form: str) -> TestResponse:
    return browser.post("/calling", data={"csrf_token": csrf_of(browser, "/account"), **form}, follow_redirects=True)


def test_a_number_is_called_from_the_phone_beside_the_browser(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.archive.call_rows = [call_row("c1", caller="+79161234567")]
    assert "/calling" not in owner.get("/calls/c1").text, "nobody has said which phone stands here"
    assert '<option value="101" selected>' in _choose(owner, "101").text
    page = owner.get("/calls/c1").text
    assert re.search(r'name="to" value="\+79161234567"', page)
    key = re.search(r'name="key" value="([\w-]+)"', page)
    assert key is not None
    for _ in range(2):
        answer = _press(owner, to="+79161234567", key=key[1], next="/calls/c1")
        assert "Your phone 101 is ringing. Pick it up, and +79161234567 is called." in answer.text
        assert answer.request.path == "/calls/c1"
    assert gateway.connected == [("101", "+79161234567")], "a button that is pressed twice is pressed once"


def test_a_phone_that_is_away_is_told_and_a_foreign_page_is_no_way_back(
    owner: FlaskClient, gateway: GatewayThread
) -> None:
    phones = (*gateway.shop.phones, PhoneSettings(extension="102", password="a-long-password"))
    gateway.shop = replace(gateway.shop, phones=phones)
    _choose(owner, "102")
    answer = _press(owner, to="+79161234567", key="another-key", next="//evil.example/")
    assert "That phone cannot be rung now." in answer.text
    assert answer.request.path == "/"
    assert gateway.connected == []


def test_a_phone_that_the_shop_has_not_calls_nobody(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.archive.call_rows = [call_row("c1", caller="+79161234567")]
    for wrong in ("999", '"><script>', ""):
        _choose(owner, wrong)
        assert "/calling" not in owner.get("/calls/c1").text
        assert _press(owner, to="+79161234567", key="third-key-of-all", next="/").status_code == 200
    assert gateway.connected == []


def test_the_button_stands_beside_customers_on_every_list(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.people.keep_contact("k1", "Olga", "+79035550001")
    gateway.reports.customers = [missed_row("+79035550001")]
    _choose(owner, "101")
    for path in ("/contacts", "/contacts/k1", "/parts/missed"):
        assert 'value="+79035550001"' in owner.get(path).text, path
