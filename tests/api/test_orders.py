"""Orders by the API, and what a courier is told of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.store.charges import CourierDay, OrderTries
from gateway.telephony.causes import Cause
from tests.api.served import PASSWORD, Served, serving
from tests.api.shapes import assert_fits

pytestmark = pytest.mark.real_time

PHONE = "+79035550001"


async def _courier(served: Served, extension: str) -> str:
    await served.accounts.add_user(name=extension, password=PASSWORD, role="courier", courier=extension, by="anna")
    _, session = await served.ask("POST", "/api/v1/sessions", json={"name": extension, "password": PASSWORD})
    return str(session["token"])


async def test_an_order_from_its_making_to_its_end() -> None:
    async with serving() as served:
        await served.set_up()
        form = {"number": "1001", "phone": "8 903 555 00 01", "customer": "Maria", "courier": "2001"}
        status, made = await served.ask("POST", "/api/v1/orders", json=form)
        assert status == 201
        assert_fits(made, "Order")
        assert (made["phone"], made["life"]) == (PHONE, "open")
        status, answer = await served.ask("POST", "/api/v1/orders", json=form)
        assert (status, answer["code"]) == (409, "order-exists")
        status, answer = await served.ask("POST", "/api/v1/orders", json={**form, "number": "1002", "courier": "9"})
        assert (status, answer["code"]) == (422, "orders-invalid")
        assert "There is no courier" in answer["detail"]
        status, changed = await served.ask("PUT", "/api/v1/orders/1001", json={"stage": "delivered", "note": None})
        assert (status, changed["stage"], changed["life"], changed["phone"]) == (200, "delivered", "grace", PHONE)
        status, closed = await served.ask("POST", "/api/v1/orders/1001/close")
        assert (status, closed["life"]) == (200, "closed")
        _, listed = await served.ask("GET", "/api/v1/orders?search=Maria")
        assert ([row["number"] for row in listed["items"]], listed["next"]) == (["1001"], None)
        assert (await served.ask("GET", "/api/v1/orders/none"))[0] == 404
        for query in ("limit=0", "limit=x", "stage=eaten"):
            assert (await served.ask("GET", f"/api/v1/orders?{query}"))[0] == 400


async def test_a_change_is_taken_back_unless_there_was_another_one() -> None:
    async with serving() as served:
        await served.set_up()
        await served.ask("POST", "/api/v1/orders", json={"number": "1001", "phone": PHONE, "customer": "Maria"})
        _, changed = await served.ask("PUT", "/api/v1/orders/1001", json={"stage": "cancelled"})
        where, meant = "/api/v1/orders/1001/put-back", {"changed_at": changed["changed_at"]}
        for wrong in ({}, {"changed_at": None}, {"changed_at": "x"}, {**meant, "stage": "packed"}):
            assert (await served.ask("POST", where, json=wrong))[0] == 400
        status, back = await served.ask("POST", where, json=meant)
        assert (status, back["stage"], back["life"], back["customer"]) == (200, "accepted", "open", "Maria")
        assert_fits(back, "Order")
        assert (await served.ask("POST", where, json=meant))[0] == 404, "once"
        _, closed = await served.ask("POST", "/api/v1/orders/1001/close")
        await served.ask("PUT", "/api/v1/orders/1001", json={"note": "by somebody else"})
        assert (await served.ask("POST", where, json={"changed_at": closed["changed_at"]}))[0] == 404
        assert (await served.ask("GET", "/api/v1/orders/1001"))[1]["note"] == "by somebody else"
        assert (await served.ask("POST", "/api/v1/orders/none/put-back", json=meant))[0] == 404


async def test_an_order_with_the_digits_of_an_extension_says_how_it_is_dialled() -> None:
    async with serving() as served:
        await served.set_up()
        for number, dial in (("1001", "1001"), ("A-2001", "*2001"), ("101", "*101")):
            form = {"number": number, "phone": PHONE, "courier": "2001"}
            status, made = await served.ask("POST", "/api/v1/orders", json=form)
            assert (status, made["dial"]) == (201, dial)
        mine = await served.ask("GET", "/api/v1/courier/orders", token=await _courier(served, "2001"))
        assert {each["number"]: each["dial"] for each in mine[1]["items"]}["A-2001"] == "*2001"


async def test_a_pushed_order_wants_a_call_unless_it_says_otherwise() -> None:
    """C7."""
    async with serving() as served:
        await served.set_up()
        for number, said, wanted in (("1", {}, True), ("2", {"callback_required": False}, False)):
            form = {"number": number, "phone": PHONE, **said}
            status, made = await served.ask("POST", "/api/v1/orders", json=form)
            assert (status, made["callback_required"]) == (201, wanted)
        for wrong in (None, "false", 1):
            form = {"number": "3", "phone": PHONE, "callback_required": wrong}
            assert (await served.ask("POST", "/api/v1/orders", json=form))[0] == 400


async def test_a_session_with_an_end_closes_by_itself() -> None:
    """A program that ties two people for ten minutes: the order is the session."""
    async with serving() as served:
        await served.set_up()
        until = datetime.now(UTC) - timedelta(minutes=5)
        form = {"number": "1001", "phone": PHONE, "courier": "2001", "expires_at": until.isoformat()}
        assert (await served.ask("POST", "/api/v1/orders", json=form))[1]["life"] == "grace"
        until -= timedelta(minutes=120)
        form |= {"number": "1002", "expires_at": until.isoformat()}
        assert (await served.ask("POST", "/api/v1/orders", json=form))[1]["life"] == "closed"


async def test_a_table_by_the_api() -> None:
    async with serving() as served:
        await served.set_up()
        headers = {"Content-Type": "text/csv"}
        text = "number,phone\n1001,89035550001\n"
        status, taken = await served.ask("POST", "/api/v1/orders/import", data=text, headers=headers)
        assert (status, taken["added"], taken["changed"]) == (200, 1, 0)
        back = f"/api/v1/orders/imports/{taken['import']}/take-back"
        status, done = await served.ask("POST", back)
        assert (status, done) == (200, {"restored": 1, "kept": 0, "kept_names": []})
        assert_fits(done, "TakenBack")
        assert (await served.ask("GET", "/api/v1/orders/1001"))[0] == 404
        assert (await served.ask("POST", back))[0] == 404
        status, answer = await served.ask("POST", "/api/v1/orders/import", data="x", headers=headers)
        assert (status, answer["code"]) == (422, "orders-invalid")
        assert (await served.ask("POST", "/api/v1/orders/import", json={}))[0] == 415


async def test_a_courier_sees_the_own_orders_without_a_number() -> None:
    """T-W6, B2."""
    async with serving() as served:
        await served.set_up()
        for number, courier in (("1001", "2001"), ("1002", "2002"), ("1003", None)):
            form = {"number": number, "phone": PHONE, "customer": "Maria", "courier": courier}
            assert (await served.ask("POST", "/api/v1/orders", json=form))[0] == 201
        token = await _courier(served, "2001")
        status, mine = await served.ask("GET", "/api/v1/courier/orders", token=token)
        assert status == 200
        (row,) = mine["items"]
        assert_fits(row, "OwnOrder")
        assert row["number"] == "1001"
        assert "903" not in json.dumps(mine)
        for foreign in ("1002", "1003", "9999"):
            path = f"/api/v1/courier/orders/{foreign}"
            assert (await served.ask("PUT", path, json={"stage": "delivered"}, token=token))[0] == 404
        assert (await served.ask("PUT", "/api/v1/courier/orders/1001", json={"stage": "accepted"}, token=token))[
            0
        ] == 400
        status, row = await served.ask(
            "PUT", "/api/v1/courier/orders/1001", json={"stage": "with-courier"}, token=token
        )
        assert (status, row["stage"]) == (200, "with-courier")
        assert "903" not in json.dumps(row)
        assert (await served.ask("GET", "/api/v1/orders", token=token))[0] == 403
        assert (await served.ask("GET", "/api/v1/courier/orders"))[1] == {"items": []}, "the owner is no courier"


async def test_one_tap_rings_the_courier_once_for_one_request() -> None:
    async with serving() as served:
        await served.set_up()
        form = {"number": "1001", "phone": PHONE, "courier": "2001"}
        assert (await served.ask("POST", "/api/v1/orders", json=form))[0] == 201
        token, other = await _courier(served, "2001"), await _courier(served, "2002")
        path = "/api/v1/courier/orders/1001/call"
        key = {"Idempotency-Key": "a-tap-on-the-phone"}
        for _ in range(3):
            assert await served.ask("POST", path, json={}, token=token, headers=key) == (202, {"order": "1001"})
        assert served.couriers.called == [("2001", "1001")]
        assert (await served.ask("POST", path, json={}, token=token))[0] == 400, "without a key nothing is done"
        status, answer = await served.ask("POST", path, json={}, token=other, headers=key)
        assert (status, answer["code"]) == (404, "not-found"), "somebody else's order is none"
        for refusal, expected in ((Cause.BUSY, (409, "not-now")), (Cause.NO_FREE_LINE, (503, "no-free-line"))):
            served.couriers.refusal = refusal
            again = {"Idempotency-Key": f"another-tap-{refusal}"}
            status, answer = await served.ask("POST", path, json={}, token=token, headers=again)
            assert (status, answer["code"]) == expected
        assert served.couriers.called == [("2001", "1001")]


async def test_shifts_and_what_the_customer_will_see() -> None:
    async with serving() as served:
        await served.set_up()
        token = await _courier(served, "2001")
        status, me = await served.ask("GET", "/api/v1/courier/self", token=token)
        assert_fits(me, "OwnSelf")
        assert status == 200
        assert (await served.ask("PUT", "/api/v1/courier/shift", json={"on_shift": False}, token=token))[0] == 200
        assert (await served.ask("PUT", "/api/v1/couriers/2002/shift", json={"on_shift": True}))[0] == 200
        assert served.couriers.shifts == [("2001", False, "2001"), ("2002", True, "anna")]
        assert (await served.ask("PUT", "/api/v1/couriers/9/shift", json={"on_shift": True}))[0] == 404
        assert (await served.ask("PUT", "/api/v1/couriers/2001/shift", json={"on_shift": 1}))[0] == 400
        assert (await served.ask("GET", "/api/v1/courier/self"))[0] == 404
        _, seen = await served.ask("GET", "/api/v1/presented")
        for row in seen["items"]:
            assert_fits(row, "PresentedRoute")
        assert seen["items"][0]["ways"][0] == {
            "way": "red", "by": "sim", "number": "+79160000001", "withheld": False
        }  # fmt: skip


async def test_the_day_of_the_couriers() -> None:
    async with serving() as served:
        await served.set_up()
        served.couriers.day = [CourierDay(courier="2001", calls=6, reached=4, talk_seconds=331.0, cost=675)]
        served.couriers.order_tries = [OrderTries(order="1002", courier="2001", tries=2, reached=0)]
        path = "/api/v1/couriers/day?since=2027-01-31T00:00:00Z&until="
        status, day = await served.ask("GET", path + "2027-01-31T12:00:00Z")
        assert status == 200
        for row, name in ((day["items"][0], "CourierDay"), (day["orders"][0], "OrderTries")):
            assert_fits(row, name)
        assert day["items"][0]["cost"] == 6.75
        for until in ("2027-01-30T00:00:00Z", "2027-03-31T00:00:00Z", "x", ""):
            assert (await served.ask("GET", path + until))[0] == 400, until
