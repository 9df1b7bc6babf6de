"""The parts of a shop by forms; the first steps of a new shop."""

from __future__ import annotations

from dataclasses import fields

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.telephony.queue_rules import NamedQueue, Strategy
from gateway.telephony.recording_policy import Notice, RecordCalls
from gateway.telephony.shop import CourierSettings, PhoneSettings, TrunkSettings
from tests.fakes.gateway_thread import GatewayThread
from tests.web.conftest import csrf_of
from web.part_forms import form_of


def post(browser: FlaskClient, page: str, path: str = "", **form: str) -> TestResponse:
    return browser.post(path or page, data={"csrf_token": csrf_of(browser, page), **form}, follow_redirects=True)


def test_a_courier_is_made_changed_and_taken_away(owner: FlaskClient, gateway: GatewayThread) -> None:
    made = post(
        owner, "/shop/couriers/new", extension="2009", name="Олег", mobile="8 916 111-22-33", pin="739184",
        lines="red blue", on_shift="yes", follow="app-first",
    )  # fmt: skip
    assert "2009 is saved." in made.text
    assert "Олег" in made.text
    courier = gateway.shop_file.shop.courier("2009")
    assert courier is not None
    assert (courier.mobile, courier.pin, courier.lines) == ("+79161112233", "739184", ("red", "blue"))
    page = owner.get("/shop/couriers/edit/2009").text
    assert "739184" not in page
    post(owner, "/shop/couriers/edit/2009", name="Oleg", mobile="+79161112233", pin="", confirms="yes", follow="both")
    courier = gateway.shop_file.shop.courier("2009")
    assert courier is not None
    assert (courier.name, courier.pin, courier.confirms, courier.on_shift) == ("Oleg", "739184", True, False)
    gone = post(owner, "/shop/couriers/edit/2009", "/shop/couriers/edit/2009/remove")
    assert "2009 has been removed." in gone.text
    assert gateway.shop_file.shop.courier("2009") is None
    assert owner.get("/shop/couriers/edit/2009").status_code == 404
    assert owner.get("/shop/secrets").status_code == 404


def test_what_is_wrong_is_said_and_nothing_that_was_typed_is_lost(owner: FlaskClient, gateway: GatewayThread) -> None:
    before = gateway.shop_file.shop
    wrong = post(owner, "/shop/couriers/new", extension="2009", name="Oleg", mobile="12", pin="739184")
    assert wrong.status_code == 422
    assert 'value="Oleg"' in wrong.text
    assert "mobile" in wrong.text
    taken = post(owner, "/shop/phones/new", extension="101", name="Another")
    assert taken.status_code == 409
    assert "There is already one with that name." in taken.text
    assert gateway.shop_file.shop == before


def test_a_phone_gets_a_password_that_no_page_shows(owner: FlaskClient, gateway: GatewayThread) -> None:
    page = post(owner, "/shop/phones/new", extension="109", name="Store", srtp="off", minutes_per_day="30").text
    phone = gateway.shop_file.shop.phone("109")
    assert phone is not None
    assert (phone.name, phone.minutes_per_day, len(phone.password)) == ("Store", 30, 20)
    assert phone.password not in page + owner.get("/shop/phones/edit/109").text
    post(owner, "/shop/phones/edit/109", "/shop/phones/edit/109/password")
    again = gateway.shop_file.shop.phone("109")
    assert again is not None
    assert again.password != phone.password


def test_a_modem_that_is_no_line_becomes_one_by_its_imei(owner: FlaskClient, gateway: GatewayThread) -> None:
    page = owner.get("/shop/lines/new?imei=357078041234567&secret=x").text
    assert 'value="357078041234567"' in page
    assert 'name="secret"' not in page
    post(owner, "/shop/lines/new", name="green", imei="357078041234567", number="+79160000009", rings="101")
    line = gateway.shop_file.shop.line("green")
    assert line is not None
    assert (line.imei, line.number, line.rings) == ("357078041234567", "+79160000009", ("101",))


def test_a_provider_keeps_its_password(owner: FlaskClient, gateway: GatewayThread) -> None:
    form = {"host": "sip.example.org", "user": "u", "number": "+74951234567", "transport": "udp", "srtp": "off"}
    post(owner, "/shop/trunks/new", name="city", password="hush-hush", presents="both", **form)
    post(owner, "/shop/trunks/edit/city", password="", presents="from", **form)
    trunk = gateway.shop_file.shop.trunk("city")
    assert trunk is not None
    assert (trunk.password, trunk.presents) == ("hush-hush", "from")
    assert "hush-hush" not in owner.get("/shop/trunks/edit/city").text


def test_recording_wants_a_word_about_its_notice(owner: FlaskClient, gateway: GatewayThread) -> None:
    form = {
        "name": "Flowers", "language": "ru", "time_zone": "Asia/Omsk", "currency": "RUB", "country": "RU",
        "recorded_calls": "all", "recording_notice": "beep",
    }  # fmt: skip
    refused = post(owner, "/shop/general", **form)
    assert refused.status_code == 400
    assert "Tick that you have decided" in refused.text
    assert gateway.shop_file.shop.recording.calls is RecordCalls.NONE
    post(owner, "/shop/general", told="yes", **form)
    shop = gateway.shop_file.shop
    assert (shop.name, shop.time_zone, shop.recording.calls) == ("Flowers", "Asia/Omsk", RecordCalls.ALL)
    assert shop.recording.notice is Notice.BEEP
    assert post(owner, "/shop/general", told="yes", **{**form, "time_zone": "Mars/Base"}).status_code == 422


