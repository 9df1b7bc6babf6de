"""Orders in the panel."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
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


@pytest.mark.parametrize("language", ["en", "ru"])
def test_what_the_filters_leave_is_a_table_that_is_taken_back(
    owner: FlaskClient, gateway: GatewayThread, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.views.ordering.ROWS_AT_A_TIME", 2)
    for number in range(5):
        customer = "=1+1" if number == 3 else 'Мария; Роза, "М"'
        gateway.keep_order(f"A-{number}", customer=customer, delivery_on="2027-02-01", stage="packed")
    gateway.keep_order("B-1", stage="shipped")
    before = {order.number: replace(order, changed_at=order.created_at) for order in gateway.orders.alive()}
    owner.set_cookie("language", language)
    answer = owner.get("/orders.csv?stage=packed")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="orders.csv"'
    assert answer.text.startswith("\ufeffномер;телефон;" if language == "ru" else "\ufeffnumber,phone,")
    assert [f"A-{number}" in answer.text for number in range(5)] == [True] * 5, "page after page"
    assert "B-1" not in answer.text
    assert "'=1+1" in answer.text, "no formula"
    assert "'+79035550001" in answer.text
    assert 'href="/orders.csv?stage=packed"' in owner.get("/orders?stage=packed").text
    _post(owner, "/orders/import", file=(io.BytesIO(answer.data), "orders.csv"))
    after = {order.number: replace(order, changed_at=order.created_at) for order in gateway.orders.alive()}
    assert after == before, "nothing is another one than it was"


def test_a_table_comes_as_spreadsheets_write_it(owner: FlaskClient, gateway: GatewayThread) -> None:
    text = "номер;телефон;клиент\r\n1001;89035550001;Мария\r\n"
    for encoding, said in (("utf-8-sig", "New orders: 1, changed: 0."), ("cp1251", "New orders: 0, changed: 1.")):
        page = _post(owner, "/orders/import", file=(io.BytesIO(text.encode(encoding)), "orders.csv")).text
        assert said in page
        assert "Мария" in page
    refused = _post(owner, "/orders/import", file=(io.BytesIO("номер;телефон\n1001;x\n".encode()), "orders.csv"))
    assert refused.status_code == 422
    assert "Line 2" in refused.text
