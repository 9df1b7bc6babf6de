"""The page of webhooks: a program is added, changed, tried and taken away, and what did not arrive is tried again."""

from __future__ import annotations

from dataclasses import replace

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.messaging.alert_trial import Tried
from gateway.telephony.event_hooks import EventHook, Happening
from tests.fakes.deliveries import DeliveryRow
from tests.fakes.gateway_thread import GatewayThread
from tests.web.conftest import csrf_of

SECRET = "a-secret-that-is-shared"
CRM = {"name": "CRM", "url": "https://crm.example/hook", "panel": "https://shop.example:8080/"}


def _post(browser: FlaskClient, path: str = "", /, **form: object) -> TestResponse:
    page = "/webhooks"
    return browser.post(f"{page}{path}", data={"csrf_token": csrf_of(browser, page), **form}, follow_redirects=True)


def test_a_program_is_added_changed_and_taken_away(gateway: GatewayThread, owner: FlaskClient) -> None:
    assert "The first program" in owner.get("/webhooks").text
    page = _post(owner, **CRM, secret=SECRET, events=["call.ended", "sms.received"])
    assert "Saved. Send a test" in page.text
    hook = EventHook(
        id="h1", name="CRM", url="https://crm.example/hook", secret=SECRET, panel="https://shop.example:8080",
        events=(Happening.CALL_ENDED, Happening.SMS_RECEIVED),
    )  # fmt: skip
    assert gateway.hooks.hooks == [hook]
    assert SECRET not in page.text
    _post(owner, "/h1", **CRM, secret="", events=["order.changed"])
    assert gateway.hooks.hooks == [replace(hook, events=(Happening.ORDER_CHANGED,))]
    assert "That program gets no more messages." in _post(owner, "/h1/remove").text
    assert gateway.hooks.hooks == []


def test_what_is_wrong_is_told_and_what_was_typed_is_not_lost(gateway: GatewayThread, owner: FlaskClient) -> None:
    page = _post(owner, **CRM | {"url": "ftp://typed.example"}, secret=SECRET, events=["call.ended"])
    assert page.status_code == 422
    assert 'value="ftp://typed.example"' in page.text
    assert 'value="call.ended" checked' in page.text
    assert SECRET not in page.text
    assert gateway.hooks.hooks == []
    _post(owner, **CRM, secret=SECRET, events=["call.ended"])
    gateway.hooks.hooks[0] = replace(gateway.hooks.hooks[0], of_file=True)
    page = owner.get("/webhooks")
    assert "This is set under [[webhooks]] in gateway.toml" in page.text
    assert "/webhooks/h1/remove" not in page.text
    assert _post(owner, "/h1", **CRM, events=["sms.received"]).status_code == 409


def test_a_test_shows_what_the_program_has_answered(gateway: GatewayThread, owner: FlaskClient) -> None:
    _post(owner, **CRM, secret=SECRET, events=["call.ended"])
    assert "crm.example: the test has arrived" in _post(owner, "/h1/test").text
    gateway.hooks.answer = Tried(place="crm.example", code="delivery-refused", problem="The program answered 403.")
    assert "The program answered 403." in _post(owner, "/h1/test").text
    owner.set_cookie("language", "ru")
    assert "Звонок закончился" in owner.get("/webhooks").text


def test_what_did_not_arrive_is_tried_again(gateway: GatewayThread, owner: FlaskClient) -> None:
    _post(owner, **CRM, secret=SECRET, events=["call.ended"])
    told = {"hook": "h1", "event": {"type": "call.ended"}}
    gateway.deliveries.rows = [
        DeliveryRow(id="j1", kind="event-webhook", arguments=told),
        DeliveryRow(id="j2", kind="event-webhook", arguments=told, state="done"),
        DeliveryRow(id="j3", kind="event-webhook", arguments=told, state="waiting", attempts=0),
    ]
    page = owner.get("/webhooks").text
    assert "waits its turn" in page
    assert ("/webhooks/deliveries/j1/retry" in page, "/webhooks/deliveries/j2/retry" in page) == (True, False)
    assert "It is being sent again" in _post(owner, "/deliveries/j1/retry").text
    assert "It is being sent, or" in _post(owner, "/deliveries/j2/retry").text
    assert gateway.deliveries.rows[0].state == "waiting"
