"""The page of the widget: rules, the line to copy, visitors, and where a call came from."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.telephony.widget import WidgetRules
from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.rows import call_row
from tests.web.conftest import csrf_of

FORM = {
    "on": "yes", "origins": "https://Shop.example/\r\nhttps://www.shop.example", "title": "Ждите звонка",
    "consent": "Да", "policy_url": "https://shop.example/data", "rings": "101", "number_per_day": "1",
    "address_per_hour": "2", "per_day": "20", "kept_days": "30",
}  # fmt: skip
VISIT: dict[str, Any] = {
    "id": "v1", "number": "+79035550001", "name": "<b>Olga", "origin": "https://shop.example",
    "asked_at": "2027-01-29T09:00:00.000Z", "due_at": "2027-01-29T09:00:00.000Z",
    "page_url": "https://shop.example/tires", "landing_url": "", "referrer": "javascript:alert(1)",
    "consent": "I agree", "marks": {"utm_source": "ya", "ym_client_id": "133591247640966458"},
}  # fmt: skip


def _post(browser: FlaskClient, **form: object) -> TestResponse:
    return browser.post("/site", data={"csrf_token": csrf_of(browser, "/site"), **form}, follow_redirects=True)


def test_the_rules_are_kept_and_the_line_is_shown(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert "The button now works by these rules." in _post(owner, **FORM).text
    assert gateway.shop_file.shop.widget == WidgetRules(
        on=True, origins=("https://shop.example", "https://www.shop.example"), title="Ждите звонка", consent="Да",
        policy_url="https://shop.example/data", rings=("101",), number_per_day=1, address_per_hour=2, per_day=20,
        kept_days=30,
    )  # fmt: skip
    page = owner.get("/site").text
    assert 'src="http://localhost/widget.js"' in page
    assert 'value="Ждите звонка"' in page


def test_what_is_wrong_is_told_and_not_lost(owner: FlaskClient, gateway: GatewayThread) -> None:
    for name, value in (("origins", "shop.example"), ("per_day", "0"), ("policy_url", "javascript:alert(1)")):
        answer = _post(owner, **{**FORM, name: value})
        assert answer.status_code == 422
        assert value in answer.text
    assert gateway.shop_file.shop.widget == WidgetRules()


def test_visitors_and_their_calls_are_listed(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert "No visitor has asked to be called yet" in owner.get("/site").text
    call = {
        "id": "c1", "started_at": "2027-01-29T09:01:00.000Z", "answered": True, "talk_seconds": 65.0, "cost": 4.5,
    }  # fmt: skip
    gateway.site.items = [{**VISIT, "calls": [call]}]
    page = owner.get("/site").text
    for expected in ("&lt;b&gt;Olga", "/calls/c1", "1:05", "4.50 RUB", "ya"):
        assert expected in page, expected
    answer = owner.get("/site/metrica.csv?by=Yclid")
    assert answer.text.startswith("Yclid,DateTime")
    assert "attachment" in answer.headers["Content-Disposition"]


def test_a_call_says_which_page_it_came_from(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.archive.call_rows = [call_row("c1"), call_row("c2")]
    gateway.archive.details["c1"] = {"visit": VISIT}
    page = owner.get("/calls/c1").text
    for expected in ("From the web site", "https://shop.example/tires", "133591247640966458", "I agree"):
        assert expected in page, expected
    assert 'href="javascript:' not in page
    assert "From the web site" not in owner.get("/calls/c2").text
