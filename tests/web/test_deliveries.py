"""The page of alerts says what became of those that were sent out."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests.fakes.deliveries import DeliveryRow
from tests.fakes.gateway_thread import GatewayThread
from tests.web.conftest import csrf_of


def test_what_was_sent_out_and_what_was_wrong(gateway: GatewayThread, owner: FlaskClient) -> None:
    assert "Sent out" not in owner.get("/alerts").text
    gateway.deliveries.rows = [
        DeliveryRow(state="failed", attempts=2, last_error="Telegram answered 403."),
        DeliveryRow(id="j2", kind="alert-webhook", state="waiting"),
    ]
    page = owner.get("/alerts").text
    assert "Sent out" in page
    assert "Telegram answered 403." in page
    assert "refused" in page
    assert "tried again" in page


def test_a_test_is_sent_and_seen(gateway: GatewayThread, owner: FlaskClient) -> None:
    def send() -> str:
        return owner.post("/alerts/test", data={"csrf_token": csrf_of(owner, "/alerts")}, follow_redirects=True).text

    assert "Alerts are not sent anywhere yet" in send()
    gateway.deliveries.places = 2
    page = send()
    assert "A test is on its way." in page
    assert "tried again" in page