def test_first_steps_say_what_is_there_and_lead_to_what_is_not(owner: FlaskClient) -> None:
    page = owner.get("/start").text
    for path in (
        "/shop/general",
        "/shop/lines",
        "/shop/couriers",
        "/shop/phones",
        "/shop/trunks",
        "/shop/hours",
        "/reception",
        "/phone",
    ):
        assert f'href="{path}' in page, path
    assert "Europe/Moscow" in page


@pytest.mark.parametrize(
    ("kind", "settings", "elsewhere"),
    [
        ("phones", PhoneSettings, {"extension", "password"}),
        ("couriers", CourierSettings, {"extension"}),
        ("trunks", TrunkSettings, {"name", "ca_file"}),
        ("queues", NamedQueue, {"name"}),
    ],
)
def test_every_value_of_a_part_can_be_set(app: Flask, kind: str, settings: type, elsewhere: set[str]) -> None:
    with app.test_request_context():
        form = form_of(kind)
    assert form is not None
    assert {each.name for each in fields(settings)} - elsewhere == {each.name for each in form.fields}


def test_a_branch_is_made_with_its_region_and_hours_and_the_route_test_beside_it(
    owner: FlaskClient, gateway: GatewayThread
) -> None:
    post(owner, "/shop/phones/new", extension="102", name="Store", srtp="off")
    made = post(
        owner, "/shop/branches/new", name="Сахалин", address="Lenina 1", region="sakhalin", phones="101 102",
        greeting="island", **{"schedule.monday": "9-13, 14.00-18.30", "schedule.holidays": "RU"},
    )  # fmt: skip
    assert "Сахалин is saved." in made.text
    (branch,) = gateway.shop_file.shop.branches
    assert (branch.region, branch.phones, branch.schedule.monday) == (
        "sakhalin", ("101", "102"), ("09:00-13:00", "14:00-18:30"),
    )  # fmt: skip
    assert branch.schedule.time_zone == "Asia/Sakhalin"
    assert 'id="greeting.island"' in owner.get("/prompts").text
    page = owner.get("/shop/branches/edit/Сахалин").text
    assert 'value="09:00-13:00, 14:00-18:30"' in page
    assert 'value="sakhalin" selected' in page
    assert 'name="called"' in page, "the route test"
    tried = owner.get("/shop/branches/edit/Сахалин?caller=%2B74242123456&called=red").text
    assert "What happens" in tried
    post(owner, "/shop/branches/edit/Сахалин", region="sakhalin", phones="101", **{"schedule.monday": "10-12"})
    (branch,) = gateway.shop_file.shop.branches
    assert (branch.phones, branch.schedule.monday, branch.address) == (("101",), ("10:00-12:00",), "")
    wrong = post(owner, "/shop/branches/edit/Сахалин", phones="999", **{"schedule.monday": "25-26"})
    assert wrong.status_code == 422
    assert 'value="25:00-26:00"' in wrong.text
    post(owner, "/shop/branches/edit/Сахалин", "/shop/branches/edit/Сахалин/remove")
    assert gateway.shop_file.shop.branches == ()


def test_a_queue_is_made_and_a_provider_leads_there(owner: FlaskClient, gateway: GatewayThread) -> None:
    form = {"phones": "101 102", "extension": "81", "strategy": "in-order", "step_seconds": "10", "overflow": "stay"}
    post(owner, "/shop/phones/new", extension="102", name="Store", srtp="off")
    assert "sales is saved." in post(owner, "/shop/queues/new", name="sales", title="Продажи", **form).text
    (queue,) = gateway.shop_file.shop.queues
    assert (queue.title, queue.phones, queue.strategy, queue.step_seconds) == (
        "Продажи", ("101", "102"), Strategy.IN_ORDER, 10,
    )  # fmt: skip
    trunk = {"host": "sip.example.org", "transport": "udp", "srtp": "off", "presents": "both"}
    post(owner, "/shop/trunks/new", name="city", queue="sales", **trunk)
    city = gateway.shop_file.shop.trunk("city")
    assert city is not None
    assert city.queue == "sales"
    refused = post(owner, "/shop/queues/edit/sales", "/shop/queues/edit/sales/remove")
    assert refused.status_code == 422, "the provider still names it"
    assert owner.get("/shop/queues").text.count("101, 102") == 1
    gateway.shop = gateway.shop_file.shop  # as the board sees it
    prompts = owner.get("/prompts").text
    assert 'id="greeting.sales"' in prompts
    assert 'id="all-busy.sales"' in prompts
    assert "Продажи 81: 0" in owner.get("/queue").text
    assert ">Queue</a>" in owner.get("/statistics").text
    page = owner.get("/statistics?by=queue").text
    assert "Продажи" in page
    assert "The shop's queue" in page.replace("&#39;", "'")
