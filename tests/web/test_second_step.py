"""The second step at sign-in, as a person meets it in the panel."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pyotp
from flask import Flask
from flask.testing import FlaskClient

from tests.fakes.gateway_thread import PASSWORD, GatewayThread
from tests.web.conftest import csrf_of, sign_in


def _post(browser: FlaskClient, path: str, where: str = "/account/second-step", **form: str) -> str:
    answer = browser.post(path, data={"csrf_token": csrf_of(browser, where), **form}, follow_redirects=True)
    return answer.text


def _switch_on(browser: FlaskClient) -> tuple[pyotp.TOTP, list[str]]:
    page = _post(browser, "/account/second-step", password=PASSWORD)
    assert 'src="data:image/svg+xml' in page
    secret = re.search(r'name="secret" value="([A-Z2-7]{32})"', page)
    uri = re.search(r'name="uri" value="([^"]+)"', page)
    assert secret is not None
    assert uri is not None
    shown = {"secret": secret[1], "uri": uri[1].replace("&amp;", "&")}
    phone = pyotp.parse_uri(shown["uri"])
    assert isinstance(phone, pyotp.TOTP)
    again = _post(browser, "/account/second-step/confirm", code="nonsense", **shown)
    assert "The code is wrong" in again
    assert secret[1] in again  # the picture is there once more
    code = phone.at(datetime.now(UTC) - timedelta(seconds=30))  # the present one stays good for the sign-in
    kept = _post(browser, "/account/second-step/confirm", code=code, **shown)
    codes = re.findall(r"<li><code>([A-Z0-9-]{17})</code>", kept)
    assert len(codes) == 10
    assert codes[0] not in browser.get("/account/second-step").text
    return phone, codes


def _sign_in(app: Flask, name: str = "anna") -> tuple[FlaskClient, str, str]:
    """A browser that has got the right password in: the page it sees, and the ticket in it."""
    browser = app.test_client()
    data = {"csrf_token": csrf_of(browser), "name": name, "password": PASSWORD, "next": "/lines"}
    page = browser.post("/login", data=data).text
    ticket = re.search(r'name="ticket" value="([^"]+)"', page)
    assert ticket is not None, page
    return browser, page, ticket[1]


def test_the_phone_is_set_up_and_asked_for_from_then_on(owner: FlaskClient, app: Flask) -> None:
    assert "name or the password is wrong" in _post(owner, "/account/second-step", password="guess").lower()
    phone, codes = _switch_on(owner)
    browser, page, ticket = _sign_in(app)
    assert 'value="/lines"' in page
    assert browser.get("/").status_code == 302
    form = {"ticket": ticket, "next": "/lines"}
    wrong = browser.post("/login/code", data={"csrf_token": csrf_of(browser), **form, "code": "x"})
    assert wrong.status_code == 403
    right = browser.post("/login/code", data={"csrf_token": csrf_of(browser), **form, "code": phone.now()})
    assert (right.status_code, right.location) == (302, "/lines")
    assert browser.get("/").status_code == 200

    stale, _, _ = _sign_in(app)
    gone = stale.post("/login/code", data={"csrf_token": csrf_of(stale), "ticket": "none", "code": codes[0]})
    assert (gone.status_code, gone.location) == (302, "/login")

    renewed = re.findall(
        r"<li><code>([A-Z0-9-]{17})</code>", _post(owner, "/account/second-step/codes", password=PASSWORD)
    )
    assert len(set(renewed) - set(codes)) == 10
    assert "10 spare codes are left" in owner.get("/account/second-step").text
    assert "password alone" in _post(owner, "/account/second-step/off", password=PASSWORD)
    sign_in(app.test_client())


def test_who_must_have_it_is_led_to_it_and_who_lost_the_phone_is_let_in(
    owner: FlaskClient, app: Flask, gateway: GatewayThread
) -> None:
    asyncio.run(gateway.accounts.add_user(name="Olga", password=PASSWORD, role="operator", courier=None, by="anna"))
    olga = app.test_client()
    data = {"csrf_token": csrf_of(olga), "name": "Olga", "password": PASSWORD}
    assert olga.post("/login", data=data).status_code == 302
    _post(owner, "/access/second-step", "/access", roles="operator")
    assert re.search(r'value="operator" checked', owner.get("/access").text)
    for path in ("/", "/calls", "/lines"):
        answer = olga.get(path)
        assert (answer.status_code, answer.location) == (302, "/account/second-step"), path
    assert olga.get("/parts/tiles", headers={"HX-Request": "true"}).headers.get("HX-Refresh") == "true"
    assert "Your role requires it" in olga.get("/account/second-step").text
    assert olga.get("/account").status_code == 200
    _switch_on(olga)
    assert olga.get("/").status_code == 200
    assert "cannot be switched off" in olga.get("/account/second-step").text

    assert "second step" in owner.get("/access").text
    assert "password alone" in _post(owner, "/access/users/Olga/second-step/off", "/access/users/Olga")
    assert not gateway.accounts.second_steps.is_on("Olga")
    assert olga.post("/access/second-step", data={"csrf_token": csrf_of(olga, "/account")}).status_code in (302, 403)
    assert gateway.accounts.second_steps.roles == {"operator"}
