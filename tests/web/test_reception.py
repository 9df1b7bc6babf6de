"""The page of the reception: the rules, the line of time, and the promised call-backs."""

from __future__ import annotations

from dataclasses import fields, replace

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.telephony.promised import PromiseState
from gateway.telephony.reception import CallBackFirst, Reception
from tests.fakes.gateway_thread import GatewayThread
from tests.web.conftest import csrf_of

FORM = {
    "on": "yes", "quiet_rings": "3", "greeting_seconds": "12", "music_rings": "4", "repeat_seconds": "40",
    "patience_minutes": "5", "offers_call_back": "yes", "call_back_first": "customer", "call_back_tries": "2",
    "call_back_gap_minutes": "7", "call_back_hours": "48", "night_to": "+79161112233", "night_seconds": "30",
    "night_message": "yes", "night_hours": "yes",
}  # fmt: skip


def _post(browser: FlaskClient, path: str = "/reception", **form: object) -> TestResponse:
    return browser.post(path, data={"csrf_token": csrf_of(browser, "/reception"), **form}, follow_redirects=True)


def test_every_rule_can_be_set_and_is_shown(owner: FlaskClient, gateway: GatewayThread) -> None:
    page = owner.get("/reception").text
    assert all(f'name="{each.name}"' in page for each in fields(Reception))
    assert "from second 8.7" in page
    assert "These rules apply from the next caller on." in _post(owner, **FORM).text
    assert gateway.shop_file.shop.reception == Reception(
        quiet_rings=3, greeting_seconds=12, music_rings=4, repeat_seconds=40, patience_minutes=5,
        call_back_first=CallBackFirst.CUSTOMER, call_back_tries=2, call_back_gap_minutes=7, call_back_hours=48,
        night_to="+79161112233", night_seconds=30, night_message=True,
    )  # fmt: skip
    page = owner.get("/reception").text
    assert "from second 13" in page
    assert 'value="+79161112233"' in page


def test_what_is_wrong_is_told_and_not_lost(owner: FlaskClient, gateway: GatewayThread) -> None:
    for name, value in (("quiet_rings", "99"), ("night_to", "nobody"), ("greeting_seconds", "19")):
        refused = _post(owner, **{**FORM, name: value})
        assert refused.status_code == 422
        assert f'value="{value}"' in refused.text
    assert gateway.shop_file.shop.reception == Reception()


def test_a_mobile_as_the_main_number_is_warned_of(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert "Customers can call a mobile number only." in owner.get("/reception").text
    shop = gateway.shop_file.shop
    gateway.shop_file.shop = replace(shop, lines=tuple(replace(line, number=None) for line in shop.lines))
    assert "Customers can call a mobile number only." not in owner.get("/reception").text


def test_a_promised_call_back_is_shown_and_taken_off(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.call_backs.promises.clear()
    promise = gateway.call_backs.add("+79035550001", name="Анна")
    gateway.call_backs.add("+79035550002", state=PromiseState.FAILED, attempts=3, last_cause="no-answer")
    page = owner.get("/reception").text
    assert "Анна" in page
    assert "Did not answer" in page
    assert "The customer is not called back." in _post(owner, f"/reception/call-backs/{promise.id}/cancel").text
    assert gateway.call_backs.waiting() == []
    assert "no longer waiting" in _post(owner, f"/reception/call-backs/{promise.id}/cancel").text


def test_in_russian(owner: FlaskClient) -> None:
    owner.set_cookie("language", "ru")
    page = owner.get("/reception", headers={"Accept-Language": "ru"}).text
    assert "Обещанные обратные звонки" in page
