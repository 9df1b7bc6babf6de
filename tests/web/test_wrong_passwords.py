"""The page of wrong passwords: who is shut out and whom that hits, with buttons to end it; only for administrators."""

from __future__ import annotations

import asyncio

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fakes.gateway_thread import PASSWORD, GatewayThread
from tests.web.conftest import csrf_of

PAGE = "/access/wrong-passwords"


def _post(browser: FlaskClient, path: str) -> TestResponse:
    return browser.post(f"{PAGE}/{path}", data={"csrf_token": csrf_of(browser, PAGE)}, follow_redirects=True)


def test_a_block_is_shown_with_the_phones_it_hits_and_lifted(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert "No wrong passwords of late" in owner.get(PAGE).text
    assert f'href="{PAGE}"' in owner.get("/access").text
    gateway.door.bound["192.168.1.77"] = ("101",)
    gateway.door.fails("192.168.1.77", "101")
    gateway.door.fails("192.168.1.78", "<b>", times=2)
    page = owner.get(PAGE).text
    assert page.index("192.168.1.77") < page.index("192.168.1.78"), "who is shut out comes first"
    assert "5 wrong passwords, for 101" in page
    assert "2 wrong passwords, for &lt;b&gt;" in page
    assert "cannot call until then: 101 Front desk" in page
    assert page.count("Lift the block<") == 1
    assert "192.168.1.77 is heard again." in _post(owner, "bans/192.168.1.77/lift").text
    assert not gateway.door.guard.is_banned("192.168.1.77")
    assert gateway.door.noted == [("anna", "sip-ban.lifted", "192.168.1.77")]
    assert "was no longer blocked" in _post(owner, "bans/192.168.1.77/lift").text
    assert len(gateway.door.noted) == 1
    assert "a block would shut them out too: 101" in owner.get(PAGE).text


def test_a_phone_that_is_guessed_at_is_opened_again(owner: FlaskClient, gateway: GatewayThread) -> None:
    for number in range(20):
        gateway.door.fails(f"192.168.2.{number}", "101", times=1)
    page = owner.get(PAGE).text
    assert "only where it is signed in, until" in page
    assert "can sign in from any address again" in _post(owner, "phones/101/open").text
    assert gateway.door.guard.may_log_in("101", bound=False)
    assert gateway.door.noted == [("anna", "sip-phone.opened", "101")]
    assert "could sign in from any address already" in _post(owner, "phones/101/open").text


def test_failed_sign_ins_to_the_panel_are_listed(owner: FlaskClient, app: Flask) -> None:
    stranger = app.test_client()
    for _ in range(5):
        form = {"csrf_token": csrf_of(stranger, "/login"), "name": "anna", "password": "wrong"}
        stranger.post("/login", data=form, environ_base={"REMOTE_ADDR": "192.168.1.99"})
    page = owner.get(PAGE).text
    assert "192.168.1.99" in page
    row = page.partition("192.168.1.99")[2]
    assert '<td data-label="Times">5</td>' in row
    assert "–" not in row.partition("</tr>")[0], "it has to wait"


def test_an_operator_sees_none_of_it(app: Flask, owner: FlaskClient, gateway: GatewayThread) -> None:
    assert owner.get(PAGE).status_code == 200
    asyncio.run(gateway.accounts.add_user(name="Boris", password=PASSWORD, role="operator", courier=None, by="anna"))
    boris = app.test_client()
    boris.post("/login", data={"csrf_token": csrf_of(boris, "/login"), "name": "Boris", "password": PASSWORD})
    assert boris.get("/").status_code == 200
    assert boris.get(PAGE).status_code == 403
