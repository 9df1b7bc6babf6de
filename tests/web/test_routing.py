"""The page Routes: the box that tells what would become of a call, and what is to be thought over."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests.fakes.gateway_thread import GatewayThread

PAGE = "/shop/routes"


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
    assert "That is no number of this shop." in refused.text
    assert 'value="+79161112233"' in refused.text


def test_the_advice_stands_beside_the_routes(owner: FlaskClient) -> None:
    assert "Customers can call a mobile number only." in owner.get(PAGE).text
