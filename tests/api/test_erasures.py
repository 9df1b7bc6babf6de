"""Erasing over the API."""

from __future__ import annotations

import pytest

from tests.api.served import serving
from tests.api.shapes import assert_fits


@pytest.mark.real_time
async def test_a_number_is_erased_after_a_look_at_what_would_go() -> None:
    async with serving() as served:
        await served.set_up()
        number = {"number": "8 903 111-22-33"}
        status, plan = await served.ask("POST", "/api/v1/erasures/plan", json=number)
        assert (status, plan["calls"]) == (200, 2)
        assert_fits(plan, "ErasurePlan")
        assert served.recorded.erasures.asked == []
        status, order = await served.ask("POST", "/api/v1/erasures", json=number)
        assert (status, order["state"]) == (202, "waiting")
        assert_fits(order, "Erasure")
        assert served.recorded.erasures.asked == [("8 903 111-22-33", "anna")]
        served.recorded.erasures.go_on(order["id"], "done", 5)
        status, order = await served.ask("GET", f"/api/v1/erasures/{order['id']}")
        assert (status, order["state"], order["done"]) == (200, "done", 5)
        assert_fits(order, "Erasure")
        assert (await served.ask("GET", "/api/v1/erasures/nonsense"))[0] == 404
        for path in ("/api/v1/erasures", "/api/v1/erasures/plan"):
            assert (await served.ask("POST", path, json={"number": "7"}))[0] == 400
            assert (await served.ask("POST", path, json={}))[0] == 400


@pytest.mark.real_time
async def test_only_the_owner_erases() -> None:
    async with serving() as served:
        await served.set_up()
        _, made = await served.ask("POST", "/api/v1/tokens", json={"name": "x", "scopes": ["read", "calls", "shop"]})
        for path in ("/api/v1/erasures", "/api/v1/erasures/plan"):
            assert (await served.ask("POST", path, token=made["token"], json={"number": "+79031112233"}))[0] == 403
