"""The page of the guard of toll-free numbers: today's cost, blocks with a button to lift them, and every rule."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.telephony.shop import TrunkSettings
from gateway.telephony.toll_free import TollFreeRules, WhenSpent
from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.toll_free import short_calls
from tests.web.conftest import csrf_of

PAGE = "/shop/toll-free"
FORM = {
    "per_minute": "3.50", "bills_ringing": "yes", "daily_budget": "500", "when_spent": "forward", "forward_to": "101",
    "caller_per_hour": "7", "prefix_per_minute": "8", "number_per_minute": "9", "number_at_once": "3",
    "short_seconds": "4", "short_calls": "6", "block_hours": "12",
}  # fmt: skip


@pytest.fixture(autouse=True)
def free_number(gateway: GatewayThread) -> None:
    """The shop has a toll-free number."""
    free = TrunkSettings(name="free", host="sip.example.net", number="+78001234567")
    gateway.shop_file.shop = replace(gateway.shop_file.shop, trunks=(free,))


def _post(browser: FlaskClient, path: str = PAGE, **form: object) -> TestResponse:
    return browser.post(path, data={"csrf_token": csrf_of(browser, PAGE), **form}, follow_redirects=True)


def test_every_rule_can_be_set_and_is_shown(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert f'href="{PAGE}"' in owner.get("/shop").text
    page = owner.get(PAGE).text
    assert all(f'name="{each.name}"' in page for each in fields(TollFreeRules))
    assert "Saved. The next call is checked by these rules." in _post(owner, **FORM).text
    assert gateway.shop_file.shop.toll_free == TollFreeRules(
        per_minute="3.50", bills_ringing=True, daily_budget=500, when_spent=WhenSpent.FORWARD, forward_to="101",
        caller_per_hour=7, prefix_per_minute=8, number_per_minute=9, number_at_once=3, short_seconds=4, short_calls=6,
        block_hours=12,
    )  # fmt: skip
    assert "0.00 RUB" in owner.get(PAGE).text


def test_what_is_wrong_is_told_and_not_lost(owner: FlaskClient, gateway: GatewayThread) -> None:
    before = gateway.shop_file.shop.toll_free
    for name, value in (("per_minute", "much"), ("forward_to", "999"), ("block_hours", "999")):
        refused = _post(owner, **{**FORM, name: value})
        assert refused.status_code == 422
        assert f'value="{value}"' in refused.text
    assert gateway.shop_file.shop.toll_free == before


def test_a_block_is_shown_with_its_end_and_lifted(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.shop_file.shop = replace(gateway.shop_file.shop, toll_free=TollFreeRules())
    assert "Nobody is blocked" in owner.get(PAGE).text
    asyncio.run(short_calls(gateway.toll_free, "free", "+79035550001"))
    page = owner.get(PAGE).text
    assert "Let through" in page
    lift = f"{PAGE}/blocks/+79035550001/lift"
    assert f'action="{lift}"' in page
    assert "The block is lifted." in _post(owner, lift).text
    assert "Nobody is blocked" in owner.get(PAGE).text
    assert "no longer blocked" in _post(owner, lift).text
    owner.set_cookie("language", "ru")
    assert "Никто не заблокирован" in owner.get(PAGE).text
