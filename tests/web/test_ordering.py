"""Orders in the panel."""

from __future__ import annotations

import io

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fakes.gateway_thread import GatewayThread
from tests.web.conftest import csrf_of

FORM = {"number": "A/1001", "phone": "8 903 555-00-01", "customer": "Мария", "courier": "2001", "stage": "with-courier"}


def _post(browser: FlaskClient, path: str, **form: object) -> TestResponse:
    return browser.post(path, data={"csrf_token": csrf_of(browser, "/orders"), **form}, follow_redirects=True)


def test_a_customer_who_has_to_be_called_about_an_order_is_said_by_the_form(
    owner: FlaskClient, gateway: GatewayThread
) -> None:
    _post(owner, "/orders", **FORM)
    _post(owner, "/orders", **{**FORM, "number": "1002"}, callback_required="yes")
    wanted = {order.number: order.callback_required for order in gateway.orders.alive()}
    assert wanted == {"A/1001": False, "1002": True}


def test_an_order_is_taken_changed_and_closed(owner: FlaskClient, gateway: GatewayThread) -> None:
    page = _post(owner, "/orders", **FORM).text
    assert "Order A/1001 is saved." in page
    assert "+7 903 555-00-01" in page.replace("8 (903) 555-00-01", "+7 903 555-00-01")
    assert "With the courier" in page
    again = _post(owner, "/orders", **FORM)
    assert again.status_code == 409
    assert 'value="Мария"' in again.text, "what was typed is not lost"
    wrong = _post(owner, "/orders/A%2F1001/change", **{**FORM, "phone": "112"})
    assert wrong.status_code == 422
    assert "no number that may be called" in wrong.text
    page = _post(owner, "/orders/A%2F1001/change", **{**FORM, "courier": "", "stage": "delivered"}).text
    assert "Over, still connected" in page
    assert gateway.orders.alive()[0].courier is None
    assert "no longer connected" in _post(owner, "/orders/A%2F1001/close").text
    assert gateway.orders.alive() == ()


def test_a_number_that_an_extension_has_is_warned_of(owner: FlaskClient, gateway: GatewayThread) -> None:
    usual = _post(owner, "/orders", **FORM)
    assert usual.request.path == "/orders"
    assert "courier dials *" not in usual.text
    taken = _post(owner, "/orders", **{**FORM, "number": "A-2002"})
    assert taken.request.path == "/orders/A-2002"
    warning = "the courier dials *2002, with the star"
    assert warning in taken.text
    assert warning not in owner.get("/orders/A%2F1001").text
    assert "the courier dials *2002" in owner.get("/orders").text
    _post(owner, "/orders/A-2002/close")
    assert warning not in owner.get("/orders/A-2002").text, "nobody reaches the customer of a closed order"
    assert "courier dials *" not in owner.get("/orders").text
    assert len(gateway.orders.alive()) == 1


def test_a_table_comes_as_spreadsheets_write_it(owner: FlaskClient, gateway: GatewayThread) -> None:
    text = "номер;телефон;клиент\r\n1001;89035550001;Мария\r\n"
    for encoding, said in (("utf-8-sig", "New orders: 1, changed: 0."), ("cp1251", "New orders: 0, changed: 1.")):
        page = _post(owner, "/orders/import", file=(io.BytesIO(text.encode(encoding)), "orders.csv")).text
        assert said in page
        assert "Мария" in page
    refused = _post(owner, "/orders/import", file=(io.BytesIO("номер;телефон\n1001;x\n".encode()), "orders.csv"))
    assert refused.status_code == 422
    assert "Line 2" in refused.text
