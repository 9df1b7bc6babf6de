"""The page Routes: the box that tells what would become of a call, and what is to be thought over."""

from __future__ import annotations

from dataclasses import replace

from flask.testing import FlaskClient

from gateway.telephony.branches import Branch
from gateway.telephony.schedule import Schedule, ScheduleException
from tests.fakes.gateway_thread import GatewayThread

PAGE = "/shop/routes"
NEVER = ScheduleException(day="2026-01-01", until="2040-12-31")


def test_a_call_is_told_step_by_step_in_both_languages(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert f'href="{PAGE}"' in owner.get("/shop").text
    assert "What happens" not in owner.get(PAGE).text
    asked = f"{PAGE}?caller=%2B79035550001&called=red&at=2027-01-31T12:00"
    page = owner.get(asked).text
    assert "2027-01-31 12:00 (Europe/Moscow)" in page
    assert "The greeting, 1.0 s." in page
    assert '<th scope="row">8.7</th>' in page
    owner.set_cookie("language", "ru")
    assert "Приветствие, 1.0 с." in owner.get(asked).text


def test_what_is_no_number_of_the_shop_is_told_and_not_lost(owner: FlaskClient) -> None:
    refused = owner.get(f"{PAGE}?caller=%2B79035550001&called=%2B79161112233")
    assert refused.status_code == 422
    assert "That is not a number of this shop." in refused.text
    assert 'value="+79161112233"' in refused.text


def test_the_advice_stands_beside_the_routes(owner: FlaskClient) -> None:
    assert "Customers can call a mobile number only." in owner.get(PAGE).text


def test_branches_are_shown_with_their_state(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert "Sakhalin" not in owner.get(PAGE).text
    open_now = Branch(name="Sakhalin", address="Lenina 1", region="sakhalin", phones=("101",))
    shut = Branch(name="Moscow", phones=("101",), schedule=Schedule(exceptions=(NEVER,)))
    gateway.shop_file.shop = replace(gateway.shop_file.shop, branches=(open_now, shut))
    page = owner.get(PAGE).text
    assert "Lenina 1" in page
    assert "Sakhalin Oblast" in page
    assert "Asia/Sakhalin" in page
    assert page.index(">open<") < page.index("Moscow<")
    assert ">closed<" in page
