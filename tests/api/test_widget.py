"""The widget by the API: its rules, and two requests that anybody on the web may send."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.api.contract import contract
from gateway.telephony.widget import MARKS, WidgetRules
from tests.api.served import Served, serving
from tests.api.shapes import assert_fits

pytestmark = pytest.mark.real_time

SITE = "https://shop.example"
WISH = {"origin": SITE, "language": "ru", "phone": "8 903 555-00-01", "name": "Olga", "consent": True}


async def _switch_on(served: Served) -> None:
    await served.set_up()
    status, rules = await served.ask("PATCH", "/api/v1/widget", json={"on": True, "origins": [SITE]})
    assert status == 200
    assert_fits(rules, "WidgetRules")


async def _wish(served: Served, *, address: str = "198.51.100.7", **changes: Any) -> tuple[int, str]:
    _, form = await served.ask("GET", f"/api/v1/widget/form?origin={SITE}")
    body = {"token": form["token"], **WISH, **changes}
    headers = {"X-Forwarded-For": address}
    status, answer = await served.ask("POST", "/api/v1/widget/wishes", json=body, headers=headers, token="")
    return status, str(answer.get("code", "promised"))


async def test_a_wish_is_a_promise_from_named_sites_alone() -> None:
    async with serving() as served:
        for path in (f"/api/v1/widget/form?origin={SITE}", "/api/v1/widget/form?origin=", "/api/v1/widget/form"):
            assert (await served.ask("GET", path))[0] == 404, "off by default"
        await _switch_on(served)
        status, form = await served.ask("GET", f"/api/v1/widget/form?origin={SITE}&language=en", token="")
        assert status == 200
        assert form["consent"].startswith("I agree")
        assert len(form["times"]) > 10
        assert await _wish(served, utm_source="ya", page_url="https://shop.example/x") == (202, "promised")
        (promise,) = served.call_backs.promises
        assert (promise.number, promise.name, bool(promise.visit_id)) == ("+79035550001", "Olga", True)
        assert await _wish(served, at=form["times"][0], phone="+79035550002") == (202, "promised")
        assert await _wish(served, origin="https://evil.example") == (404, "not-found")
        (listed, _) = (await served.ask("GET", "/api/v1/call-backs"))[1]["waiting"]
        assert listed["visit_id"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"consent": False}, (400, "bad-request")),
        ({"consent": "yes"}, (400, "bad-request")),
        ({"phone": ""}, (400, "bad-request")),
        ({"phone": "1" * 65}, (400, "bad-request")),
        ({"phone": "+88216012345"}, (403, "number-barred")),
        ({"phone": 7}, (400, "bad-request")),
        ({"name": "x" * 61}, (400, "bad-request")),
        ({"name": "a\x00b"}, (400, "bad-request")),
        ({"at": "yesterday"}, (400, "bad-request")),
        ({"at": "2001-01-01T00:00:00Z"}, (422, "not-within-hours")),
        ({"token": "x"}, (409, "form-too-old")),
        ({"token": "1.2.3\u00e9"}, (409, "form-too-old")),
        ({"number": "+79035550001"}, (400, "bad-request")),
    ],
)
async def test_what_is_wrong_promises_nothing(change: dict[str, Any], expected: tuple[int, str]) -> None:
    async with serving() as served:
        await _switch_on(served)
        assert await _wish(served, **change) == expected
        assert served.call_backs.promises == []


async def test_a_field_that_people_do_not_see_is_a_trap() -> None:
    async with serving() as served:
        await _switch_on(served)
        assert await _wish(served, website="https://spam.example") == (202, "promised"), "a machine learns nothing"
        assert served.call_backs.promises == []


async def test_a_form_is_good_once_on_its_site_for_half_an_hour() -> None:
    async with serving() as served:
        await _switch_on(served)
        await served.ask("PATCH", "/api/v1/widget", json={"origins": [SITE, "https://other.example"]})
        _, form = await served.ask("GET", f"/api/v1/widget/form?origin={SITE}")
        for changes, expected in (
            ({"token": form["token"], "origin": "https://other.example"}, (409, "form-too-old")),
            ({"token": form["token"]}, (202, "promised")),
            ({"token": form["token"], "phone": "+79035550002"}, (409, "form-too-old")),
        ):
            assert await _wish(served, **changes) == expected
        _, form = await served.ask("GET", f"/api/v1/widget/form?origin={SITE}")
        served.site.seconds += 1900
        assert await _wish(served, token=form["token"], phone="+79035550003") == (409, "form-too-old")


async def test_limits_are_of_the_address_that_the_panel_names() -> None:
    async with serving() as served:
        await _switch_on(served)
        for place in range(3):
            assert (await _wish(served, phone=f"+7903555000{place}"))[0] == 202
        assert await _wish(served, phone="+79035550009") == (429, "call-back-limit")
        assert (await _wish(served, phone="+79035550009", address="198.51.100.8"))[0] == 202


async def test_the_rules_are_checked_as_in_the_file() -> None:
    async with serving() as served:
        await _switch_on(served)
        refused: tuple[dict[str, Any], ...] = (
            {"origins": []}, {"origins": ["shop.example"]}, {"origins": ["https://shop.example/path"]},
            {"origins": ["https://*"]}, {"origins": ["null"]}, {"per_day": 0}, {"number_per_day": 11},
            {"address_per_hour": 101}, {"rings": ["999"]}, {"policy_url": "javascript:alert(1)"}, {"title": "x" * 101},
            {"kept_days": 0}, {"origins": [f"https://s{place}.example" for place in range(21)]},
        )  # fmt: skip
        for wrong in refused:
            assert (await served.ask("PATCH", "/api/v1/widget", json=wrong))[0] == 422, wrong
        assert (await served.ask("PATCH", "/api/v1/widget", json={"colour": "red"}))[0] == 400
        assert served.shop_file.shop.widget == WidgetRules(on=True, origins=(SITE,))
        status, rules = await served.ask("PATCH", "/api/v1/widget", json={"rings": ["101"], "title": "Мы перезвоним"})
        assert (status, rules["rings"], rules["title"]) == (200, ["101"], "Мы перезвоним")


def test_every_mark_of_advertising_is_in_the_contract() -> None:
    wish = contract()["paths"]["/api/v1/widget/wishes"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(MARKS) <= wish["properties"].keys()
