"""The rules of a line in the panel: all that shop.toml knows of it, but for what ties it to a modem."""

from __future__ import annotations

from dataclasses import fields

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.telephony.shop import LINE_RULES, KeysBy, LineSettings, Loudness
from tests.fakes.gateway_thread import GatewayThread
from tests.web.conftest import csrf_of

FORM = {
    "number": "+79160000001", "rings": "101", "minutes_per_day": "30", "roaming": "yes", "from_mobile": "loud",
    "to_mobile": "quiet", "keys": "tones", "texts": "101", "sms_per_minute": "4", "sms_per_day": "50",
    "balance_code": "*100#", "balance_pattern": "", "low_balance": "100", "operator": "MTS", "contract": "17/3",
    "holder": "Flowers & Co",
}  # fmt: skip


def _post(browser: FlaskClient, **form: object) -> TestResponse:
    return browser.post(
        "/lines/red/rules", data={"csrf_token": csrf_of(browser, "/lines/red/rules"), **form}, follow_redirects=True
    )


def test_every_rule_can_be_set_and_is_shown(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert 'href="/lines/red/rules"' in owner.get("/lines").text
    page = owner.get("/lines/red/rules").text
    assert all(f'name="{name}"' in page for name in LINE_RULES)
    assert "The rules of line red have been changed." in _post(owner, **FORM).text
    line = gateway.shop_file.shop.line("red")
    assert line == LineSettings(
        name="red", modem="m0", number="+79160000001", rings=("101",), minutes_per_day=30, roaming=True,
        from_mobile=Loudness.LOUD, to_mobile=Loudness.QUIET, keys=KeysBy.TONES, texts=("101",), sms_per_minute=4,
        sms_per_day=50, balance_code="*100#", low_balance=100, operator="MTS", contract="17/3", holder="Flowers & Co",
    )  # fmt: skip
    page = owner.get("/lines/red/rules").text
    assert 'value="*100#"' in page
    assert 'type="checkbox" value="yes" checked' in page


def test_what_is_emptied_is_as_if_never_set(owner: FlaskClient, gateway: GatewayThread) -> None:
    _post(owner, **FORM)
    _post(owner, **dict.fromkeys(("number", "rings", "balance_code", "minutes_per_day", "sms_per_day"), ""))
    line = gateway.shop_file.shop.line("red")
    assert line == LineSettings(name="red", modem="m0")


def test_what_is_wrong_is_told_and_not_lost(owner: FlaskClient, gateway: GatewayThread) -> None:
    for name, value, said in (("sms_per_minute", "600", "sms_per_minute"), ("balance_code", "call me", "*100#")):
        refused = _post(owner, **{**FORM, name: value})
        assert refused.status_code == 422
        assert said in refused.text
        assert f'value="{value}"' in refused.text
    assert gateway.shop_file.shop.line("red") == LineSettings(
        name="red", modem="m0", number="+79160000001", rings=("101",)
    )


def test_what_is_left_out_ties_a_line_to_a_modem() -> None:
    assert {each.name for each in fields(LineSettings)} - set(LINE_RULES) == {
        "name", "modem", "imei", "iccid", "pin_file",
    }  # fmt: skip


def test_a_menu_on_the_main_number_wants_a_tick(owner: FlaskClient, gateway: GatewayThread) -> None:
    """A9: the warning first, then only by an explicit tick; a number that is not the main one needs none."""
    form = {**FORM, "asks_extension": "yes"}
    assert "accepts_menu_first" not in owner.get("/lines/red/rules").text
    refused = _post(owner, **form)
    assert refused.status_code == 422
    assert "Callers would be asked to press keys before any phone rings." in refused.text
    assert 'name="accepts_menu_first"' in refused.text
    assert list(gateway.shop_file.menus_accepted) == []
    assert "The rules of line red have been changed." in _post(owner, **form, accepts_menu_first="yes").text
    assert gateway.shop_file.menus_accepted == ("red",)
    assert "The rules of line red have been changed." in _post(owner, **form).text, "it is known already"
