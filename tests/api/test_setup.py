"""Phones are set up over the API: opening needs the owner, fetching needs the word."""

from __future__ import annotations

import logging

import pytest

from tests.api.served import serving

BASE = "http://192.168.1.5:8080/provisioning/"


async def test_the_owner_opens_and_the_phone_fetches(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as served:
        await served.set_up()
        with caplog.at_level(logging.DEBUG):
            status, opened = await served.ask("POST", "/api/v1/phones/101/setup")
            assert status == 201
            assert opened["files"]["yealink"] == "{mac}.cfg"
            path = f"/api/v1/setup-files/{opened['token']}/805ec0a1b2c3.cfg"
            async with served.client.get(served.url(path), params={"base": BASE}) as answer:
                assert (answer.status, answer.content_type) == (200, "text/plain")
                assert answer.headers["Cache-Control"] == "no-store"
                assert "account.1.password = not-told-to-anybody\n" in await answer.text()
            assert (await served.ask("DELETE", "/api/v1/phones/101/setup"))[0] == 204
            status, problem = await served.ask("GET", path, params={"base": BASE})
            assert (status, problem["code"]) == (404, "not-found")
        assert "not-told-to-anybody" not in caplog.text
        assert opened["token"] not in "".join(
            each.getMessage() for each in caplog.records if each.name.startswith("gateway")
        )


async def test_opening_is_for_who_may_change_the_shop() -> None:
    async with serving() as served:
        assert (await served.ask("POST", "/api/v1/phones/101/setup"))[0] == 401
        await served.set_up()
        body = {"name": "reader", "scopes": ["read", "calls"], "expires_at": None}
        _, token = await served.ask("POST", "/api/v1/tokens", json=body)
        assert (await served.ask("POST", "/api/v1/phones/101/setup", token=token["token"]))[0] == 403
        assert (await served.ask("POST", "/api/v1/phones/999/setup"))[0] == 404
        assert (await served.ask("DELETE", "/api/v1/phones/101/setup"))[0] == 404


@pytest.mark.parametrize(
    ("path", "base", "status"),
    [
        ("x/linphone.xml", BASE, 404),
        ("x" * 65 + "/linphone.xml", BASE, 404),
        ("x/" + "y" * 65, BASE, 404),
        ("x/linphone.xml", "http://" + "h" * 400, 404),
        ("x/linphone.xml", "ftp://nowhere/", 400),
        ("x/linphone.xml", "", 400),
    ],
)
async def test_whatever_else_is_asked_for_is_refused(path: str, base: str, status: int) -> None:
    async with serving() as served:
        await served.set_up()
        assert (await served.ask("GET", f"/api/v1/setup-files/{path}", params={"base": base}))[0] == status
