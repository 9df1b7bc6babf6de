"""The second step at sign-in, asked for by the API: the way in, the own one, another's, and who needs it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest

from tests.api.served import PASSWORD, Served, serving
from tests.api.shapes import assert_fits

pytestmark = pytest.mark.real_time

SURE = {"password": PASSWORD}


async def _switch_on(served: Served, *, token: str | None = None) -> tuple[pyotp.TOTP, list[str]]:
    status, offered = await served.ask("POST", "/api/v1/me/second-step", json=SURE, token=token)
    assert status == 201, offered
    assert_fits(offered, "OfferedStep")
    phone = pyotp.TOTP(offered["secret"])
    # The code before the present one, so that the present one is still good afterwards.
    code = phone.at(datetime.now(UTC) - timedelta(seconds=30))
    status, told = await served.ask("PUT", "/api/v1/me/second-step", json={"code": code}, token=token)
    assert status == 200, told
    assert_fits(told, "RecoveryCodes")
    return phone, told["recovery_codes"]


async def _ticket(served: Served, name: str = "anna") -> str:
    status, answer = await served.ask("POST", "/api/v1/sessions", json={"name": name, "password": PASSWORD}, token="")
    assert status == 202, answer
    assert_fits(answer, "SignInTicket")
    return str(answer["ticket"])


async def _finish(served: Served, ticket: str, code: str) -> tuple[int, Any]:
    return await served.ask("POST", "/api/v1/sessions/code", json={"ticket": ticket, "code": code}, token="")


async def test_the_way_in_with_a_code_and_out_again() -> None:
    async with serving() as served:
        await served.set_up()
        _, other = await served.ask("POST", "/api/v1/sessions", json={"name": "anna", "password": PASSWORD}, token="")
        status, answer = await served.ask("POST", "/api/v1/me/second-step", json={"password": "guess"})
        assert (status, answer["code"]) == (403, "wrong-credentials")
        phone, spare = await _switch_on(served)
        assert (await served.ask("GET", "/api/v1/me", token=other["token"]))[0] == 401  # every other session ended
        status, state = await served.ask("GET", "/api/v1/me/second-step")
        assert_fits(state, "SecondStep")
        assert (state["on"], state["required"], state["recovery_codes_left"]) == (True, False, 10)
        assert (await served.ask("POST", "/api/v1/me/second-step", json=SURE))[0] == 409

        ticket = await _ticket(served)
        assert (await served.ask("GET", "/api/v1/me", token=ticket))[0] == 401
        wrong = "000000" if phone.now() != "000000" else "000001"
        status, answer = await _finish(served, ticket, wrong)
        assert (status, answer["code"]) == (403, "wrong-code")
        status, session = await _finish(served, ticket, phone.now())
        assert status == 201, session
        assert_fits(session, "NewSession")
        assert (await served.ask("GET", "/api/v1/me", token=session["token"]))[1]["name"] == "anna"
        assert (await _finish(served, ticket, spare[0]))[0] == 401
        assert (await _finish(served, await _ticket(served), spare[0]))[0] == 201

        status, renewed = await served.ask("POST", "/api/v1/me/second-step/recovery-codes", json=SURE)
        assert status == 200
        assert not set(renewed["recovery_codes"]) & set(spare)
        assert (await served.ask("POST", "/api/v1/me/second-step/off", json=SURE))[0] == 204
        assert (await served.ask("POST", "/api/v1/me/second-step/off", json=SURE))[0] == 409
        assert (await served.ask("POST", "/api/v1/sessions", json={"name": "anna", "password": PASSWORD}))[0] == 201


async def test_guesses_are_slowed_down_and_run_out() -> None:
    async with serving() as served:
        await served.set_up()
        phone, spare = await _switch_on(served)
        statuses = []
        for address in ("10.0.0.1", "10.0.0.2"):
            ticket = await _ticket(served)
            for _ in range(6):
                body = {"ticket": ticket, "code": "no" if phone.now() == "000000" else "000000"}
                headers = {"X-Forwarded-For": address}
                statuses.append((await served.ask("POST", "/api/v1/sessions/code", json=body, headers=headers))[0])
        assert statuses == [403, 403, 403, 403, 403, 429] * 2
        headers = {"X-Forwarded-For": "10.0.0.3"}
        body = {"ticket": await _ticket(served), "code": phone.now()}
        status, answer = await served.ask("POST", "/api/v1/sessions/code", json=body, headers=headers)
        assert (status, answer["code"]) == (429, "too-many-tries")  # ten wrong ones are enough for a day
        assert (await _finish(served, str(body["ticket"]), spare[1]))[0] == 201


async def test_a_role_that_needs_it_sees_to_that_first() -> None:
    async with serving() as served:
        await served.set_up()
        form = {"name": "Boris", "password": PASSWORD, "role": "operator"}
        _, boris = await served.ask("POST", "/api/v1/users", json=form)
        assert boris["second_step"] is False
        _, session = await served.ask("POST", "/api/v1/sessions", json={"name": "Boris", "password": PASSWORD})
        token = session["token"]
        for wrong in ({"roles": ["king"]}, {"roles": "owner"}, {"roles": [["owner"]]}, {}):
            assert (await served.ask("PUT", "/api/v1/second-step", json=wrong))[0] == 400
        assert (await served.ask("PUT", "/api/v1/second-step", json={"roles": ["operator"]}))[0] == 204
        status, rule = await served.ask("GET", "/api/v1/second-step")
        assert_fits(rule, "SecondStepRule")
        assert rule == {"roles": ["operator"]}

        status, answer = await served.ask("GET", "/api/v1/calls", token=token)
        assert (status, answer["code"]) == (403, "second-step-needed")
        assert (await served.ask("GET", "/api/v1/me", token=token))[1]["scopes"] == ["own"]
        await _switch_on(served, token=token)
        assert (await served.ask("GET", "/api/v1/snapshot", token=token))[0] == 200
        status, answer = await served.ask("POST", "/api/v1/me/second-step/off", json=SURE, token=token)
        assert (status, answer["code"]) == (403, "second-step-needed")
        (listed,) = [each for each in (await served.ask("GET", "/api/v1/users"))[1]["items"] if each["name"] == "Boris"]
        assert listed["second_step"] is True
        path = f"/api/v1/users/{boris['id']}/second-step"
        assert [(await served.ask("DELETE", path))[0] for _ in range(2)] == [204, 404]


async def test_neither_a_token_nor_an_administrator_says_who_needs_it() -> None:
    async with serving() as served:
        await served.set_up()
        _, program = await served.ask("POST", "/api/v1/tokens", json={"name": "x", "scopes": ["admin"]})
        await served.ask("POST", "/api/v1/users", json={"name": "Adam", "password": PASSWORD, "role": "admin"})
        _, admin = await served.ask("POST", "/api/v1/sessions", json={"name": "Adam", "password": PASSWORD}, token="")
        for token in (program["token"], admin["token"]):
            status, answer = await served.ask("PUT", "/api/v1/second-step", json={"roles": []}, token=token)
            assert (status, answer["code"]) == (403, "owners-only")
        for method, path, body in (
            ("POST", "/api/v1/me/second-step", SURE),
            ("PUT", "/api/v1/me/second-step", {"code": "000000"}),
            ("POST", "/api/v1/me/second-step/off", SURE),
        ):
            assert (await served.ask(method, path, json=body, token=program["token"]))[0] == 403
