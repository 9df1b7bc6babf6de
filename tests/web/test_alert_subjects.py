"""Whom an alert is about is said in the language of the page."""

from __future__ import annotations

from flask.testing import FlaskClient

from gateway.events import AlertRaised
from tests.fakes.gateway_thread import GatewayThread


def test_lines_and_extensions_are_named_in_the_language_of_the_page(owner: FlaskClient, gateway: GatewayThread) -> None:
    for subject in ("line blue", "extension 101", "m0"):
        gateway.publish(AlertRaised(code="budget-spent", subject=subject, values={}))
    russian = owner.get("/alerts", headers={"Accept-Language": "ru"}).text
    for said in ("Линия blue", "Внутренний номер 101", ">m0<"):
        assert said in russian
    assert "line blue" not in russian
    assert "Line blue" in owner.get("/alerts", headers={"Accept-Language": "en"}).text
