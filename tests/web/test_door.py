"""Coming in: no default password, no fixed session, no guessing, no way back after signing out (T-W2, T-W8, T-W9)."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fakes.gateway_thread import PASSWORD, GatewayThread, gateway_running
from tests.web.conftest import csrf_of, sign_in
from tests.web.routes import open_paths, unsafe_paths
from web.app import create_app
from web.own_certificate import PanelCertificate
from web.views.entry import own_path

FORM = {"code": "SETUP-CODE", "name": "anna", "password": PASSWORD, "password_again": PASSWORD}


def test_until_there_is_an_owner_every_page_leads_to_the_setup(tmp_path: Path) -> None:
    with gateway_running(GatewayThread(tmp_path)) as gateway:
        app = create_app(gateway.url)
        browser = app.test_client()
        for path in open_paths(app):
            answer = browser.get(path)
            if path in ("/setup", "/setup/restore"):
                assert answer.status_code == 200
            else:
                assert (answer.status_code, answer.location) == (302, "/setup"), path
        for path in unsafe_paths(app):
            token = csrf_of(browser, "/setup")
            answer = browser.post(path, data={"csrf_token": token})
            is_door = path in ("/setup", "/setup/restore")
            assert answer.status_code in ((400, 403, 422) if is_door else (302,)), path
            if not is_door and path != "/preferences":
                assert answer.location == "/setup", path
        assert gateway.accounts.passwords == {}


def test_the_code_makes_the_owner_and_lets_them_in(tmp_path: Path) -> None:
    with gateway_running(GatewayThread(tmp_path)) as gateway:
        browser = create_app(gateway.url).test_client()
        page = browser.get("/setup").text
        assert "with two modems one such call can run at a time" in page, "how many SIM cards are needed"
        assert "passing on calls of others by your SIM cards is forbidden" in page
        token = csrf_of(browser, "/setup")
        answer = browser.post("/setup", data={**FORM, "csrf_token": token, "code": "WRONG"})
        assert (answer.status_code, "The setup code is wrong." in answer.text) == (403, True)
        assert PASSWORD not in answer.text
        answer = browser.post(
            "/setup", data={**FORM, "csrf_token": token, "password": "password12", "password_again": "password12"}
        )
        assert (answer.status_code, "too easy to guess" in answer.text) == (422, True)
        answer = browser.post("/setup", data={**FORM, "csrf_token": token, "password_again": "other"})
        assert (answer.status_code, "The two passwords differ." in answer.text) == (422, True)
        answer = browser.post("/setup", data={**FORM, "csrf_token": token})
        assert (answer.status_code, answer.location) == (302, "/start")
        assert browser.get("/").status_code == 200
        assert browser.get("/setup").location == "/login"
        again = browser.post("/setup", data={**FORM, "csrf_token": csrf_of(browser, "/"), "name": "eve"})
        assert again.status_code == 409
        assert list(gateway.accounts.passwords) == ["anna"]


def test_strangers_are_sent_to_the_door_and_back_afterwards(stranger: FlaskClient, app: Flask) -> None:
    for path in open_paths(app):
        answer = stranger.get(path)
        if path not in ("/setup", "/login"):
            assert answer.status_code == 302, path
            assert answer.location.startswith("/login"), path
    assert stranger.get("/calls?show=missed").location == "/login?next=/calls?show%3Dmissed"
    answer = stranger.post(
        "/login",
        data={"csrf_token": csrf_of(stranger), "name": "anna", "password": PASSWORD, "next": "/calls?show=missed"},
    )
    assert answer.location == "/calls?show=missed"


def test_a_wrong_password_is_refused_without_a_hint(stranger: FlaskClient) -> None:
    token = csrf_of(stranger)
    texts = set()
    for name in ("anna", "nobody"):
        answer = stranger.post("/login", data={"csrf_token": token, "name": name, "password": "x" * 12})
        assert answer.status_code == 403
        texts.add(answer.text.split('role="alert"')[1].split("</div>")[0])
    assert len(texts) == 1


def test_guessing_is_stopped(stranger: FlaskClient, gateway: GatewayThread) -> None:
    token = csrf_of(stranger)
    answers = [
        stranger.post("/login", data={"csrf_token": token, "name": "anna", "password": f"guess-{number}"})
        for number in range(200)
    ]
    assert gateway.accounts.verified <= 5
    assert answers[-1].status_code == 429
    assert "Try again in" in answers[-1].text


def test_a_session_planted_before_the_sign_in_is_worth_nothing(app: Flask) -> None:
    browser = app.test_client()
    browser.set_cookie("simbridge_session", "planted-by-somebody-else")
    before = browser.get("/login").headers.getlist("Set-Cookie")
    sign_in(browser)
    cookie = browser.get_cookie("simbridge_session")
    assert cookie is not None
    assert cookie.value != "planted-by-somebody-else"
    thief = app.test_client()
    thief.set_cookie("simbridge_session", "planted-by-somebody-else")
    assert thief.get("/").location.startswith("/login")
    assert all("simbridge_session" not in each for each in before)


def test_signing_out_ends_the_session_at_the_daemon_too(owner: FlaskClient, app: Flask, gateway: GatewayThread) -> None:
    cookie = owner.get_cookie("simbridge_session")
    assert cookie is not None
    answer = owner.post("/logout", data={"csrf_token": csrf_of(owner, "/")})
    assert answer.location == "/login"
    assert gateway.accounts.open_sessions == {}
    replay = app.test_client()
    replay.set_cookie("simbridge_session", cookie.value)
    assert replay.get("/").location.startswith("/login")


def test_cookies_are_for_this_site_and_no_script(stranger: FlaskClient, gateway: GatewayThread, tmp_path: Path) -> None:
    token = csrf_of(stranger)
    answers = [
        stranger.get("/login"),
        stranger.post("/preferences", data={"csrf_token": token, "language": "ru", "theme": "dark"}),
        stranger.post("/login", data={"csrf_token": token, "name": "anna", "password": PASSWORD}),
    ]
    cookies = [cookie for answer in answers for cookie in answer.headers.getlist("Set-Cookie")]
    assert len(cookies) >= 3
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)
    made = PanelCertificate(tmp_path / "certificate.pem", tmp_path / "key.pem", None)
    secure = create_app(gateway.url, tls=made).test_client()
    answer = secure.post(
        "https://localhost/preferences",
        data={"csrf_token": csrf_of(secure, "https://localhost/login"), "language": "ru"},
        headers={"Referer": "https://localhost/login"},
    )
    assert all("Secure" in cookie for cookie in answer.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        ("/calls", "/calls"), ("/calls?show=missed&search=%2B7", "/calls?show=missed&search=%2B7"), ("", "/"),
        ("https://evil.example/", "/"), ("//evil.example/", "/"), ("/\\evil.example", "/"), ("\\\\evil.example", "/"),
        ("javascript:alert(1)", "/"), ("/\t/evil.example", "/"), ("/\n/evil.example", "/"), ("calls", "/"),
        ("///evil.example", "/"), ("http:/evil.example", "/"), (" /calls", "/"),
    ],
)  # fmt: skip
def test_the_way_back_stays_here(wanted: str, taken: str) -> None:
    assert own_path(wanted) == taken


def test_a_daemon_that_is_away_is_said_on_one_plain_page(tmp_path: Path) -> None:
    gateway = GatewayThread(tmp_path)
    gateway.make_owner()
    with gateway_running(gateway):
        app = create_app(gateway.url)
        browser = app.test_client()
        sign_in(browser)
    for path in open_paths(app):
        answer = browser.get(path)
        if path in ("/login", "/setup", "/setup/restore"):
            assert answer.status_code in (200, 302)
        else:
            assert (answer.status_code, "The gateway is not running" in answer.text) == (503, True), path
    with gateway_running(gateway, port=gateway.port):
        assert browser.get("/").status_code == 200
