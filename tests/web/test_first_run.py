"""The first steps, each done where it is shown; a provider tried; emulated modems begun and ended; a test call."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.events import ModemChanged
from gateway.telephony.causes import Cause
from gateway.telephony.recording_policy import RecordCalls
from gateway.telephony.trial_call import Trial, TrialStage, TrialVerdict
from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.trunk_tried import RIGHT_PASSWORD
from tests.web.conftest import csrf_of

PART = {"HX-Request": "true"}


def post(browser: FlaskClient, path: str, headers: dict[str, str] | None = None, **form: str) -> TestResponse:
    data = {"csrf_token": csrf_of(browser, "/start"), **form}
    return browser.post(path, data=data, headers=headers, follow_redirects=True)


def test_a_modem_that_is_found_asks_for_a_name_and_a_number_only(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.publish(ModemChanged(modem="usb-1-1.4", line=None, state="ready", reason=None, model="E173", voice=True,
                                 imei="357078041234567", own_number="+79160000009"))  # fmt: skip
    part = owner.get("/parts/start_modems").text
    assert "E173" in part
    assert 'name="imei" value="357078041234567"' in part
    assert 'value="+79160000009"' in part
    assert 'value="green"' in part, "red and blue are taken"
    page = post(owner, "/start/line", name="green", imei="357078041234567", number="8 916 000-00-09").text
    assert "green is now a line." in page
    line = gateway.shop_file.shop.line("green")
    assert line is not None
    assert (line.imei, line.number) == ("357078041234567", "+79160000009")
    assert post(owner, "/start/line", name="green", imei="357078041234568").status_code == 409


def test_a_real_modem_is_no_line_while_emulated_ones_run(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.emulated.has_lines = True
    assert "Start with emulated modems" not in owner.get("/start").text
    assert post(owner, "/start/emulated").status_code == 409
    gateway.emulated.has_lines = False
    assert "Start with emulated modems" in owner.get("/start").text
    assert "There are now three emulated modems" in post(owner, "/start/emulated").text
    gateway.publish(ModemChanged(modem="usb-1-1.4", line=None, state="ready", reason=None, imei="357078041234567"))
    assert "This is a real modem" in owner.get("/parts/start_modems").text
    refused = post(owner, "/start/line", name="green", imei="357078041234567")
    assert refused.status_code == 409
    assert "Emulated modems are running." in refused.text
    assert "The emulated modems are gone" in post(owner, "/start/emulated/end").text
    assert gateway.emulated.done == ["begun by anna", "ended by anna"]


@pytest.mark.parametrize(
    ("password", "said"),
    [
        (RIGHT_PASSWORD, "Registered: the provider accepts the account."),
        ("x", "does not accept this user and password"),
    ],
)
def test_a_provider_is_tried_before_it_is_kept(
    owner: FlaskClient, gateway: GatewayThread, password: str, said: str
) -> None:
    form = {"name": "city", "host": "sip.example.net", "user": "shop", "password": password, "transport": "udp"}
    part = post(owner, "/start/provider/try", PART, **form).text
    assert said in part
    assert "<html" not in part
    page = post(owner, "/start/provider/try", None, **form)
    assert said in page.text
    assert 'value="sip.example.net"' in page.text
    assert f'value="{password}"' not in page.text
    assert gateway.shop_file.shop.trunk("city") is None
    assert "city is saved." in post(owner, "/start/provider", None, **form).text
    trunk = gateway.shop_file.shop.trunk("city")
    assert trunk is not None
    assert (trunk.host, trunk.user, trunk.password) == ("sip.example.net", "shop", password)
    assert post(owner, "/start/provider", None, **form).status_code == 409


def test_what_a_provider_says_is_told_in_words(owner: FlaskClient) -> None:
    part = post(owner, "/start/provider/try", PART, name="x", host="nowhere.example", user="u", password="p").text
    assert "There is no server by that name." in part
    assert "no name or address" in post(owner, "/start/provider/try", PART, name="x", host="a b").text
    assert post(owner, "/start/provider/try", name="x", host="a b").status_code == 400
    assert "Try it" in owner.get("/shop/trunks/new").text


def test_couriers_phones_hours_and_recording_are_done_in_place(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert (
        "Oleg is saved." in post(owner, "/start/courier", extension="2009", name="Oleg", mobile="8 916 111-22-33").text
    )
    wrong = post(owner, "/start/courier", extension="2010", name="Anna", mobile="12")
    assert wrong.status_code == 422
    assert 'value="Anna"' in wrong.text
    assert post(owner, "/start/courier", extension="2009", name="x", mobile="89161112244").status_code == 409
    assert "Phone 102 is saved." in post(owner, "/start/phone", extension="102", name="Office").text
    cookie = owner.get_cookie("phone")
    assert cookie is not None
    assert cookie.value == "102"
    before = gateway.shop_file.shop.schedule.holidays
    post(owner, "/start/hours", workdays="9-18", saturday="10-14", sunday="")
    hours = owner.get("/shop/hours").text
    assert "09:00-18:00" in hours
    assert "10:00-14:00" in hours
    assert gateway.shop_file.shop.schedule.holidays == before
    assert post(owner, "/start/recording", recorded_calls="all", recording_notice="beep").status_code == 400
    post(owner, "/start/recording", recorded_calls="all", recording_notice="beep", told="yes")
    assert gateway.shop_file.shop.recording.calls is RecordCalls.ALL
    assert gateway.shop_file.shop.couriers[-1].name == "Oleg"
    assert replace(gateway.shop_file.shop).name == "Flowers & Co", "what was not asked for stays"


@pytest.mark.parametrize(
    ("trial", "said"),
    [
        (Trial("101"), "Phone 101 rings: answer it."),
        (Trial("101", TrialStage.ASKING, TrialVerdict.HEARD_HERE, -21.4), "Level of your voice: -21 dB"),
        (Trial("101", TrialStage.OVER, TrialVerdict.BOTH_WAYS, -21.4), "Both directions work"),
        (Trial("101", TrialStage.OVER, TrialVerdict.HEARD_HERE, -21.4), "The gateway heard you."),
        (Trial("101", TrialStage.OVER, TrialVerdict.SILENT), "but no voice"),
        (Trial("101", TrialStage.OVER, TrialVerdict.NOTHING_ARRIVES), "Nothing arrives"),
        (Trial("101", TrialStage.OVER, TrialVerdict.NOT_ANSWERED), "Nobody has answered"),
        (Trial("101", TrialStage.OVER), "over before you could be heard"),
        (Trial("+79161112233", line="red"), "Line red calls 8 (916) 111-22-33: answer it."),
        (Trial("+79161112233", TrialStage.LISTENING, None, -33.0, line="red"), 'value="-33.0"'),
        (Trial("+79161112233", TrialStage.OVER, TrialVerdict.SILENT, line="red"), "from the modem, but no voice"),
        (Trial("+79161112233", TrialStage.OVER, TrialVerdict.NOTHING_ARRIVES, line="red"), "arrives from the modem"),
        (
            Trial("+79161112233", TrialStage.OVER, TrialVerdict.NOT_ANSWERED, line="red", cause=Cause.NIGHT_LOCK),
            "Nobody has answered at 8 (916) 111-22-33.",
        ),
    ],
)
def test_a_test_call_says_how_it_goes(owner: FlaskClient, gateway: GatewayThread, trial: Trial, said: str) -> None:
    gateway.trials.trial_now = trial
    part = post(owner, "/start/call", PART, extension="101").text
    assert said in part
    assert ("hx-get" in part) is (trial.stage is not TrialStage.OVER), "asked again until it is over"
    assert 'hx-get="/start/call/t2"' in post(owner, "/start/call", extension="101").text


def test_a_phone_that_is_away_is_said(owner: FlaskClient) -> None:
    assert "102" in post(owner, "/start/call", PART, extension="102").text
    assert post(owner, "/start/call", extension="102").status_code == 409
