"""The courier's own page, the shifts, and what customers will see."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

from flask import Flask
from flask.testing import FlaskClient

from gateway.store.charges import CourierDay, OrderTries
from gateway.telephony.causes import Cause
from tests.fakes.gateway_thread import PASSWORD, GatewayThread
from tests.fakes.rows import call_row
from tests.web.conftest import csrf_of


def _courier(app: Flask, gateway: GatewayThread) -> FlaskClient:
    adding = gateway.accounts.add_user(name="Ivan", password=PASSWORD, role="courier", courier="2001", by="anna")
    asyncio.run(adding)
    browser = app.test_client()
    browser.post("/login", data={"csrf_token": csrf_of(browser), "name": "Ivan", "password": PASSWORD})
    return browser


def _post(browser: FlaskClient, path: str, where: str = "/my", **form: str) -> str:
    return browser.post(path, data={"csrf_token": csrf_of(browser, where), **form}, follow_redirects=True).text


def test_a_courier_comes_to_the_own_orders_and_sees_no_number(app: Flask, gateway: GatewayThread) -> None:
    """B2, T-W6."""
    gateway.keep_order("1001", courier="2001", customer="Мария")
    gateway.keep_order("1002", courier="2002", customer="Мария")
    browser = _courier(app, gateway)
    page = browser.get("/", follow_redirects=True).text
    assert "Order 1001" in page
    assert "Мария" in page
    assert "1002" not in page
    for path in ("/my", "/account", "/orders", "/orders/1001", "/calls", "/messages", "/live", "/parts/live_calls"):
        shown = browser.get(path, follow_redirects=True).text
        assert "555-00-01" not in shown, path
        assert "5550001" not in shown, path


def test_a_courier_is_told_of_a_number_that_needs_the_star(app: Flask, gateway: GatewayThread) -> None:
    gateway.keep_order("1001", courier="2001")
    browser = _courier(app, gateway)
    assert "with the star" not in browser.get("/my").text
    gateway.keep_order("101", courier="2001")
    assert "the courier dials *101, with the star" in browser.get("/my").text


def test_one_tap_is_one_call(app: Flask, gateway: GatewayThread) -> None:
    gateway.keep_order("1001", courier="2001", customer="Мария")
    browser = _courier(app, gateway)
    key = re.search(r'name="key" value="([0-9a-f]{32})"', browser.get("/my").text)
    assert key is not None
    for _ in range(2):
        assert "Your mobile will ring in a moment." in _post(browser, "/my/1001/call", key=key[1])
    assert gateway.couriers.called == [("2001", "1001")]
    gateway.couriers.refusal = Cause.NO_FREE_LINE
    assert "No line is free" in _post(browser, "/my/1001/call", key="another-key-of-a-tap")
    assert "There is nothing here by that name." in _post(browser, "/my/1009/call", key="a-third-key-of-a-tap")


def test_the_courier_says_how_far_it_is(app: Flask, gateway: GatewayThread) -> None:
    gateway.keep_order("1001", courier="2001", customer="Мария")
    browser = _courier(app, gateway)
    assert "Over, still connected" in _post(browser, "/my/1001/stage", stage="delivered")
    _post(browser, "/my/1001/stage", stage="cancelled")
    assert gateway.orders.alive()[0].stage == "delivered"
    _post(browser, "/my/shift", on_shift="no")
    assert gateway.couriers.shifts == [("2001", False, "Ivan")]


def test_the_office_sees_the_day_and_who_was_not_reached(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert "No courier has made or received a call yet." in owner.get("/couriers").text
    gateway.couriers.day = [CourierDay(courier="2001", calls=6, reached=4, talk_seconds=331.0, cost=675)]
    gateway.couriers.order_tries = [
        OrderTries(order="1002", courier="2001", tries=3, reached=0),
        OrderTries(order="1001", courier="2001", tries=3, reached=1),
    ]
    page = owner.get("/couriers").text
    assert "6.75 RUB" in page
    assert 'href="/orders/1002"' in page
    assert "3 tries" in page
    assert 'href="/orders/1001"' not in page


def test_the_office_sees_shifts_and_what_customers_will_see(owner: FlaskClient, gateway: GatewayThread) -> None:
    page = owner.get("/couriers").text
    assert "What the other side will see" in page
    assert "8 (916) 000-00-01" in page
    _post(owner, "/couriers/2001/shift", "/couriers", on_shift="no")
    assert gateway.couriers.shifts == [("2001", False, "anna")]
    gateway.shop = replace(gateway.shop, couriers=(replace(gateway.shop.couriers[0], on_shift=False),))
    assert "Off shift" in owner.get("/couriers").text


def test_a_call_tells_its_order_and_what_was_shown(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.archive.call_rows = [call_row("c1", order="1001", shown="+74951234567", shown_by="provider")]
    page = owner.get("/calls/c1").text
    assert 'href="/orders/1001"' in page
    assert "495" in page
