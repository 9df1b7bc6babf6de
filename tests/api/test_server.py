"""The API on loopback: who may do what, and what a wrong request is told."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path

import pytest

from gateway.api.board import Board
from gateway.api.contract import scopes
from gateway.api.server import ApiServer
from gateway.errors import AddressInUse
from gateway.events import AlertRaised, CallStarted, EventBus
from tests.api.served import PASSWORD, serving
from tests.api.shapes import assert_fits
from tests.fakes.accounts import FakeAccounts
from tests.fakes.alert_ways import FakeAlertWays
from tests.fakes.browser_phones import FakeBrowserPhones
from tests.fakes.call_backs import FakeCallBacks
from tests.fakes.company import FakeCompany, watched
from tests.fakes.contacts import KeptPeople
from tests.fakes.couriers import FakeCouriers
from tests.fakes.event_hooks import FakeEventHooks
from tests.fakes.exchange_view import SHOP, FakeShopFile, setup_desk
from tests.fakes.modem_care import FakeModemCare
from tests.fakes.order_desk import status_test
from tests.fakes.orders import orders_in_memory
from tests.fakes.queue import FakeQueue
from tests.fakes.recorded import FakeRecorded
from tests.fakes.reports import FakeMissed
from tests.fakes.route_tried import routes_of
from tests.fakes.sip_door import KnownDoor
from tests.fakes.site import FakeSite
from tests.fakes.texts import FakeTexts
from tests.fakes.toll_free import toll_free_in_memory
from tests.fakes.upkeep import upkeep

pytestmark = pytest.mark.real_time


async def test_health_follows_the_exchange() -> None:
    async with serving() as served:
        assert await served.ask("GET", "/api/v1/health") == (200, {"status": "ready"})
        served.ready[0] = False
        assert await served.ask("GET", "/api/v1/health") == (503, {"status": "starting"})


async def test_without_a_token_only_the_open_routes_answer() -> None:
    async with serving() as served:
        await served.set_up()
        served.token = None
        for (method, path), scope in scopes().items():
            if scope is None:
                continue
            for token in (None, "not-a-good-token", "ü" * 20):
                status, answer = await served.ask(method, re.sub(r"\{\w+\}", "x", path), token=token)
                assert (status, answer["code"]) == (401, "not-signed-in"), f"{method} {path}"


async def test_a_token_does_what_its_scope_says() -> None:
    async with serving() as served:
        await served.set_up()
        for granted in ("read", "calls", "shop"):
            _, made = await served.ask("POST", "/api/v1/tokens", json={"name": granted, "scopes": [granted]})
            for (method, path), needed in scopes().items():
                if needed is None or path.endswith("/stream"):
                    continue
                status, answer = await served.ask(method, re.sub(r"\{\w+\}", "x", path), token=made["token"])
                refused = status == 403 and answer["code"] == "forbidden"
                assert refused == (needed != granted), f"{granted}: {method} {path} -> {status} {answer}"


async def test_set_up_works_once_and_only_with_the_code() -> None:
    async with serving() as served:
        form = {"code": "GUESS", "name": "anna", "password": PASSWORD}
        assert await served.ask("GET", "/api/v1/setup") == (200, {"needed": True})
        status, answer = await served.ask("POST", "/api/v1/sessions", json={"name": "anna", "password": PASSWORD})
        assert (status, answer["code"]) == (409, "setup-needed")
        status, answer = await served.ask("POST", "/api/v1/setup", json=form)
        assert (status, answer["code"]) == (403, "wrong-setup-code")
        status, answer = await served.ask("POST", "/api/v1/setup", json={**form, "code": "SETUP-CODE"})
        assert status == 201
        assert_fits(answer, "NewSession")
        assert await served.ask("GET", "/api/v1/setup") == (200, {"needed": False})
        status, answer = await served.ask("POST", "/api/v1/setup", json={**form, "code": "SETUP-CODE"})
        assert (status, answer["code"]) == (409, "setup-done")


async def test_a_weak_password_does_not_use_up_the_code() -> None:
    async with serving() as served:
        for password in ("short", "password12", "1234567890", "anna123456"):
            form = {"code": "SETUP-CODE", "name": "anna", "password": password}
            status, answer = await served.ask("POST", "/api/v1/setup", json=form)
            assert (status, answer["code"]) == (422, "weak-password"), password
        await served.set_up()


async def test_sign_in_sessions_and_sign_out() -> None:
    async with serving() as served:
        await served.set_up()
        status, answer = await served.ask(
            "POST", "/api/v1/sessions", json={"name": "anna", "password": PASSWORD},
            headers={"User-Agent": "Phone", "X-Forwarded-For": "192.168.1.7"},
        )  # fmt: skip
        assert status == 201
        second = answer["token"]
        _, answer = await served.ask("GET", "/api/v1/sessions", token=second)
        for row in answer["items"]:
            assert_fits(row, "Session")
        current = [row for row in answer["items"] if row["current"]]
        assert [(row["address"], row["user_agent"]) for row in current] == [("192.168.1.7", "Phone")]
        assert (await served.ask("DELETE", "/api/v1/sessions/current", token=second))[0] == 204
        assert (await served.ask("GET", "/api/v1/sessions", token=second))[0] == 401
        assert (await served.ask("GET", "/api/v1/sessions"))[0] == 200
        assert (await served.ask("DELETE", "/api/v1/sessions/nobody"))[0] == 404


async def test_guessing_is_stopped_after_five_tries_from_an_address() -> None:
    async with serving() as served:
        await served.set_up()
        before = served.accounts.verified
        answers = [
            await served.ask("POST", "/api/v1/sessions", json={"name": f"user{number}", "password": "x" * 12})
            for number in range(200)
        ]
        assert served.accounts.verified - before <= 5
        assert {answer["code"] for _, answer in answers} == {"wrong-credentials", "too-many-tries"}
        assert answers[-1][0] == 429
        assert "Try again in" in answers[-1][1]["detail"]


async def test_guessing_one_account_from_many_addresses_is_stopped_after_twenty() -> None:
    async with serving() as served:
        await served.set_up()
        before = served.accounts.verified
        for number in range(60):
            await served.ask(
                "POST", "/api/v1/sessions", json={"name": "anna", "password": "x" * 12},
                headers={"X-Forwarded-For": f"192.168.1.{number}"},
            )  # fmt: skip
        assert served.accounts.verified - before == 20


async def test_the_setup_code_cannot_be_guessed_either() -> None:
    async with serving() as served:
        codes = set()
        for number in range(30):
            form = {"code": f"GUESS-{number}", "name": "anna", "password": PASSWORD}
            codes.add((await served.ask("POST", "/api/v1/setup", json=form))[1]["code"])
        assert codes == {"wrong-setup-code", "too-many-tries"}


async def test_tokens_are_told_once() -> None:
    async with serving() as served:
        await served.set_up()
        form = {"name": "script", "scopes": ["read", "calls"], "expires_at": "2030-01-01T00:00:00+03:00"}
        status, made = await served.ask("POST", "/api/v1/tokens", json=form)
        assert status == 201
        assert made["expires_at"] == "2029-12-31T21:00:00.000Z"
        _, listed = await served.ask("GET", "/api/v1/tokens")
        assert_fits(listed["items"][0], "Token")
        assert made["token"] not in str(listed)
        assert (await served.ask("DELETE", f"/api/v1/tokens/{made['id']}"))[0] == 204
        assert (await served.ask("GET", "/api/v1/snapshot", token=made["token"]))[0] == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b"\xff\xfe", 400),
        (b"[" * 5000, 400),
        (b'{"name": 5, "scopes": ["read"]}', 400),
        (b'{"name": "", "scopes": ["read"]}', 400),
        (b'{"name": "x\\u0000", "scopes": ["read"]}', 400),
        (b'{"name": "\\ud800", "scopes": ["read"]}', 400),
        (b'{"name": "x", "scopes": []}', 400),
        (b'{"name": "x", "scopes": ["read", "read"]}', 400),
        (b'{"name": "x", "scopes": ["root"]}', 400),
        (b'{"name": "x", "scopes": [[]]}', 400),
        (b'{"name": "x", "scopes": ["read"], "more": 1}', 400),
        (b'{"name": "x", "scopes": ["read"], "expires_at": "tomorrow"}', 400),
        (b'{"name": "x", "scopes": ["read"], "expires_at": "2030-01-01T00:00:00"}', 400),
        (b'{"name": "x", "scopes": ["read"], "expires_at": "0001-01-01T00:00:00+14:00"}', 400),
        (b'{"name": "x", "scopes": ["read"], "expires_at": {}}', 400),
    ],
)
async def test_a_wrong_body_is_refused_in_words(body: bytes, status: int) -> None:
    async with serving() as served:
        await served.set_up()
        got, answer = await served.ask(
            "POST", "/api/v1/tokens", data=body, headers={"Content-Type": "application/json"}
        )
        assert got == status, answer
        assert_fits(answer, "Problem")


async def test_a_body_that_is_too_large_is_not_read() -> None:
    async with serving() as served:
        await served.set_up()
        reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
        head = (
            f"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 1100000\r\n\r\n"
        )
        writer.write(head.encode() + b"x" * 1_100_000)
        answer = await reader.readuntil(b"}")
        writer.close()
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b'"code": "too-large"' in answer


async def test_a_body_of_another_type_is_refused() -> None:
    async with serving() as served:
        status, answer = await served.ask(
            "POST", "/api/v1/sessions", data=b'{"name": "a", "password": "b"}', headers={"Content-Type": "text/plain"}
        )
        assert (status, answer["code"]) == (415, "unsupported-media-type")


async def test_problems_speak_the_language_that_is_asked_for() -> None:
    async with serving() as served:
        for language, title in (("ru", "Вход не выполнен."), ("en-GB", "You are not signed in."), ("", "You are not")):
            _, answer = await served.ask("GET", "/api/v1/snapshot", headers={"Accept-Language": language})
            assert answer["title"].startswith(title)
            assert_fits(answer, "Problem")


async def test_unknown_paths_and_methods_are_problems_too() -> None:
    async with serving() as served:
        assert (await served.ask("GET", "/api/v2/health"))[1]["code"] == "not-found"
        status, answer = await served.ask("PATCH", "/api/v1/health")
        assert (status, answer["code"]) == (405, "method-not-allowed")


async def test_commands_reach_the_exchange() -> None:
    async with serving() as served:
        await served.set_up()
        assert (await served.ask("POST", "/api/v1/calls/c1/hangup"))[0] == 202
        assert (await served.ask("POST", "/api/v1/calls/unknown/hangup"))[0] == 404
        assert served.hung_up == ["c1", "unknown"]
        served.bus.publish(AlertRaised(code="modem-lost", subject="m0", values={}))
        alert = (await served.ask("GET", "/api/v1/alerts"))[1]["items"][0]
        assert (await served.ask("POST", f"/api/v1/alerts/{alert['id']}/acknowledge"))[0] == 204
        assert (await served.ask("GET", "/api/v1/alerts"))[1]["items"][0]["acknowledged_by"] == "anna"
        assert (await served.ask("POST", "/api/v1/alerts/unknown/acknowledge"))[0] == 404


async def test_two_are_connected_once_per_key() -> None:
    async with serving() as served:
        await served.set_up()
        for _ in range(2):
            headers = {"Idempotency-Key": "first-call-of-two"}
            said = {"from": "101", "to": " +79161234567 "}
            assert await served.ask("POST", "/api/v1/calls", headers=headers, json=said) == (202, {"id": "c1"})
        assert served.connected == [("101", "+79161234567")]
        for wrong, key, expected in (
            ({"from": "101", "to": "102"}, "", (400, "bad-request")),
            ({"from": "101", "to": "102"}, "first-call-of-two", (422, "key-reused")),
            ({"from": "999", "to": "102"}, "second-call-of-two", (404, "not-found")),
            ({"from": "101", "to": ""}, "third-call-of-two", (400, "bad-request")),
            ({"from": 101, "to": "102"}, "fourth-call-of-two", (400, "bad-request")),
            ({"from": "101", "to": "102", "by": "x"}, "fifth-call-of-two", (400, "bad-request")),
        ):
            headers = {"Idempotency-Key": key} if key else {}
            status, answer = await served.ask("POST", "/api/v1/calls", headers=headers, json=wrong)
            assert (status, answer["code"]) == expected
        assert len(served.connected) == 1


async def test_a_call_is_transferred_once_per_key() -> None:
    async with serving() as served:
        await served.set_up()
        for _ in range(2):
            headers = {"Idempotency-Key": "first-transfer"}
            answer = await served.ask("POST", "/api/v1/calls/c1/transfer", headers=headers, json={"to": "102"})
            assert answer == (202, {"to": "102"})
        assert served.transferred == [("c1", "102")]
        for call_id, to, key, expected in (
            ("c1", "102", "", (400, "bad-request")),
            ("c1", "103", "first-transfer", (422, "key-reused")),
            ("c1", "", "second-transfer", (400, "bad-request")),
            ("unknown", "102", "third-transfer", (404, "not-found")),
            ("barred", "+882", "fourth-transfer", (403, "number-barred")),
            ("silent", "102", "fifth-transfer", (409, "not-now")),
        ):
            path = f"/api/v1/calls/{call_id}/transfer"
            headers = {"Idempotency-Key": key} if key else {}
            status, answer = await served.ask("POST", path, headers=headers, json={"to": to})
            assert (status, answer["code"]) == expected


async def test_the_snapshot_is_as_the_contract_says() -> None:
    async with serving() as served:
        await served.set_up()
        served.bus.publish(
            CallStarted(call_id="c1", direction="incoming", caller="", called="red", line="red", flow="ring_phones")
        )
        status, snapshot = await served.ask("GET", "/api/v1/snapshot")
        assert status == 200
        assert_fits(snapshot, "Snapshot")
        for name in ("lines", "modems", "couriers", "phones", "alerts"):
            assert (await served.ask("GET", f"/api/v1/{name}"))[1]["items"] == snapshot[name]


async def test_the_shop_travels_as_text() -> None:
    async with serving() as served:
        await served.set_up()
        _, text = await served.ask("GET", "/api/v1/shop")
        headers = {"Content-Type": "application/toml"}
        assert await served.ask("PUT", "/api/v1/shop", data=text, headers=headers) == (200, {"changed": False})
        assert await served.ask("PUT", "/api/v1/shop", data=text + "#", headers=headers) == (200, {"changed": True})
        assert served.shop_file.imported_by == ["anna", "anna"]
        status, answer = await served.ask("PUT", "/api/v1/shop", data="wrong", headers=headers)
        assert (status, answer["code"]) == (422, "settings-invalid")
        assert answer["detail"] == "shop.toml:2: there is no key 'wrong' in [shop]."


async def test_without_a_worker_lists_say_so_and_the_rest_goes_on() -> None:
    async with serving(Path("/nonexistent/worker.sock")) as served:
        await served.set_up()
        for path in ("/api/v1/calls", "/api/v1/calls/x", "/api/v1/messages", "/api/v1/recordings/x"):
            status, answer = await served.ask("GET", path)
            assert (status, answer["code"]) == (503, "worker-away")
        assert (await served.ask("GET", "/api/v1/snapshot"))[0] == 200


async def test_a_port_in_use_is_told_by_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bus = EventBus()
        server = ApiServer(
            bind=f"127.0.0.1:{taken.getsockname()[1]}", worker_socket=Path("worker.sock"), bus=bus,
            live=Board(bus=bus, shop=lambda: SHOP, hang_up=lambda call_id: False),
            accounts=FakeAccounts(), shop=FakeShopFile(), phone_setup=setup_desk(),
            texts=FakeTexts().texts, missed=FakeMissed(),
            order_status=status_test(orders_in_memory(lambda: SHOP), lambda: SHOP),
            orders=orders_in_memory(lambda: SHOP),
            book=KeptPeople(lambda: SHOP).book,
        couriers=FakeCouriers(lambda: SHOP, orders_in_memory(lambda: SHOP), FakeTexts().texts.answers).couriers,
        connect_two=lambda extension, to: "c9", transfer=lambda call_id, to: None,
        try_route=routes_of(lambda: SHOP),
        toll_free=toll_free_in_memory(lambda: SHOP),
            company=FakeCompany().company, insight=FakeCompany().insight,
            watched=watched(),
            recorded=FakeRecorded().recorded, is_ready=lambda: True,
            upkeep=upkeep(), call_backs=FakeCallBacks(), site=FakeSite(lambda: SHOP, FakeCallBacks()).site,
        queue=FakeQueue(lambda: SHOP, bus).desk, alert_outlets=FakeAlertWays().outlets,
        programs=FakeEventHooks().desk, modems=FakeModemCare().door, door=KnownDoor(lambda: SHOP).door,
            browser_phones=FakeBrowserPhones(lambda: SHOP).phones,
        )  # fmt: skip
        with pytest.raises(AddressInUse, match="cannot listen on"):
            async with server:
                pass


async def test_it_stops_at_once_with_streams_open() -> None:
    async with serving() as served:
        await served.set_up()
        headers = {"Authorization": f"Bearer {served.token}"}
        streams = [await served.client.get(served.url("/api/v1/stream"), headers=headers) for _ in range(3)]
        before = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - before < 3
    for stream in streams:
        assert stream.status == 200
        stream.close()
