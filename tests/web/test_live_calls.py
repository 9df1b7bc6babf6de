"""Running calls on the dashboard: who talks to whom, what is known of it, and what can be done with it."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from gateway.events import (
    CallAnswered,
    CallShown,
    CallStarted,
    CallStepped,
    LegAnswered,
    LegHeld,
    LegRang,
    LegStarted,
    PartyJoined,
    PhoneRegistered,
    RecordingStarted,
)
from tests.fakes.gateway_thread import GatewayThread
from tests.web.conftest import csrf_of


def test_a_live_call_tells_its_order_and_what_was_shown(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.publish(
        CallStarted(
            call_id="c1", direction="outgoing", caller="2001", called="1001", line=None, flow="to-outside",
            courier="2001", order="1001",
        ),
        CallShown(call_id="c1", leg_id="l1", way="red", number="+79160000001", withheld=False),
    )  # fmt: skip
    page = owner.get("/parts/live_calls").text
    assert '<a href="/orders/1001">Order 1001</a>' in page
    assert 'href="/calls/c1"' in page, "where a note is written while it runs"
    assert re.search(r"The person called saw: <span[^>]*>8 \(916\) 000-00-01<", page)
    gateway.publish(CallShown(call_id="c1", leg_id="l1", way="red", number=None, withheld=True))
    assert re.search(r"The person called saw: <span[^>]*>no number<", owner.get("/parts/live_calls").text)


def test_a_live_call_is_shown_with_its_parties_and_can_be_ended(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert "No call is running" in owner.get("/live").text
    gateway.publish(
        CallStarted(
            call_id="c1", direction="incoming", caller="+79161234567", called="red", line="red", flow="ring_phones"
        ),
        LegStarted(call_id="c1", leg_id="l1", kind="gsm", direction="incoming", peer="+79161234567", line="red"),
        LegStarted(call_id="c1", leg_id="l2", kind="sip", direction="outgoing", peer="101", line=None),
        CallAnswered(call_id="c1", answered_by="101"),
        RecordingStarted(call_id="c1", recording_id="r1", path="x.wav"),
    )
    text = owner.get("/parts/live_calls").text
    for expected in ("Ivan", "8 (916) 123-45-67", "Front desk", "Talking", "Recording", "Hang up"):
        assert expected in text
    answer = owner.post("/calls/c1/hangup", data={"csrf_token": csrf_of(owner, "/live")}, follow_redirects=True)
    assert "The call is being ended." in answer.text
    assert gateway.hung_up == ["c1"]
    answer = owner.post("/calls/unknown/hangup", data={"csrf_token": csrf_of(owner, "/live")}, follow_redirects=True)
    assert "That call is already over." in answer.text


def test_who_holds_the_call_and_how_it_is_with_each_phone(owner: FlaskClient, gateway: GatewayThread) -> None:
    def state() -> str:
        card = re.search(r"Front desk.*?</header>", owner.get("/parts/queue").text, re.DOTALL)
        assert card is not None
        found = re.search(r"</svg>([^<]+)</span>", card[0])
        assert found is not None
        return found[1].strip()

    assert state() == "Not registered"
    gateway.publish(
        PhoneRegistered(extension="101", contact="sip:101@192.168.1.6", user_agent="x", expires_seconds=60),
    )
    assert state() == "Takes calls"
    gateway.publish(
        CallStarted(call_id="c1", direction="incoming", caller="+79031112233", called="red", line="red", flow="x"),
        LegStarted(call_id="c1", leg_id="l2", kind="sip", direction="outgoing", peer="101", line=None),
        LegRang(call_id="c1", leg_id="l2"),
    )
    assert state() == "Rings"
    assert "Hears" not in owner.get("/parts/live_calls").text
    gateway.publish(CallStepped(call_id="c1", step="music"))
    assert re.search(
        r"Hears music</span>\s*<span class=\"number clock[^>]*data-since=", owner.get("/parts/live_calls").text
    )
    gateway.publish(LegAnswered(call_id="c1", leg_id="l2"), CallAnswered(call_id="c1", answered_by="101"))
    assert state() == "In a call"
    assert "on hold" not in owner.get("/parts/live_calls").text
    gateway.publish(LegHeld(call_id="c1", leg_id="l2"))
    assert "has put the call on hold" in owner.get("/parts/live_calls").text
    assert 'id="part-sims"' in owner.get("/live").text, "the lines stand below"


def test_a_phone_is_named_that_joins_a_running_call(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.publish(
        CallStarted(call_id="c1", direction="incoming", caller="+79031112233", called="red", line="red", flow="x"),
        LegStarted(call_id="c1", leg_id="l2", kind="sip", direction="outgoing", peer="102", line=None),
        CallAnswered(call_id="c1", answered_by="101"),
        PartyJoined(call_id="c1", leg_id="l2", peer="102", role="whisper", by="anna"),
        PhoneRegistered(extension="101", contact="sip:101@192.168.1.6", user_agent="x", expires_seconds=60),
    )
    text = owner.get("/parts/live_calls").text
    for expected in ("whispers", "Drop", "listens, unheard", "takes part (conference)", 'value="101"'):
        assert expected in text, expected
    form = {"csrf_token": csrf_of(owner, "/live"), "extension": "102"}
    for path, more, said in (
        ("/calls/c1/join", {"mode": "listen"}, "The phone 102 rings."),
        ("/calls/c1/join", {"mode": "conference"}, "The phone 102 rings."),
        ("/calls/c1/join", {"mode": "consult"}, "The phone 102 rings."),
        ("/calls/c1/parties/l9/hand-over", {}, "Nobody consults that party any more."),
        ("/calls/c1/join", {"mode": "whisper"}, "That is not possible now"),
        ("/calls/c9/join", {"mode": "conference"}, "That is not possible now"),
        ("/calls/c1/parties/l9/drop", {}, "That person has already left the call."),
    ):
        assert said in owner.post(path, data={**form, **more}, follow_redirects=True).text, path
    owner.post("/calls/c1/parties/l2/drop", data=form)
    assert [each[:3] for each in gateway.company.asked if each[0] != "audit"] == [
        ("join", "102", "listen"), ("join", "102", "speak"), ("join", "102", "consult"), ("hand-over", "l9"),
        ("join", "102", "whisper"), ("drop", "l9"), ("drop", "l2"),
    ]  # fmt: skip


def test_a_running_call_is_handed_over(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.publish(
        CallStarted(call_id="c1", direction="incoming", caller="+79031112233", called="red", line="red", flow="x"),
        CallAnswered(call_id="c1", answered_by="101"),
        PhoneRegistered(extension="101", contact="sip:101@192.168.1.6", user_agent="x", expires_seconds=60),
    )
    text = owner.get("/parts/live_calls").text
    for expected in ("Hand over", '<option value="101">', '<option value="2001">'):
        assert expected in text, expected
    in_call = {"101": '<option value="101">', "+79161234567": '<option value="2001">'}
    for number, (peer, option) in enumerate(in_call.items()):
        leg = LegStarted(call_id="c1", leg_id=f"l{number}", kind="sip", direction="outgoing", peer=peer, line=None)
        gateway.publish(leg)
        assert option not in owner.get("/parts/live_calls").text, "who is in the call is offered no place in it"
    form = {"csrf_token": csrf_of(owner, "/live"), "key": "as-on-the-page"}
    for path, to, said in (
        ("/calls/c1/transfer", "102", "The call is handed over as soon as 102 answers."),
        ("/calls/c1/transfer", "102", "The call is handed over as soon as 102 answers."),
        ("/calls/c1/transfer", "103", "That call cannot be handed over to 103 now."),
        ("/calls/c9/transfer", "102", "That call cannot be handed over to 102 now."),
        ("/calls/c1/transfer", "", "That call cannot be handed over to"),
    ):
        key = form["key"] if said.startswith("The") else f"another-{path}-{to}"
        assert said in owner.post(path, data={**form, "to": to, "key": key}, follow_redirects=True).text, (path, to)
    assert gateway.transferred == ["102", "103"], "a button that is pressed twice is pressed once"
