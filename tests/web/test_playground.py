"""Playing customer and courier in the panel, where modems are emulated, and only there."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.fakes.gateway_thread import GatewayThread
from tests.web.conftest import csrf_of

CUSTOMER, COURIER, SIM = "+79031112233", "+79161234567", "+79160000001"


def _play(browser: FlaskClient, verb: str, **form: str) -> str:
    data = {"csrf_token": csrf_of(browser, "/playground"), **form}
    return browser.post(f"/playground/{verb}", data=data, follow_redirects=True).text


def test_it_says_that_it_is_emulated_and_shows_who_rings(owner: FlaskClient) -> None:
    page = owner.get("/playground").text
    assert "are emulated" in page
    assert "nothing costs money" in page
    now = owner.get("/parts/playground").text
    assert "8 (916) 123-45-67" in now
    assert "ringing" in now
    assert 'action="/playground/answer"' in now
    assert 'href="/playground"' in owner.get("/").text


@pytest.mark.parametrize(
    ("verb", "form", "asked"),
    [
        ("call", {"number": CUSTOMER, "sim": SIM}, {"do": "call-in", "number": CUSTOMER, "sim": SIM}),
        ("answer", {"call": "c1"}, {"do": "answer", "call": "c1"}),
        ("hang-up", {"call": "c1"}, {"do": "hang-up", "call": "c1"}),
        ("press", {"call": "c1", "keys": "2001#"}, {"do": "press", "call": "c1", "digits": "2001#"}),
        ("text", {"number": CUSTOMER, "sim": SIM, "text": "Где заказ?"},
         {"do": "send-sms", "sender": CUSTOMER, "sim": SIM, "text": "Где заказ?"}),
        ("unplug", {"modem": "m0"}, {"do": "unplug", "modem": "m0"}),
        ("plug-in", {"modem": "m0"}, {"do": "replug", "modem": "m0"}),
        ("weak-signal", {"modem": "m0"}, {"do": "radio", "modem": "m0", "signal": 3}),
        ("good-signal", {"modem": "m0"}, {"do": "radio", "modem": "m0", "signal": 24}),
        ("habit", {"number": COURIER, "habit": "busy"},
         {"do": "subscriber", "number": COURIER, "when_called": "busy",
          "says": [{"wav": "courier-ru.wav", "after_seconds": 0.5}]}),
    ],
)  # fmt: skip
def test_each_button_does_what_it_says(
    owner: FlaskClient, gateway: GatewayThread, verb: str, form: dict[str, str], asked: dict[str, Any]
) -> None:
    assert "Done." in _play(owner, verb, **form)
    assert gateway.world.asked == [asked]


def test_the_front_desk_signs_in_dials_and_speaks(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert "Done." in _play(owner, "put-phone", extension="101")
    assert "Signed in: 101" in owner.get("/playground").text
    assert "Done." in _play(owner, "dial", extension="101", to="2001")
    assert [each["do"] for each in gateway.world.asked] == ["phone", "phone-register", "phone-dial", "phone-speak"]
    assert gateway.world.asked[2]["number"] == "2001"
    password = gateway.world.asked[0]["password"]
    assert password == next(each.password for each in gateway.shop.phones if each.extension == "101")
    assert password not in owner.get("/playground").text


def test_what_cannot_be_is_said_on_the_page(owner: FlaskClient, gateway: GatewayThread) -> None:
    for verb, form in (
        ("dial", {"extension": "999", "to": "2001"}), ("dial", {"extension": "101", "to": "2001;x"}),
        ("call", {"number": "nobody", "sim": SIM}), ("habit", {"number": COURIER, "habit": "dance"}), ("fly", {}),
        ("press", {"call": "c1", "keys": "abc"}), ("text", {"number": CUSTOMER, "sim": SIM}),
    ):  # fmt: skip
        assert 'class="notice bad"' in _play(owner, verb, **form), verb
    assert gateway.world.asked == []
    gateway.world.refusal = "No SIM has the number +1."
    assert "No SIM has the number +1." in _play(owner, "call", number=CUSTOMER, sim=SIM)
