"""The page of order status: number, the shop's program, words, and the test that shows the phrase (A10, A19, H9)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.telephony.order_status import OrderHeader, OrderSource, OrderStatusRules
from gateway.telephony.orders import Stage
from gateway.telephony.stage_words import StageWord
from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.rows import call_row
from tests.web.conftest import csrf_of

SECRET = "Bearer not-told-to-anybody"


class _Program(BaseHTTPRequestHandler):
    """A shop's program that knows the order 1001, for those who have the key."""

    def do_GET(self) -> None:
        is_known = self.path == "/orders/1001" and self.headers["Authorization"] == SECRET
        body = json.dumps({"order": {"state": "Едет", "client": "89035550001"}}).encode() if is_known else b""
        self.send_response(200 if is_known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the standard library's
        """Nothing is to be seen."""


@contextmanager
def _program() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Program) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="shop program")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/orders/{{number}}"
        finally:
            server.shutdown()
            thread.join(10)


def _post(browser: FlaskClient, path: str = "/order-status", /, **form: object) -> TestResponse:
    return browser.post(path, data={"csrf_token": csrf_of(browser, "/order-status"), **form}, follow_redirects=True)


def test_a_shop_s_program_is_set_up_and_tried_out_without_any_code(owner: FlaskClient, gateway: GatewayThread) -> None:
    with _program() as url:
        form: dict[str, object] = {
            "ways": ["blue"], "extension": "700", "tries": "2", "url": url, "private": "yes",
            "header": ["Authorization", ""], "secret": [SECRET, ""], "path_stage": "order.state",
            "path_phone": "order.client", "path_delivery_on": "", "path_delivery_from": "", "path_delivery_to": "",
            "word": ["", ""], "means": ["accepted", "accepted"],
        }  # fmt: skip
        page = _post(owner, **form).text
        assert "Saved. The next caller is answered by these rules." in page
        assert SECRET not in page
        page = _post(owner, "/order-status/test", number="1001").text
        assert "The table of stages does not contain this word." in page
        assert "Едет" in page
        page = _post(
            owner, **{**form, "secret": ["", ""], "word": ["едет", ""], "means": ["with-courier", "accepted"]}
        ).text
        assert 'value="едет"' in page
        shop = gateway.shop_file.shop
        assert shop.order_status == OrderStatusRules(extension="700", ways=("blue",), tries=2)
        assert shop.order_source == OrderSource(url=url, private=True, stage="order.state", phone="order.client")
        assert shop.order_headers == (OrderHeader(name="Authorization", secret=SECRET),)
        assert shop.order_words == (StageWord(word="едет", stage=Stage.WITH_COURIER),)
        page = _post(owner, "/order-status/test", number="1001").text
        assert "Your order 1 0 0 1 is with the courier." in page
        sound = owner.get(page.partition('<audio controls preload="none" src="')[2].partition('"')[0])
        assert (sound.status_code, sound.data[:4]) == (200, b"RIFF")
        assert "No such order" in _post(owner, "/order-status/test", number="9999").text
    assert "cannot be reached" in _post(owner, "/order-status/test", number="1001").text
    assert SECRET not in owner.get("/order-status").text


def test_what_is_wrong_is_told_and_not_lost(owner: FlaskClient, gateway: GatewayThread) -> None:
    before = gateway.shop_file.shop
    form: dict[str, object] = {"url": "http://10.0.0.5/orders/{number}", "path_stage": "a.b", "tries": "3"}
    for wrong in ({}, {"private": "yes", "extension": "101"}, {"private": "yes", "tries": "many"}):
        refused = _post(owner, **{**form, **wrong})
        assert refused.status_code == 422
        assert 'value="http://10.0.0.5/orders/{number}"' in refused.text
    assert gateway.shop_file.shop == before
    assert _post(owner, "/order-status/test", number="none").status_code == 400


def test_an_order_is_tried_out_from_its_own_page(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.keep_order("A/1001", stage="in-transit", delivery_on="0", delivery_from="20:00-24:00")
    page = owner.get("/orders/A%2F1001").text
    assert "In transit" in page
    assert all(part in page for part in ('value="20:00"', 'value="00:00"', "What would a caller hear?"))
    page = _post(owner, "/order-status/test", number="A/1001").text
    assert "Your order 1 0 0 1 is in transit, delivery today from twenty to midnight." in page


def test_a_caller_who_was_told_has_not_been_missed(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.archive.call_rows = [
        call_row("c1", answered_at=None, answered_by=None, recordings=[], flow="order-status", order="1001"),
    ]
    page = owner.get("/calls").text
    assert "Order status told" in page
    assert "Missed" not in page.partition('id="call-c1"')[2].partition("</li>")[0]
    gateway.archive.call_rows = [
        call_row("c1", answered_at=None, answered_by=None, recordings=[], flow="order-status", order=None),
    ]
    page = owner.get("/calls").text
    assert "Order status told" not in page


def test_in_russian(owner: FlaskClient) -> None:
    owner.set_cookie("language", "ru")
    page = owner.get("/order-status").text
    assert "Статус заказа по телефону" in page
    assert "Передан" in page or "У курьера" in page
