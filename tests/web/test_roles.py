"""Who gets what from the panel: every route with every role, generated from the routes (T-W6).

The panel has no rights of its own: it asks the API in the name of whoever looks. So a cell holds when each thing that
it asked for is one that the role holds, or was refused, and when the person is told of a refusal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPResponse
from typing import Any

import pytest
from flask import Flask

from gateway.api.contract import scopes
from gateway.messages import error_title
from gateway.store.users import Role
from tests.api.test_roles import TABLE
from tests.fakes.gateway_thread import PASSWORD, GatewayThread
from tests.fakes.rows import call_row
from tests.web.routes import endless_paths, open_paths, unsafe_paths
from web.gateway_client import Asker, Refused
from web.gateway_link import GatewayLink
from web.security import SESSION_COOKIE

LEAST = {Role.OWNER: 110, Role.ADMIN: 110, Role.OPERATOR: 50, Role.COURIER: 8, Role.VIEWER: 25}
"""How many cells let the role in, at least: a matrix in which everything is refused would hold as well."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str | None]]:
    """What the panel asks of the API: method, path as in the contract, and the code of a refusal."""
    seen: list[tuple[str, str, str | None]] = []
    asking = GatewayLink._asking

    @contextmanager
    def watched(self: GatewayLink, asker: Asker, method: str, path: str, **more: Any) -> Iterator[HTTPResponse]:
        answer: AbstractContextManager[HTTPResponse] = asking(self, asker, method, path, **more)
        try:
            with answer as opened:
                seen.append((method, path, None))
                yield opened
        except Refused as refusal:
            seen.append((method, path, refusal.code))
            raise

    monkeypatch.setattr(GatewayLink, "_asking", watched)
    return seen


@pytest.mark.parametrize("place", range(len(Role)))
def test_every_route_with_this_role(
    app: Flask, gateway: GatewayThread, asked: list[tuple[str, str, str | None]], place: int
) -> None:
    role = tuple(Role)[place]
    app.config["WTF_CSRF_ENABLED"] = False  # tests/web/test_guards.py
    gateway.archive.call_rows = [call_row("c1")]
    gateway.keep_recording("r-c1")
    gateway.keep_order("1001")
    cells = [("GET", path) for path in open_paths(app)] + [("POST", path) for path in unsafe_paths(app)]
    if not TABLE["read"][place]:
        cells += [
            ("GET", f"{path}?extension=101") for path in endless_paths(app)
        ]  # those who are let in: tests/web/test_live_feed.py
    let_in = 0
    for method, path in cells:
        browser = app.test_client()
        browser.set_cookie(SESSION_COOKIE, _token(gateway, role))
        asked.clear()
        answer = browser.open(path, method=method)
        refused = [each for each in asked if each[2] == "forbidden"]
        for operation, where, code in asked:
            scope = scopes()[operation, where]
            may = scope is None or TABLE[scope][place]
            assert may is (code != "forbidden"), f"{role}: {method} {path} asked {operation} {where} -> {code}"
        if refused:
            is_told = answer.status_code in (204, 302, 403) or error_title("forbidden", "en") in answer.text
            assert is_told, f"{role}: {method} {path} -> {answer.status_code}, {refused}"
            if (method, answer.status_code) == ("POST", 302):
                with browser.session_transaction() as kept:
                    assert kept.get("_flashes"), f"{role}: {path} was refused, and nobody is told"
        elif answer.status_code < 400:
            let_in += 1
        answer.close()
    print(f"{role}: {len(cells)} cells, {let_in} let in")
    assert let_in >= LEAST[role]


def _token(gateway: GatewayThread, role: Role) -> str:
    """Of a new session: some routes end the one they are asked in."""

    async def sign_in() -> str:
        name = f"a {role}"
        if name not in gateway.accounts.passwords:
            courier = "2001" if role is Role.COURIER else None
            await gateway.accounts.add_user(name=name, password=PASSWORD, role=role, courier=courier, by="anna")
        session = await gateway.accounts.sign_in(name=name, password=PASSWORD, address="10.0.0.1", user_agent="")
        assert session is not None
        return session.token

    return asyncio.run(sign_in())
