"""Programs that are told what happens, by the API: set, tried, taken away; and what became of what they were sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.messaging.alert_trial import Tried
from tests.api.served import serving
from tests.api.shapes import assert_fits
from tests.fakes.deliveries import DeliveryRow

pytestmark = pytest.mark.real_time

HOOKS = "/api/v1/webhooks"
SECRET = "a-secret-that-is-shared"
CRM = {"name": "CRM", "url": "https://crm.example/hook", "secret": SECRET, "events": ["call.ended"], "panel": ""}


async def test_a_program_is_set_tried_and_taken_away() -> None:
    async with serving() as served:
        await served.set_up()
        assert (await served.ask("GET", HOOKS))[1] == {"items": []}
        status, hook = await served.ask("POST", HOOKS, json=CRM)
        assert status == 201
        assert_fits(hook, "Webhook")
        assert (hook["has_secret"], hook["of_file"], hook["events"]) == (True, False, ["call.ended"])
        place = f"{HOOKS}/{hook['id']}"
        status, changed = await served.ask("PUT", place, json=CRM | {"secret": None, "events": ["sms.received"]})
        assert (status, changed["events"]) == (200, ["sms.received"])
        assert served.hooks.hooks[0].secret == SECRET
        assert SECRET not in str(await served.ask("GET", HOOKS))
        served.hooks.answer = Tried(place="crm.example", code="delivery-refused", problem="403.")
        status, tried = await served.ask("POST", f"{place}/test")
        assert_fits(tried, "AlertTried")
        assert (status, tried["code"]) == (200, "delivery-refused")
        assert [(await served.ask("DELETE", place))[0] for _ in range(2)] == [204, 404]
        assert served.hooks.changed_by == ["anna"] * 3
        assert [(await served.ask(how, path, json=CRM))[0] for how, path in (("PUT", place), ("POST", f"{place}/test"))
                ] == [404, 404]  # fmt: skip


async def test_what_cannot_be_is_told_and_gateway_toml_counts() -> None:
    async with serving() as served:
        await served.set_up()
        status, answer = await served.ask("POST", HOOKS, json=CRM | {"url": "x"})
        assert (status, answer["code"]) == (422, "settings-invalid")
        assert (await served.ask("POST", HOOKS, json=CRM | {"id": "x"}))[0] == 400
        await served.ask("POST", HOOKS, json=CRM)
        served.hooks.hooks[0] = replace(served.hooks.hooks[0], of_file=True)
        for method in ("PUT", "DELETE"):
            status, answer = await served.ask(method, f"{HOOKS}/h1", json=CRM)
            assert (status, answer["code"]) == (409, "not-now")


async def test_what_became_of_what_was_sent() -> None:
    async with serving() as served:
        await served.set_up()
        await served.ask("POST", HOOKS, json=CRM)
        told = {"hook": "h1", "event": {"type": "call.ended"}}
        served.deliveries.rows = [
            DeliveryRow(id="j1", kind="event-webhook", state="failed", arguments=told),
            DeliveryRow(id="j2", kind="event-webhook", state="waiting", arguments=told | {"hook": "gone"}),
            DeliveryRow(id="j3"),
        ]
        status, found = await served.ask("GET", f"{HOOKS}/deliveries")
        assert status == 200
        for each in found["items"]:
            assert_fits(each, "WebhookDelivery")
        assert [(each["id"], each["to"], each["event"]) for each in found["items"]] == [
            ("j1", "CRM", "call.ended"), ("j2", "", "call.ended"),
        ]  # fmt: skip
        assert [each["id"] for each in (await served.ask("GET", "/api/v1/deliveries"))[1]["items"]] == ["j3"]
        assert (await served.ask("POST", "/api/v1/deliveries/j1/retry"))[0] == 202
