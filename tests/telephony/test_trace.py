"""What the wires of a call have said: kept with the call, bounded, and with nothing secret in it."""

from __future__ import annotations

import pytest

from gateway.audio.frame import SILENCE
from gateway.events import CallTraced
from gateway.telephony.trace import Traces
from tests.fakes.exchange import scene
from tests.fakes.talks import CUSTOMER, SHOP, talking


def invite(call_id: str = "abc", line: str = "INVITE sip:102@192.168.1.2 SIP/2.0", body: str = "") -> bytes:
    return (
        f"{line}\r\nVia: SIP/2.0/UDP 192.168.1.9\r\nCall-ID: {call_id}\r\nCSeq: 1 INVITE\r\n"
        f'Authorization: Digest username="101", response="0123456789abcdef"\r\n\r\n{body}'
    ).encode()


SDP = (
    "v=0\r\nc=IN IP4 192.168.1.9\r\nm=audio 4000 RTP/SAVP 8 101\r\n"
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0\r\na=sendonly\r\n"
)


def test_a_ladder_says_who_said_what_and_no_secret() -> None:
    now = [10.0]
    traces = Traces(lambda: now[0])
    traces.is_carried_by("leg", "abc")
    traces.sip(invite(body=SDP), "192.168.1.9:5060", sent=False)
    now[0] = 11.0
    traces.sip(invite(line="SIP/2.0 407 Proxy Authentication Required"), "192.168.1.9:5060", sent=True)
    traces.sip(invite(line="INVITE sip:+79161234567:secret@example.net SIP/2.0"), "192.168.1.9:5060", sent=False)
    traces.sip(invite(call_id="other"), "192.168.1.8:5060", sent=False)
    traces.sip(b"REGISTER sip:x SIP/2.0\r\nCall-ID: reg\r\n\r\n", "192.168.1.9:5060", sent=False)
    told = [(each.at, each.way, each.who, each.text) for each in traces.of_call("c1", [("leg", None)], 0.0)]
    who = "192.168.1.9:5060"
    assert told == [
        (10.0, "in", who, "INVITE sip:102@192.168.1.2 [1 INVITE] RTP/SAVP 192.168.1.9:4000 (8 101) sendonly"),
        (11.0, "out", who, "407 Proxy Authentication Required [1 INVITE]"),
        (11.0, "in", who, "INVITE sip:+…567:***@example.net [1 INVITE]"),
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('AT+CPIN="1234"\r', "AT+CPIN=***"),
        ('AT+CLCK="SC",1,"1234"', "AT+CLCK=***"),
        ('AT+CPWD="SC","1234","4321"', "AT+CPWD=***"),
        ('AT+VTS="5"', "AT+VTS=***"),
        ("AT^DTMF=1,5", "AT^DTMF=***"),
        ("+RXDTMF: 7", "+RXDTMF: ***"),
        ("+DTMF: 7", "+DTMF: ***"),
        ('+CMT: "+79161234567",,"26/11/22"', "+CMT: ***"),
        ('+CUSD: 0,"Balance 12.34",15', "+CUSD: ***"),
        ('AT+CUSD=1,"*100#",15', "AT+CUSD=***"),
        ("07919761989901F0040B919761214365F7", "***"),
        ("ATD+79161234567;", "ATD+…567;"),
        ('+CLIP: "+79161234567",145', '+CLIP: "+…567",145'),
        ("250016012345678", "…678"),
        ("AT+CLCC", "AT+CLCC"),
        ("^CONN:1,0", "^CONN:1,0"),
        ("OK", "OK"),
    ],
)
def test_an_at_line_keeps_no_pin_no_key_and_no_letter(line: str, told: str) -> None:
    traces = Traces(lambda: 5.0)
    traces.at("red", line, sent=True)
    assert [each.text for each in traces.of_call("c", [("leg", "red")], 5.0)] == [told]


def test_a_flood_of_calls_that_are_none_pushes_no_call_out() -> None:
    traces = Traces(lambda: 0.0)
    for number in range(90):
        traces.is_carried_by(f"leg{number}", f"call{number}")
        traces.sip(invite(call_id=f"call{number}"), "192.168.1.9:5060", sent=False)
    for number in range(500):
        traces.sip(invite(call_id=f"flood{number}"), "10.0.0.1:5060", sent=False)
    assert all(traces.of_call("c", [(f"leg{number}", None)], 0.0) for number in range(90))
    assert len(traces._ladders) == 128
    for number in range(90, 300):
        traces.sip(invite(call_id=f"call{number}"), "192.168.1.9:5060", sent=False)
        traces.is_carried_by(f"leg{number}", f"call{number}")
        assert traces.of_call("c", [(f"leg{number}", None)], 0.0), "a new call has its ladder, however full it is"
    assert len(traces._ladders) == 128


def test_what_is_kept_is_bounded() -> None:
    traces = Traces(lambda: 5.0)
    for number in range(1_000):
        traces.sip(invite(call_id=f"id{number}"), "a:1", sent=False)
        traces.is_carried_by(f"leg{number}", f"id{number}")
        traces.at("red", f"line {number}", sent=False)
        traces.at(f"line{number}", "x", sent=False)
        traces.sip(invite(call_id="id999"), "a:1", sent=True)
        traces.heard(f"c{number}", "101", "-20 dBFS")
    assert traces.of_call("c1", [("leg1", None)], 0.0) == []
    assert len(traces.of_call("c999", [("leg999", "red")], 0.0)) < 400
    traces.sip(b"", "a:1", sent=False)
    traces.sip(b"\xff" * 100, "a:1", sent=False)


async def test_a_call_that_is_over_has_its_trace_with_what_was_said_before_it_and_after_it() -> None:
    async with scene(SHOP) as s:
        traces = s.exchange.traces
        traces.at("red", "an old line", sent=False)
        await s.after(10)
        traces.at("red", "RING", sent=False)
        await s.after(0.5)
        customer = s.call_to_line("red", CUSTOMER)
        customer.kind = "gsm"
        phone = await talking(s, customer, "101")
        for _ in range(300):
            phone.fake_port.speak(SILENCE)
            customer.fake_port.speak(SILENCE + 3_000)
            await s.after(0.02)
        call_id = s.switchboard.calls()[0].id
        assert s.switchboard.traced(call_id)[0].text == "RING"
        customer.hangs_up()
        traces.at("red", "NO CARRIER", sent=False)
        await s.after(2)
        (traced,) = [event for event in s.events if isinstance(event, CallTraced)]
        assert traced.call_id == call_id
        texts = [(each.kind, each.who, each.text) for each in traced.lines]
        assert texts[0] == ("at", "red", "RING")
        assert texts[-1] == ("at", "red", "NO CARRIER")
        assert ("audio", "+…001", "-18 dBFS, a voice in 100%") in texts
        assert ("audio", "101", "silence, a voice in 0%") in texts
        assert traced.lines[0].seconds == pytest.approx(-0.5)
