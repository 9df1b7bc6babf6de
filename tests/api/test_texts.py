"""SMS, USSD and balances by the API: once per key, for the owner alone, and as the contract says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.api.contract import scopes
from tests.api.served import Served, serving
from tests.api.shapes import assert_fits

pytestmark = pytest.mark.real_time

KEY = {"Idempotency-Key": "a-key-of-its-own"}
TEXT = {"to": "+79161234567", "text": "Заказ готов,\nждём вас"}


async def _post(served: Served, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    return await served.ask("POST", path, headers=headers, **({"json": body} if body is not None else {}))


async def test_a_repeated_request_sends_one_message() -> None:
    async with serving() as served:
        await served.set_up()
        first = await _post(served, "/api/v1/messages", TEXT, KEY)
        again = await _post(served, "/api/v1/messages", TEXT, KEY)
        assert first == again == (202, {"id": "m1", "to": "+79161234567", "parts": 1})
        assert [(each.text, each.by, each.line) for each in served.texts.sent] == [(TEXT["text"], "anna", None)]
        status, answer = await _post(served, "/api/v1/messages", {**TEXT, "text": "another"}, KEY)
        assert (status, answer["code"]) == (422, "key-reused")
        status, _ = await _post(served, "/api/v1/messages", {**TEXT, "line": "red"}, {"Idempotency-Key": "another-key"})
        assert status == 202
        assert served.texts.sent[-1].line == "red"


async def test_a_refusal_is_repeated_too() -> None:
    async with serving() as served:
        await served.set_up()
        for _ in range(2):
            status, answer = await _post(served, "/api/v1/messages", {**TEXT, "to": "nobody"}, KEY)
            assert (status, answer["code"]) == (403, "recipient-barred")
            assert_fits(answer, "Problem")


async def test_two_at_the_same_time_are_one() -> None:
    async with serving() as served:
        await served.set_up()
        served.texts.gate = asyncio.Event()
        first = asyncio.create_task(_post(served, "/api/v1/messages", TEXT, KEY))
        while not served.texts.keys:  # noqa: ASYNC110  # the fake has no event for it
            await asyncio.sleep(0.01)
        status, answer = await _post(served, "/api/v1/messages", TEXT, KEY)
        assert (status, answer["code"]) == (409, "key-in-use")
        served.texts.gate.set()
        assert (await first)[0] == 202
        assert len(served.texts.sent) == 1


@pytest.mark.parametrize("key", [None, "", "short", "x" * 101, "with space in it", "кириллица-ключ"])
async def test_without_a_usable_key_nothing_is_sent(key: str | None) -> None:
    async with serving() as served:
        await served.set_up()
        headers = {} if key is None else {"Idempotency-Key": key}
        status, answer = await _post(served, "/api/v1/messages", TEXT, headers)
        assert (status, answer["code"]) == (400, "bad-request")
        assert not served.texts.sent


@pytest.mark.parametrize(
    "body",
    [{}, {"to": "+79161234567"}, {"to": 7, "text": "x"}, {"to": "+79161234567", "text": ""}, {**TEXT, "text": "\x00"},
     {**TEXT, "text": "x" * 2001}, {**TEXT, "line": 1}, {**TEXT, "more": 1}, {**TEXT, "text": "half \ud83d"},
     {**TEXT, "to": "+7916\r\nATD112;"}, []],
)  # fmt: skip
async def test_what_is_not_as_the_contract_says_is_refused(body: Any) -> None:
    async with serving() as served:
        await served.set_up()
        status, answer = await _post(served, "/api/v1/messages", body, KEY)
        assert (status, answer["code"]) == (400, "bad-request")
        assert not served.texts.sent


async def test_taking_back_and_sending_again() -> None:
    async with serving() as served:
        await served.set_up()
        served.texts.waiting.add("m9")
        assert (await _post(served, "/api/v1/messages/m9/cancel"))[0] == 204
        status, answer = await _post(served, "/api/v1/messages/m9/cancel")
        assert (status, answer["code"]) == (409, "not-now")
        served.texts.finished.add("m8")
        assert (await _post(served, "/api/v1/messages/m8/again"))[0] == 202
        assert (await _post(served, "/api/v1/messages/m9/again"))[0] == 409


async def test_codes_and_balances() -> None:
    async with serving() as served:
        await served.set_up()
        status, answer = await _post(served, "/api/v1/lines/red/ussd", {"text": "*100#"})
        assert (status, answer) == (200, {"text": "1 - balance", "wants_answer": True})
        assert_fits(answer, "UssdAnswer")
        status, answer = await _post(served, "/api/v1/lines/red/ussd", {"text": "*105#"})
        assert (status, answer["code"]) == (403, "ussd-not-listed")
        assert (await served.ask("DELETE", "/api/v1/lines/red/ussd"))[0] == 204
        assert served.texts.ended == ["red"]
        assert (await served.ask("GET", "/api/v1/lines/red/balance"))[0] == 404
        status, asked = await _post(served, "/api/v1/lines/red/balance")
        assert status == 200
        assert_fits(asked, "Balance")
        assert await served.ask("GET", "/api/v1/lines/red/balance") == (200, asked)
        assert (await _post(served, "/api/v1/lines/green/balance"))[0] == 503


def test_only_the_owner_may_do_what_costs_money() -> None:
    paid = [
        (method, path)
        for method, path in scopes()
        if path.startswith(("/api/v1/messages", "/api/v1/lines/")) and method != "GET" and not path.endswith("/rules")
    ]
    assert len(paid) >= 6
    assert {scopes()[route] for route in paid} == {"admin"}


async def test_a_token_that_may_only_read_sends_nothing() -> None:
    async with serving() as served:
        await served.set_up()
        _, made = await _post(
            served, "/api/v1/tokens", {"name": "list", "scopes": ["read", "calls"], "expires_at": None}
        )
        for path in ("/api/v1/messages", "/api/v1/lines/red/ussd", "/api/v1/lines/red/balance"):
            status, _ = await served.ask("POST", path, token=made["token"], headers=KEY, json=TEXT)
            assert status == 403
        assert not served.texts.sent
        assert not served.texts.ussd
