"""People, roles, tokens and sessions in the panel."""

from __future__ import annotations

import asyncio
import re

from flask import Flask
from flask.testing import FlaskClient

from tests.fakes.gateway_thread import PASSWORD, GatewayThread
from tests.web.conftest import csrf_of, sign_in


def _post(browser: FlaskClient, path: str, where: str = "/access", **form: str) -> str:
    answer = browser.post(path, data={"csrf_token": csrf_of(browser, where), **form}, follow_redirects=True)
    return answer.text


def _let_in(gateway: GatewayThread, name: str, role: str, courier: str | None = None) -> None:
    asyncio.run(gateway.accounts.add_user(name=name, password=PASSWORD, role=role, courier=courier, by="anna"))


def _browser(app: Flask, name: str) -> FlaskClient:
    browser = app.test_client()
    data = {"csrf_token": csrf_of(browser), "name": name, "password": PASSWORD}
    assert browser.post("/login", data=data).status_code == 302
    return browser


def test_a_courier_is_let_in_and_removed(owner: FlaskClient, gateway: GatewayThread) -> None:
    form = {"name": "Ivan", "password": PASSWORD, "role": "courier"}
    assert "Choose which courier this person is." in _post(owner, "/access/users", **form)
    assert "Ivan can sign in now." in _post(owner, "/access/users", **form, courier="2001")
    assert gateway.accounts.people["Ivan"].courier == "2001"
    assert "Somebody already has this name." in _post(owner, "/access/users", **form, courier="2001")
    assert "Done." in _post(owner, "/access/users/Ivan/role", role="viewer", courier="2001")
    changed = gateway.accounts.people["Ivan"]
    assert changed.role == "viewer"
    assert changed.courier is None
    assert "too easy to guess" in _post(owner, "/access/users/Ivan/password", password="1234567890").lower()
    assert "Done." in _post(owner, "/access/users/Ivan/password", password="another good phrase")
    assert "can no longer sign in" in _post(owner, "/access/users/Ivan/remove")
    assert "Ivan" not in gateway.accounts.passwords
    assert "take away your own rights" in _post(owner, "/access/users/anna/remove")


def test_somebody_is_signed_out_elsewhere(owner: FlaskClient, app: Flask, gateway: GatewayThread) -> None:
    _let_in(gateway, "Olga", "operator")
    browser = _browser(app, "Olga")
    (session,) = [each.id for each in gateway.accounts.open_sessions.values() if each.user_id == "Olga"]
    assert "Sign out there" in owner.get("/access/users/Olga").text
    _post(owner, f"/access/users/Olga/sessions/{session}/end")
    assert browser.get("/").status_code == 302


def test_a_token_is_shown_once_and_revoked(owner: FlaskClient, gateway: GatewayThread) -> None:
    page = _post(owner, "/access/tokens", name="CRM", role="operator", days="90")
    (row,) = gateway.accounts.open_tokens.values()
    assert row.token in page
    assert row.scopes == {"read", "calls", "orders"}
    assert row.expires_at is not None
    assert row.token not in owner.get("/access").text
    _post(owner, f"/access/tokens/{row.id}/revoke")
    assert gateway.accounts.open_tokens == {}


def test_tokens_and_sessions_of_everybody_are_seen_and_ended(
    owner: FlaskClient, app: Flask, gateway: GatewayThread
) -> None:
    _let_in(gateway, "Boris", "admin")
    boris = _browser(app, "Boris")
    _post(boris, "/access/tokens", name="His own script", role="admin", days="0")
    assert "His own script" not in owner.get("/access").text, "these are the asker's"
    page = owner.get("/access/everywhere").text
    assert "His own script" in page
    assert "Boris" in page
    assert "Last seen" in page or "last seen" in page
    assert "His own script" in owner.get("/access/users/Boris").text
    (row,) = gateway.accounts.open_tokens.values()
    assert row.token not in page
    page = _post(owner, f"/access/users/Boris/tokens/{row.id}/revoke", back="everywhere")
    assert "Done." in page
    assert gateway.accounts.open_tokens == {}
    (session,) = [each.id for each in gateway.accounts.open_sessions.values() if each.user_id == "Boris"]
    assert "Sign out there" in _post(owner, "/access/tokens", name="mine", role="viewer", days="30") + page
    _post(owner, f"/access/users/Boris/sessions/{session}/end", back="everywhere")
    assert boris.get("/").status_code == 302
    assert "Boris" not in owner.get("/access/everywhere").text


def test_one_changes_the_own_password(app: Flask, gateway: GatewayThread) -> None:
    browser = app.test_client()
    sign_in(browser)
    form = {"old": "wrong", "new": "another good phrase"}
    assert "name or the password is wrong" in _post(browser, "/account/password", "/account", **form).lower()
    assert "has been changed" in _post(browser, "/account/password", "/account", **{**form, "old": PASSWORD})
    assert gateway.accounts.passwords["anna"] == "another good phrase"


def test_each_role_sees_what_it_may(app: Flask, gateway: GatewayThread) -> None:
    for name, role, courier in (("Olga", "operator", None), ("Vera", "viewer", None), ("Ivan", "courier", "2001")):
        _let_in(gateway, name, role, courier)
    for name in ("Olga", "Vera"):
        browser = _browser(app, name)
        menu = re.findall(r'href="(/\w*)"', browser.get("/").text)
        assert "/calls" in menu
        assert "/access" not in menu
        assert "/shop" not in menu
        assert browser.get("/access").status_code == 403
        assert browser.get("/shop").status_code == 403
    ivan = _browser(app, "Ivan")
    for path in ("/", "/calls", "/messages", "/lines", "/couriers", "/access", "/shop"):
        page = ivan.get(path, follow_redirects=True).text
        assert "+7" not in page, path
        assert "916" not in page, path
    assert "Courier" in ivan.get("/account").text
