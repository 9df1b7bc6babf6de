"""Where alerts go, by the API: set, tried, taken away; what is secret is never given back."""

from __future__ import annotations

import pytest

from gateway.messaging.alert_trial import Tried
from gateway.telephony.alert_ways import AlertWay
from tests.api.served import serving
from tests.api.shapes import assert_fits
from tests.fakes.deliveries import DeliveryRow

pytestmark = pytest.mark.real_time

WAYS = "/api/v1/alert-ways"
TOKEN = "12345:AAbb_CC-dd"


async def test_a_way_is_set_tried_and_taken_away() -> None:
    async with serving() as served:
        await served.set_up()
        status, ways = await served.ask("GET", WAYS)
        assert status == 200
        assert_fits(ways, "AlertWays")
        assert not any(way["is_set"] for way in ways.values())
        assert (await served.ask("POST", f"{WAYS}/telegram/test"))[1] == {"items": []}

        status, ways = await served.ask("PUT", f"{WAYS}/telegram", json={"token": TOKEN, "chats": ["77", "78"]})
        assert status == 200
        assert_fits(ways, "AlertWays")
        assert ways["telegram"] == {"chats": ["77", "78"], "has_token": True, "is_set": True, "of_file": False}
        assert TOKEN not in str(ways)
        served.alerts.answers = [Tried(place="77"), Tried(place="78", code="delivery-refused", problem="403.")]
        status, tried = await served.ask("POST", f"{WAYS}/telegram/test")
        assert status == 200
        for item in tried["items"]:
            assert_fits(item, "AlertTried")
        assert tried["items"][1] == {"place": "78", "code": "delivery-refused", "problem": "403."}
        status, _ = await served.ask("PUT", f"{WAYS}/telegram", json={"chats": ["77"]})
        assert (status, served.alerts.ways.telegram.token) == (200, TOKEN)
        assert [(await served.ask("DELETE", f"{WAYS}/telegram"))[0] for _ in range(2)] == [204, 204]
        assert served.alerts.ways.that_are_set == frozenset()
        assert ("telegram", "anna") in served.alerts.changed_by


async def test_what_cannot_be_is_told() -> None:
    async with serving() as served:
        await served.set_up()
        status, answer = await served.ask("PUT", f"{WAYS}/telegram", json={"token": "x", "chats": ["77"]})
        assert (status, answer["code"]) == (422, "settings-invalid")
        assert (await served.ask("PUT", f"{WAYS}/telegram", json={"url": "x"}))[0] == 400
        assert (await served.ask("PUT", f"{WAYS}/pigeon", json={}))[0] == 404
        assert (await served.ask("POST", f"{WAYS}/pigeon/test"))[0] == 404
        assert (await served.ask("POST", f"{WAYS}/sms/test"))[0] == 409, "an SMS costs money"
        served.alerts.of_file = frozenset({AlertWay.MAIL})
        assert (await served.ask("GET", WAYS))[1]["mail"]["of_file"]
        for method in ("PUT", "DELETE"):
            status, answer = await served.ask(method, f"{WAYS}/mail", json={})
            assert (status, answer["code"]) == (409, "not-now"), "gateway.toml says it"


async def test_a_delivery_is_tried_again() -> None:
    async with serving() as served:
        await served.set_up()
        served.deliveries.rows = [
            DeliveryRow(id="j1", state="failed"),
            DeliveryRow(id="j2", state="done"),
            DeliveryRow(id="j3", kind="send-sms"),
        ]
        asked = [(await served.ask("POST", f"/api/v1/deliveries/{each}/retry"))[0] for each in ("j1", "j2", "j3", "x")]
        assert asked == [202, 409, 404, 404]
        assert served.deliveries.rows[0].state == "waiting"
