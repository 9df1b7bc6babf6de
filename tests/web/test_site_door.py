"""The door for the shop's web site: which sites may ask, what they are told, and that nothing else is to be had."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.telephony.widget import WidgetRules
from tests.fakes.gateway_thread import GatewayThread
from web.app import create_app
from web.site_door import LARGEST_WISH_BYTES

SITE = "https://shop.example"
FOREIGN = "https://evil.example"
WISH: dict[str, Any] = {"language": "en", "phone": "+79035550001", "name": "Olga", "consent": True, "utm_source": "ya"}


@pytest.fixture
def visitor(stranger: FlaskClient, gateway: GatewayThread) -> FlaskClient:
    """A browser on the shop's site, which shows the widget."""
    gateway.shop_file.shop = replace(gateway.shop_file.shop, widget=WidgetRules(on=True, origins=(SITE,)))
    return stranger


def _token(visitor: FlaskClient) -> str:
    answer = visitor.get("/widget/form", headers={"Origin": SITE})
    assert answer.status_code == 200
    return str(answer.json["token"])  # type: ignore[index]  # it is JSON


def test_the_script_is_for_every_site_and_sets_no_cookie(stranger: FlaskClient) -> None:
    answer = stranger.get("/widget.js", headers={"Host": "gateway.example"})
    assert answer.status_code == 200
    assert answer.content_type == "text/javascript; charset=utf-8"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    assert stranger.get("/widget.js", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_the_script_builds_no_markup_of_text_and_needs_no_eval(stranger: FlaskClient) -> None:
    text = stranger.get("/widget.js").text
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "Function(", ".style", "document.write"):
        assert forbidden not in text, forbidden


def test_a_visitor_of_a_named_site_is_promised_a_call(visitor: FlaskClient, gateway: GatewayThread) -> None:
    wanted = {"Origin": SITE, "Access-Control-Request-Method": "POST"}
    preflight = visitor.options("/widget/wishes", headers=wanted)
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Headers"] == "Content-Type"
    answer = visitor.post("/widget/wishes", headers={"Origin": SITE}, json={**WISH, "token": _token(visitor)})
    assert answer.status_code == 202
    assert answer.headers["Access-Control-Allow-Origin"] == SITE
    assert answer.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    (promise,) = gateway.call_backs.promises
    assert (promise.number, promise.name) == ("+79035550001", "Olga")


@pytest.mark.parametrize("origin", [FOREIGN, "null", "", "https://shop.example.evil.example", "x" * 9000])
def test_a_foreign_site_learns_nothing(visitor: FlaskClient, gateway: GatewayThread, origin: str) -> None:
    headers = {"Origin": origin} if origin else {}
    token = _token(visitor)
    for answer in (
        visitor.get("/widget/form", headers=headers),
        visitor.options("/widget/wishes", headers=headers),
        visitor.post("/widget/wishes", headers=headers, json={**WISH, "token": token}),
        visitor.post("/widget/wishes", headers=headers, json={**WISH, "token": token, "origin": SITE}),
    ):
        assert answer.status_code == 404
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert gateway.call_backs.promises == []


def test_refusals_are_told_by_their_code_alone(visitor: FlaskClient, gateway: GatewayThread) -> None:
    for change, status, code in (
        ({"phone": "+88216012345"}, 403, "number-barred"),
        ({"consent": False}, 400, "bad-request"),
        ({"token": "old"}, 409, "form-too-old"),
        ({"number": "x"}, 400, "bad-request"),
    ):
        wish = {**WISH, "token": _token(visitor), **change}
        answer = visitor.post("/widget/wishes", headers={"Origin": SITE}, json=wish)
        assert (answer.status_code, answer.json) == (status, {"code": code})
        assert answer.headers["Access-Control-Allow-Origin"] == SITE
    assert gateway.call_backs.promises == []


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"[" * 9000, b'"' + b"x" * LARGEST_WISH_BYTES + b'"'])
def test_what_is_no_wish_is_refused(visitor: FlaskClient, body: bytes) -> None:
    answer = visitor.post("/widget/wishes", headers={"Origin": SITE}, data=body, content_type="application/json")
    assert (answer.status_code, answer.json) == (400, {"code": "bad-request"})
    assert visitor.put("/widget/wishes", headers={"Origin": SITE}).status_code == 405


def test_the_address_is_the_visitors_also_behind_a_web_server(visitor: FlaskClient, gateway: GatewayThread) -> None:
    def ask(number: int, said: str, near: str = "127.0.0.1") -> int:
        wish = {**WISH, "phone": f"+790355500{number}", "token": _token(visitor)}
        headers = {"Origin": SITE, "X-Forwarded-For": said}
        return visitor.post(
            "/widget/wishes", headers=headers, json=wish, environ_overrides={"REMOTE_ADDR": near}
        ).status_code  # fmt: skip

    assert [ask(10 + place, "1.2.3.4, 198.51.100.7") for place in range(4)] == [202, 202, 202, 429]
    assert ask(20, "198.51.100.8") == 202
    forged = [ask(30 + place, f"198.51.100.{place}", near="203.0.113.9") for place in range(4)]
    assert forged == [202, 202, 202, 429], "who is not on this machine is taken for whom the wire says"
    assert ask(40, "nonsense") == 202


def test_only_this_door_is_open_where_the_panel_is_for_private_addresses(gateway: GatewayThread) -> None:
    browser = create_app(gateway.url, only_private=True).test_client()
    there = {"REMOTE_ADDR": "93.184.215.14"}
    assert browser.get("/widget.js", environ_overrides=there).status_code == 200
    assert browser.get("/widget/form", headers={"Origin": SITE}, environ_overrides=there).status_code == 404
    for path in ("/", "/login", "/widget", "/widget/", "/widget/form/", "/widget.js/../login", "/static/app.css"):
        assert browser.get(path, environ_overrides=there).status_code == 403, path


def test_a_gateway_that_is_away_is_told_so(visitor: FlaskClient) -> None:
    away = create_app("http://127.0.0.1:9").test_client()
    answer = away.get("/widget/form", headers={"Origin": SITE})
    assert (answer.status_code, answer.json) == (503, {"code": "away"})
