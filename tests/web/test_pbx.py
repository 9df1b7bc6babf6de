"""The page of the shop's PBX: set, tried, told of as it stands, and taken away."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.events import TrunkChanged
from gateway.telephony.shop import PbxSettings, SipTransport
from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.trunk_tried import RIGHT_PASSWORD
from tests.web.conftest import csrf_of

PAGE = "/shop/pbx"
PART = {"HX-Request": "true"}
FORM = {"host": "pbx.example.lan", "port": "5060", "transport": "udp"}


def post(
    browser: FlaskClient, path: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
) -> TestResponse:
    data = {"csrf_token": csrf_of(browser, PAGE), **(form or {})}
    return browser.post(path, data=data, headers=headers, follow_redirects=True)


def test_it_is_set_told_of_and_taken_away(owner: FlaskClient, gateway: GatewayThread) -> None:
    empty = owner.get(PAGE).text
    assert "No PBX" in empty
    assert "Without a PBX you need nothing here" in empty
    assert "Remove the PBX" not in empty
    assert f'href="{PAGE}"' in owner.get("/shop").text
    assert f'href="{PAGE}"' in owner.get("/start").text

    kept = post(owner, PAGE, {**FORM, "host": "sip:PBX.example.lan:5070", "password.2001": "hush-hush"})
    assert "Your PBX is saved" in kept.text
    shop = gateway.shop = gateway.shop_file.shop
    assert shop.pbx == PbxSettings(host="PBX.example.lan", port=5070, transport=SipTransport.UDP)
    assert [each.pbx_password for each in shop.couriers] == ["hush-hush", None]
    page = owner.get(PAGE).text
    assert "hush-hush" not in page
    assert 'value="PBX.example.lan"' in page
    assert "Registering" in page
    gateway.publish(TrunkChanged(trunk="pbx 2001", state="refused", reason="wrong-password"))
    assert "The PBX does not accept this password." in owner.get(PAGE).text
    gateway.publish(TrunkChanged(trunk="pbx 2001", state="ready", reason=None))
    assert "2001 Ivan" in owner.get("/parts/pbx").text
    assert "Registered" in owner.get("/parts/pbx").text
    assert "2001" in owner.get("/start").text.partition('id="pbx"')[2].partition('id="hours"')[0]

    post(owner, PAGE, {**FORM, "password.2001": "", "password.2002": "other"})
    assert [each.pbx_password for each in gateway.shop_file.shop.couriers] == ["hush-hush", "other"], "empty: as it is"
    moved = {**FORM, "host": "other.example.lan", "password.2002": "third"}
    refused = post(owner, PAGE, moved)
    assert refused.status_code == 422
    assert "The password of “2001” was entered for pbx.example.lan: enter the one for other.example.lan" in refused.text
    assert {each.host for each in gateway.shop_file.shop.pbx_accounts} == {"pbx.example.lan:5060"}
    assert "Your PBX is saved" in post(owner, PAGE, {**moved, "password.2001": "hush-hush"}).text
    assert (
        "Your PBX is saved" in post(owner, PAGE, {**FORM, "password.2001": "hush-hush", "password.2002": "other"}).text
    )
    post(owner, PAGE, {**FORM, "gone.2001": "yes"})
    assert [each.pbx_password for each in gateway.shop_file.shop.couriers] == [None, "other"]
    assert "The PBX has been removed" in post(owner, f"{PAGE}/remove").text
    assert gateway.shop_file.shop.pbx is None
    assert [each.pbx_password for each in gateway.shop_file.shop.couriers] == [None, None]
    assert "The PBX has been removed" in post(owner, f"{PAGE}/remove").text, "gone is gone"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"host": ""}, "Which server is it?"),
        ({"host": "my pbx"}, "my pbx is not a server"),
        ({"host": "pbx.lan", "port": "0"}, "The port is a number from 1 to 65535"),
        ({"host": "pbx.lan:99999"}, "The port is a number from 1 to 65535"),
        ({"host": "pbx.lan", "port": "9" * 5000}, "The port is a number from 1 to 65535"),
        ({"host": "pbx.lan", "port": "sip"}, "The port is a number from 1 to 65535"),
        ({"host": "pbx.lan", "transport": "pigeon"}, "must be one of udp, tcp, tls, auto"),
        ({"host": "pbx.lan", "password.2099": "x"}, "no courier with the extension “2099”"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(
    owner: FlaskClient, gateway: GatewayThread, form: dict[str, str], said: str
) -> None:
    before = gateway.shop_file.shop
    wrong = post(owner, PAGE, {**FORM, **form})
    assert wrong.status_code == 422
    assert said in wrong.text
    assert f'value="{form["host"].partition(":")[0]}"' in wrong.text, "nothing that was typed is lost"
    assert gateway.shop_file.shop == before


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"password.2001": RIGHT_PASSWORD}, ["2001 Ivan: Registered: the PBX accepts the extension."]),
        (
            {"password.2001": RIGHT_PASSWORD, "password.2002": "x"},
            ["2001 Ivan: Registered", "2002 Пётр: The PBX does not accept this password."],
        ),
        ({}, ["The PBX answers.", "enter a password and try again"]),
        ({"password.2001": "x", "gone.2001": "yes"}, ["The PBX answers."]),
        ({"host": "nowhere.example", "password.2001": "x", "password.2002": "y"}, ["no computer by that name"]),
        ({"host": "a b"}, ["a b is not a server"]),
    ],
)
def test_it_is_tried_before_anything_is_kept(
    owner: FlaskClient, gateway: GatewayThread, form: dict[str, str], said: list[str]
) -> None:
    part = post(owner, f"{PAGE}/try", {**FORM, **form}, PART)
    assert part.status_code == 200
    page = post(owner, f"{PAGE}/try", {**FORM, **form})
    for each in said:
        assert each in part.text
        assert each in page.text
    assert "<html" not in part.text
    assert part.text.count("no computer by that name") <= 1, "what is wrong with the server is told once"
    assert RIGHT_PASSWORD not in page.text
    assert gateway.shop_file.shop.pbx is None
    assert gateway.shop_file.imported_by == []


def test_kept_passwords_are_tried_at_their_own_pbx_alone(owner: FlaskClient, gateway: GatewayThread) -> None:
    post(owner, PAGE, {**FORM, "password.2001": RIGHT_PASSWORD})
    assert "2001 Ivan: Registered" in post(owner, f"{PAGE}/try", FORM, PART).text
    assert gateway.provider.asked[-1].password == RIGHT_PASSWORD
    assert "The PBX answers." in post(owner, f"{PAGE}/try", {**FORM, "host": "other.example.lan"}, PART).text
    assert gateway.provider.asked[-1].password is None
