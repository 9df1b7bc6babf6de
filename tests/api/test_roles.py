"""Who may what: every route with every role, generated from the routes (T-W6)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gateway.api.contract import contract, scopes
from gateway.store.users import SCOPES_OF_ROLES, Role
from tests.api.served import PASSWORD, Served, serving
from tests.api.shapes import assert_fits

pytestmark = pytest.mark.real_time

TABLE = {
    # scope      owner  admin  operator courier viewer
    "own": (True, True, True, True, True),
    "read": (True, True, True, False, True),
    "calls": (True, True, True, False, False),
    "orders": (True, True, True, False, False),
    "delivery": (True, True, False, True, False),
    "shop": (True, True, False, False, False),
    "admin": (True, True, False, False, False),
}
"""The one truth table; the code's own (SCOPES_OF_ROLES) is judged by it, route by route."""


async def _token(served: Served, role: Role) -> str:
    name = f"a {role}"
    if name not in served.accounts.passwords:
        courier = "2001" if role is Role.COURIER else None
        await served.accounts.add_user(name=name, password=PASSWORD, role=role, courier=courier, by="anna")
    session = await served.accounts.sign_in(name=name, password=PASSWORD, address="10.0.0.1", user_agent="")
    assert session is not None
    return session.token


def test_the_table_has_a_row_for_every_scope_of_the_contract() -> None:
    assert TABLE.keys() == set(contract()["components"]["schemas"]["Scope"]["enum"])
    assert set(SCOPES_OF_ROLES) == set(Role)
    assert [str(role) for role in Role] == contract()["components"]["schemas"]["Role"]["enum"]


def test_who_only_looks_on_changes_nothing() -> None:
    """A route that changes something is no `read`, and `own` is what everybody has: it must stay short."""
    assert {method for (method, _), scope in scopes().items() if scope == "read"} <= {"GET", "HEAD"}
    assert {route for route, scope in scopes().items() if scope == "own"} == {
        ("GET", "/api/v1/me"),
        ("PUT", "/api/v1/me/password"),
        ("GET", "/api/v1/me/second-step"),
        ("POST", "/api/v1/me/second-step"),
        ("PUT", "/api/v1/me/second-step"),
        ("POST", "/api/v1/me/second-step/recovery-codes"),
        ("POST", "/api/v1/me/second-step/off"),
        ("GET", "/api/v1/sessions"),
        ("DELETE", "/api/v1/sessions/{id}"),
    }
    assert all("/courier/" in path for (_, path), scope in scopes().items() if scope == "delivery")


@pytest.mark.parametrize("place", range(len(Role)))
async def test_every_route_with_this_role(place: int) -> None:
    role = tuple(Role)[place]
    async with serving() as served:
        await served.set_up()
        cells = 0
        for (method, path), scope in scopes().items():
            if scope is None:
                continue
            token = await _token(served, role)  # anew: some routes end sessions
            status, answer = await _first_word(served, method, re.sub(r"\{\w+\}", "x", path), token)
            is_refused = (status, isinstance(answer, dict) and answer.get("code")) == (403, "forbidden")
            assert is_refused is not TABLE[scope][place], f"{role}: {method} {path} -> {status} {answer}"
            cells += 1
        assert cells == len([scope for scope in scopes().values() if scope is not None])
        status, _ = await served.ask("GET", "/api/v1/stream?x", token="wrong-token-wrong")
        assert status == 401


async def _first_word(served: Served, method: str, path: str, token: str) -> tuple[int, Any]:
    """The status and what is said; of an event stream, which has no end, the status alone."""
    headers = {"Authorization": f"Bearer {token}"}
    async with served.client.request(method, served.url(path), headers=headers) as answer:
        is_endless = answer.content_type == "text/event-stream"
        return answer.status, await answer.json() if "json" in answer.content_type and not is_endless else None


async def test_people_are_let_in_changed_and_removed() -> None:
    async with serving() as served:
        await served.set_up()
        form = {"name": "Boris", "password": PASSWORD, "role": "operator"}
        status, boris = await served.ask("POST", "/api/v1/users", json=form)
        assert status == 201
        assert_fits(boris, "User")
        status, answer = await served.ask("POST", "/api/v1/users", json=form)
        assert (status, answer["code"]) == (409, "name-taken")
        for wrong in (
            {**form, "role": "king"}, {**form, "role": "courier"}, {**form, "courier": "2001"}, {**form, "name": " "},
            {**form, "role": "courier", "courier": "101"},
        ):  # fmt: skip
            assert (await served.ask("POST", "/api/v1/users", json=wrong))[0] == 400
        assert (await served.ask("POST", "/api/v1/users", json={**form, "name": "C", "password": "short"}))[0] == 422

        _, session = await served.ask("POST", "/api/v1/sessions", json={"name": "Boris", "password": PASSWORD})
        status, me = await served.ask("GET", "/api/v1/me", token=session["token"])
        assert_fits(me, "Me")
        assert (me["role"], me["scopes"]) == ("operator", ["calls", "orders", "own", "read"])
        _, listed = await served.ask("GET", f"/api/v1/users/{boris['id']}/sessions")
        (row,) = listed["items"]
        assert_fits(row, "Session")
        path = f"/api/v1/users/{boris['id']}/sessions/{row['id']}"
        assert [(await served.ask("DELETE", path))[0] for _ in range(2)] == [204, 404]
        assert (await served.ask("GET", "/api/v1/me", token=session["token"]))[0] == 401

        change = {"role": "courier", "courier": "2001"}
        status, changed = await served.ask("PUT", f"/api/v1/users/{boris['id']}", json=change)
        assert (status, changed["role"], changed["courier"]) == (200, "courier", "2001")
        new = {"password": "four quite unlikely words"}
        assert (await served.ask("PUT", f"/api/v1/users/{boris['id']}/password", json=new))[0] == 204
        assert (await served.ask("PUT", "/api/v1/users/nobody/password", json=new))[0] == 404
        assert (await served.ask("DELETE", f"/api/v1/users/{boris['id']}"))[0] == 204
        assert (await served.ask("DELETE", f"/api/v1/users/{boris['id']}"))[0] == 404
        assert (await served.ask("DELETE", "/api/v1/users/anna"))[0] == 409


async def test_one_changes_the_own_password_by_knowing_the_old_one() -> None:
    async with serving() as served:
        await served.set_up()
        new = "four quite unlikely words"
        for _ in range(5):
            status, answer = await served.ask("PUT", "/api/v1/me/password", json={"old": "guess", "new": new})
            assert (status, answer["code"]) == (403, "wrong-credentials")
        status, answer = await served.ask("PUT", "/api/v1/me/password", json={"old": PASSWORD, "new": new})
        assert (status, answer["code"]) == (429, "too-many-tries")
    async with serving() as served:
        await served.set_up()
        assert (await served.ask("PUT", "/api/v1/me/password", json={"old": PASSWORD, "new": new}))[0] == 204
        assert (await served.ask("POST", "/api/v1/sessions", json={"name": "anna", "password": new}))[0] == 201
