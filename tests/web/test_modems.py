"""The page of a modem: its restart, the PIN of its SIM, and the dialogue with it."""

from __future__ import annotations

from dataclasses import replace

from flask.testing import FlaskClient

from gateway.errors import ModemLost
from gateway.events import CallStarted, LegStarted, ModemChanged
from gateway.telephony.modem_care import DialogueLine, RestartStep
from tests.fakes.gateway_thread import GatewayThread
from tests.web.conftest import csrf_of

PAGE = "/modems/m0"


def post(browser: FlaskClient, path: str, **form: str) -> str:
    data = {"csrf_token": csrf_of(browser, PAGE), **form}
    return browser.post(path, data=data, follow_redirects=True).text


def test_a_modem_is_restarted_and_a_call_ends_only_when_that_is_said(
    owner: FlaskClient, gateway: GatewayThread
) -> None:
    gateway.publish(ModemChanged(modem="m0", line="red", state="ready", reason=None))
    assert f'href="{PAGE}"' in owner.get("/lines").text
    page = owner.get(PAGE).text
    assert 'value="reopen" checked' in page
    assert 'value="power"' not in page
    assert "is being restarted" in post(owner, f"{PAGE}/restart", step="restart")
    gateway.modems.now = replace(gateway.modems.now, in_call=True, steps=tuple(RestartStep))
    gateway.publish(
        CallStarted(call_id="c1", direction="incoming", caller="+79031112233", called="red", line="red", flow="x"),
        LegStarted(call_id="c1", leg_id="l1", kind="gsm", direction="incoming", peer="+79031112233", line="red"),
    )
    page = owner.get(PAGE).text
    for said in ("A call runs on this modem", "8 (903) 111-22-33", 'name="ends_call"', 'value="power"'):
        assert said in page, said
    assert "that a restart would cut off" in post(owner, f"{PAGE}/restart", step="power")
    assert gateway.modems.done == ["restart"]
    assert "is being restarted" in post(owner, f"{PAGE}/restart", step="power", ends_call="yes")
    assert gateway.modems.done == ["restart", "power"]
    gateway.modems.now = replace(gateway.modems.now, steps=(), in_call=False)
    assert "cannot be restarted from here" in owner.get(PAGE).text
    assert owner.get("/modems/m7").status_code == 404


def test_a_line_makes_a_test_call_from_the_page_of_its_modem(owner: FlaskClient, gateway: GatewayThread) -> None:
    page = post(owner, f"{PAGE}/test-call", number="8 916 111-22-33", key="one-test-call")
    assert 'hx-get="/start/call/t1"' in page
    assert gateway.trials.rung == ["red 8 916 111-22-33"]
    barred = post(owner, f"{PAGE}/test-call", number="112", key="another-test-call")
    assert 'value="112"' in barred, "what was typed stays"
    assert "t2" not in barred
    gateway.modems.lock()
    assert 'name="number"' not in owner.get(PAGE).text, "not while the SIM waits for its PIN"


def test_a_pin_is_entered_with_open_eyes_and_never_shown(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert 'name="pin"' not in owner.get(PAGE).text
    gateway.modems.lock()
    page = owner.get(PAGE).text
    assert "3 tries left" in page
    assert 'name="last_try"' not in page
    page = post(owner, f"{PAGE}/pin", pin="1111")
    assert "rejected this PIN" in page
    assert "2 tries left" in page
    assert "1111" not in page
    assert "not sent again" in post(owner, f"{PAGE}/pin", pin="1111")
    post(owner, f"{PAGE}/pin", pin="2222")
    assert 'name="last_try"' in owner.get(PAGE).text
    assert "One try is left" in post(owner, f"{PAGE}/pin", pin="2580")
    page = post(owner, f"{PAGE}/pin", pin="2580", last_try="yes", keeps="yes")
    assert "has accepted its PIN" in page
    assert "entered automatically" in page
    assert "2580" not in page
    assert "no longer stored" in post(owner, f"{PAGE}/pin/forget")
    assert "No PIN is stored" in post(owner, f"{PAGE}/pin/forget")


def test_the_dialogue_is_shown_and_the_listed_questions_asked(owner: FlaskClient, gateway: GatewayThread) -> None:
    now = gateway.modems.lines[0].time
    gateway.modems.lines.append(DialogueLine(time=now, way="in", text="+COPS: 0,0,<b>"))
    page = owner.get(f"{PAGE}/dialogue").text
    assert "+COPS: 0,0,&lt;b&gt;" in page
    assert page.index("+COPS: 0") < page.index("<code>AT+CSQ</code>"), "newest first"
    assert "How well it receives (AT+CSQ)" in page
    assert "+CSQ: 20,99" in post(owner, f"{PAGE}/dialogue", question="AT+CSQ")
    assert "must be one of" in post(owner, f"{PAGE}/dialogue", question="ATD112;")
    assert gateway.modems.done == ["AT+CSQ"]
    assert [action for _, action, _ in gateway.modems.noted] == ["modem.looked-into", "modem.asked"]


def test_how_it_is_comes_by_itself(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.publish(ModemChanged(modem="m0", line="red", state="faulty", reason="modem-restarting", operator="MTS"))
    part = owner.get(f"/parts{PAGE}").text
    assert "MTS" in part
    assert "is being restarted" in part
    assert "This modem is gone." in owner.get("/parts/modems/m7").text


def test_what_a_modem_says_of_itself_and_what_it_does_not(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.publish(ModemChanged(modem="m0", line="red", state="ready", reason=None))
    assert 'hx-get="/parts/modems/m0/vitals"' in owner.get(PAGE).text
    part = owner.get(f"/parts{PAGE}/vitals").text
    for said in ("34 °C", "LTE BAND 3", "8 (916) 899-91-00", "<dd>2</dd>"):
        assert said in part, said
    gateway.modems.says = replace(gateway.modems.says, celsius=None, band=None, message_centre=None)
    part = owner.get(f"/parts{PAGE}/vitals").text
    assert "does not tell how warm it is" in part
    assert "Band" not in part
    gateway.modems.gone = ModemLost("The port of the modem m0 is not open now.", modem="m0")
    answer = owner.get(f"/parts{PAGE}/vitals")
    assert (answer.status_code, "gives no answer now" in answer.text) == (200, True)
