"""What the screens say, in both languages, and that nobody else's text becomes markup (T-W4)."""

from __future__ import annotations

import random
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.events import (
    AlertRaised,
    CallStarted,
    ModemChanged,
    PhoneRegistered,
)
from tests.fakes.exchange_view import SHOP
from tests.fakes.gateway_thread import GatewayThread, gateway_running
from tests.fakes.rows import call_row, message_row
from tests.faults import SOAKS, rounds
from tests.web.conftest import csrf_of, sign_in
from tests.web.routes import open_paths
from web.app import create_app

PAYLOADS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><svg onload=alert(1)>", "'><b>x</b>",
    "</title><script>1</script>", "</textarea><script>1</script>", "<iframe src=//evil.example>", "&lt;b&gt;",
    "javascript:alert(1)", "{{ 7*7 }}", "{% raw %}", "${7*7}", "#{7*7}", "<!--", "-->", "]]>", "<a href=//e>x</a>",
    "\" onfocus=alert(1) autofocus=\"", "' onfocus=alert(1) '", "` onfocus=alert(1)", "<p style=color:red>",
    "<base href=//evil.example>", "<meta http-equiv=refresh content=0>", "<link rel=stylesheet href=//e>",
    "<form action=//evil.example>", "<input name=csrf_token>", "<details open ontoggle=alert(1)>", "<math><mi//xlink>",
    "\u202e<script>", "<scr\u0000ipt>", "<%00script>", "%3Cscript%3E", "&#60;script&#62;", "\\u003cscript\\u003e",
    "<div hx-get=/logout hx-trigger=load>", "\" hx-get=\"/shop\" hx-trigger=\"load", "<x data-recording=//e>",
    "=cmd|' /C calc'!A0", "@import url(//e)", "<style>*{display:none}</style>",
]  # fmt: skip


class _Skeleton(HTMLParser):
    """The elements of a page and the names of their attributes, without any text."""

    def __init__(self) -> None:
        super().__init__()
        self.bones: list[tuple[str, ...]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.bones.append((tag, *(name for name, _ in attrs)))


def _skeletons(owner: FlaskClient, app: Flask, gateway: GatewayThread, text: str) -> dict[str, list[tuple[str, ...]]]:
    """Every page with `text` wherever something from outside is shown."""
    # No number, name or customer is stored with other characters.
    printable = "".join(each for each in text if ord(each) >= 32)
    gateway.archive.call_rows = [
        call_row("c1", caller=printable, caller_name=printable, called=printable, answered_by=text)
    ]
    gateway.archive.message_rows = [message_row(peer=text, text=text)]
    gateway.shop = replace(
        SHOP,
        name=text,
        lines=tuple(replace(line, operator=text) for line in SHOP.lines),
        phones=tuple(replace(phone, name=text) for phone in SHOP.phones),
        couriers=tuple(replace(courier, name=text) for courier in SHOP.couriers),
    )
    gateway.publish(
        ModemChanged(modem="m0", line="red", state="ready", reason=None, model=text, operator=text, port=text),
        PhoneRegistered(extension="101", contact="sip:101@192.168.1.5", user_agent=text, expires_seconds=60),
        AlertRaised(code="modem-lost", subject="m0", values={"name": text}),
    )
    gateway.shop_file.text = text
    if not gateway.recorded.erasures.orders:
        gateway.recorded.erasures.begin("+79031112233", by="anna")
    gateway.people.keep_contact("k1", text, "+79031112233")
    gateway.call_backs.promises.clear()
    gateway.call_backs.add("+79031112233", name=text, called=text)
    note = {"id": "n1", "by": text, "text": text, "time": "2027-01-29T09:02:00Z"}
    gateway.archive.details["c1"] = {"notes": [{**note, "recording_id": "r-c1", "at_seconds": 3.5}]}
    gateway.keep_order("1001", customer=printable[:100])
    pages = {}
    gateway.keep_recording("r-c1")
    for path in [
        *open_paths(app),
        "/calls?search=" + quote(text[:60].replace("\0", "")),
        "/calls?from=x&to=y&show=z",
        "/messages?search=<b>",
    ]:
        answer = owner.get(path)
        if answer.mimetype == "text/html" and answer.status_code != 302:
            # Neither is in this archive: the recordings of an order, and a store that has been written to.
            missing = {".zip": 404, "audit.csv": 503}
            expected = next((status for end, status in missing.items() if path.endswith(end)), 200)
            assert answer.status_code == expected, path
            parser = _Skeleton()
            parser.feed(answer.text)
            pages[path.partition("?search")[0] + path.partition("?")[1]] = parser.bones
        answer.close()
    return pages


@pytest.mark.parametrize("part", range(rounds(1, 4)))
def test_no_text_from_outside_becomes_an_element_or_attribute(
    owner: FlaskClient, app: Flask, gateway: GatewayThread, part: int, seed: int
) -> None:
    """Some of the forty in each run, other ones each time; all of them by `make soak`."""
    assert len(PAYLOADS) == 40
    gateway.publish(
        CallStarted(call_id="live", direction="incoming", caller="x", called="red", line="red", flow="ring_phones")
    )
    plain = _skeletons(owner, app, gateway, "plain")
    assert len(plain) > 12
    payloads = PAYLOADS[part::4] if SOAKS else random.Random(seed).sample(PAYLOADS, 3)
    for payload in payloads:
        hostile = _skeletons(owner, app, gateway, payload)
        for path, bones in hostile.items():
            assert bones == plain[path], f"{payload!r} on {path}"


def test_filters_of_the_address_reach_the_store(owner: FlaskClient, gateway: GatewayThread) -> None:
    owner.get("/calls?show=missed&search=8916&courier=2001&line=red&from=2027-01-29&to=2027-01-30")
    wanted: Any = gateway.archive.asked[-1]
    assert (wanted.direction, wanted.outcome, wanted.search) == ("incoming", "missed", "8916")
    assert (wanted.courier, wanted.line, wanted.recorded) == ("2001", "red", None)
    assert wanted.since.isoformat() == "2027-01-28T21:00:00+00:00"  # midnight in Moscow
    assert wanted.until.isoformat() == "2027-01-30T21:00:00+00:00"
    owner.get("/calls?show=recorded&from=nonsense&to=9999-12-31")
    wanted = gateway.archive.asked[-1]
    assert (wanted.recorded, wanted.since, wanted.until) == (True, None, None)


def test_older_pages_keep_the_filter(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.archive.call_rows = [call_row(f"c{number}") for number in range(70)]
    text = owner.get("/calls?show=recorded&search=79").text
    link = next(part for part in text.split('href="') if "cursor=" in part).partition('"')[0].replace("&amp;", "&")
    assert parse_qs(link.partition("?")[2]) == {"cursor": ["50"], "show": ["recorded"], "search": ["79"]}
    assert owner.get(link).text.count('class="call ') + owner.get(link).text.count('class="call"') == 20


def test_a_call_tells_its_story(owner: FlaskClient, gateway: GatewayThread) -> None:
    leg = {
        "kind": "gsm", "direction": "incoming", "line": "red", "started_at": "2027-01-29T09:00:00.000Z",
        "rang_at": None, "answered_at": None, "ended_at": None, "cause": "hung-up", "ended_by_peer": True,
        "frames_in": 2600, "frames_out": 2600, "lost": 3, "concealed": 2,
        "sound": {
            "codec": "gsm", "level_dbfs": -21.4, "voice_seconds": 20.1, "silence_seconds": 31.9, "jitter_ms": 1.5,
            "gaps": 2, "concealed_ms": 40, "late": 7, "delay_ms": 22.0, "peer_lost": 5, "round_trip_ms": 31.0,
        },
    }  # fmt: skip
    steps: list[tuple[int, str, dict[str, object]]] = [
        (0, "call.started", {}),
        (0, "leg.started", {"leg_id": "l2", "direction": "outgoing", "line": None}),
        (2, "leg.rang", {"leg_id": "l2"}),
        (3, "call.stepped", {"step": "greeting"}),
        (4, "call.stepped", {"step": "music"}),
        (5, "call.stepped", {"step": "offer"}),
        (8, "leg.answered", {"leg_id": "l2"}),
        (8, "call.answered", {"answered_by": "101"}),
        (8, "leg.held", {"leg_id": "l2"}),
        (9, "leg.resumed", {"leg_id": "l2"}),
        (9, "audio.stopped", {"leg_id": "l2", "side": "callee", "peer": "101", "reason": "nothing-arrives"}),
        (10, "audio.returned", {"leg_id": "l2", "side": "callee", "peer": "101", "seconds": 1.2}),
        (10, "party.joined", {"leg_id": "l3", "peer": "102", "role": "listen", "by": "anna"}),
        (11, "party.left", {"leg_id": "l3", "peer": "102"}),
        (11, "recording.started", {}),
        (60, "recording.finished", {"verdict": "caller-silent"}),
        (60, "call.ended", {"cause": "hung-up", "ended_by": "caller"}),
        (61, "something.new", {"unknown": 1}),
        (
            61,
            "call.traced",
            {
                "lines": [
                    {"seconds": -0.5, "kind": "at", "way": "in", "who": "red", "text": "RING"},
                    {"seconds": 2.0, "kind": "sip", "way": "out", "who": "10.0.0.2:5060", "text": "INVITE sip:<102>"},
                ]
            },
        ),
    ]
    gateway.archive.details["c1"] = {
        "legs": [
            {"id": "l1", "peer": "+79031112233", **leg},
            {"id": "l2", "peer": "101", **leg, "frames_in": None, "sound": None},
        ],
        "timeline": [
            {"time": f"2027-01-29T09:{second // 60:02}:{second % 60:02}.000Z", "type": kind, "data": data}
            for second, kind, data in steps
        ],
    }
    recording = {
        "id": "r1", "seconds": 49.0, "size_bytes": 1_568_044, "sha256": "5e" * 32, "loudness_db": [-20.1, None],
             "verdict": "caller-silent",
        "started_at": "2027-01-29T09:00:11.000Z",
    }  # fmt: skip
    gateway.archive.call_rows = [call_row("c1", recordings=[recording])]
    text = owner.get("/calls/c1").text
    for expected in (
        "8 (903) 111-22-33 calls", "Calling Front desk", "It rings at Front desk", "Hears the greeting",
        "Hears music", "Is offered a call-back", "Front desk is on the line",
        "Both hear each other", "Nothing is heard from Front desk", "nothing arrives from there",
        "Front desk is heard again", "after 1.2 s", "listens in", "requested by anna",
        "has left", "good (4.1 of 5)", "−21 dBFS", "1.5 ms", "Recording begins",
        "Recording is kept", "The caller was silent",
        "Check the microphone", "The caller hangs up", "Call completed", "1.6 MB", "0:52",
    ):  # fmt: skip
        assert expected in text, expected
    assert "something.new" not in text
    for expected in ("What the devices said", "2 lines", "RING", "10.0.0.2:5060", "INVITE sip:&lt;102&gt;"):
        assert expected in text, expected
    gateway.archive.call_rows = [call_row("c1", ended_at=None, recordings=[])]
    assert "1 line<" not in owner.get("/calls/c1").text
    assert "INVITE</code>" in owner.get("/calls/c1").text, "of a running call: what is known by now"
    assert owner.get("/calls/none").status_code == 404


def test_a_recording_passes_through_in_parts(owner: FlaskClient, gateway: GatewayThread) -> None:
    content = gateway.keep_recording("r1", seconds=10)
    answer = owner.get("/recordings/r1.wav")
    assert (answer.status_code, answer.data) == (200, content)
    assert answer.mimetype == "audio/wav"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    part = owner.get("/recordings/r1.wav", headers={"Range": "bytes=44-143"})
    assert (part.status_code, part.data) == (206, content[44:144])
    assert part.headers["Content-Range"] == f"bytes 44-143/{len(content)}"
    same = owner.get("/recordings/r1.wav", headers={"If-None-Match": answer.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")
    saved = owner.get("/recordings/r1.wav?download=1")
    assert saved.headers["Content-Disposition"].startswith("attachment")
    peaks = owner.get("/recordings/r1/peaks.json").get_json()
    assert (peaks["seconds"], len(peaks["channels"])) == (10.0, 2)
    assert owner.get("/recordings/none.wav").status_code == 404
    for hostile in ("..%2f..%2fsecret", "%2e%2e%2fsecret", "r1%00", "r1%5c..%5c"):
        assert owner.get(f"/recordings/{hostile}.wav").status_code == 404


def test_recordings_are_for_those_who_have_signed_in(stranger: FlaskClient, gateway: GatewayThread) -> None:
    content = gateway.keep_recording("r1")
    for path in ("/recordings/r1.wav", "/recordings/r1/peaks.json"):
        answer = stranger.get(path)
        assert answer.status_code == 302
        assert content[44:100] not in answer.data


def test_without_a_worker_the_page_says_so_and_the_rest_is_there(tmp_path: Any) -> None:
    gateway = GatewayThread(tmp_path)
    gateway.make_owner()
    with gateway_running(gateway, with_worker=False):
        browser = create_app(gateway.url).test_client()
        sign_in(browser)
        for path in ("/", "/calls", "/messages"):
            answer = browser.get(path)
            assert answer.status_code == 200
            assert "Lists and recordings are not available now; calls continue." in answer.text
        assert browser.get("/lines").status_code == 200
        assert browser.get("/recordings/r1.wav").status_code == 503


def test_lines_say_what_to_do(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.publish(
        ModemChanged(modem="m0", line="red", state="locked", reason="sim-locked"),
        ModemChanged(modem="m1", line="blue", state="ready", reason=None, signal_dbm=-99, voice=False),
    )
    text = owner.get("/lines").text
    assert "The SIM card asks for its PIN." in text
    assert "Enter it on the modem" in text
    assert "level-1" in text
    assert "no voice" in text


def test_a_modem_says_everything_that_is_known_of_it(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.publish(
        ModemChanged(
            modem="usb-1-1.4", line="red", state="locked", reason="sim-locked", sim="sim pin", pin_tries=2,
            usb_path="1-1.4", usb_device="Huawei E1550 (12d1:1001)", maker="huawei", model="E1550",
            imei="490154203237518", iccid="8970199000000000012", imsi="250010000000001", creg="home",
            cereg="searching", signal_dbm=-71, voice=False, voice_problem="voice-disabled",
        ),
        ModemChanged(modem="usb-1-2", line=None, state="faulty", reason="port-busy", port_holder="ModemManager (812)"),
    )  # fmt: skip
    text = owner.get("/lines").text
    for said in (
        "asks for its PIN", "2 tries left", "USB 1-1.4", "Huawei E1550 (12d1:1001)", "IMEI 490154203237518",
        "ICCID 8970199000000000012", "IMSI 250010000000001", "CREG home, CEREG searching", "no voice",
        "Voice is switched off in the modem.", "Used by ModemManager (812)", "<polyline points=",
    ):  # fmt: skip
        assert said in text, said


def test_alerts_are_acknowledged_by_name(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.publish(AlertRaised(code="modem-lost", subject="m0", values={}))
    text = owner.get("/alerts").text
    assert "The modem is gone." in text
    assert "1 alert" in text
    alert_id = text.split("/alerts/")[1].partition("/")[0]
    answer = owner.post(
        f"/alerts/{alert_id}/acknowledge", data={"csrf_token": csrf_of(owner, "/alerts")}, follow_redirects=True
    )
    assert "seen by anna" in answer.text
    assert "1 alert" not in answer.text


def test_the_shop_is_edited_whole_or_not_at_all(owner: FlaskClient, gateway: GatewayThread) -> None:
    token = csrf_of(owner, "/shop")
    answer = owner.post(
        "/shop", data={"csrf_token": token, "text": '[shop]\r\nname = "New"\r\n'}, follow_redirects=True
    )
    assert "The shop has been changed." in answer.text
    assert gateway.shop_file.text == '[shop]\nname = "New"\n'
    answer = owner.post("/shop", data={"csrf_token": token, "text": "wrong = 1"})
    assert answer.status_code == 422
    assert "shop.toml:2: there is no key &#39;wrong&#39; in [shop]." in answer.text
    assert "wrong = 1</textarea>" in answer.text
    assert gateway.shop_file.text == '[shop]\nname = "New"\n'
    saved = owner.get("/shop/shop.toml")
    assert (saved.text, saved.mimetype) == (gateway.shop_file.text, "application/toml")


def test_everything_is_said_in_russian_too(owner: FlaskClient, app: Flask, gateway: GatewayThread) -> None:
    gateway.archive.call_rows = [call_row("c1", cause="no-audio")]
    gateway.archive.message_rows = [message_row(text=None)]
    gateway.keep_recording("r-c1")
    owner.post("/preferences", data={"csrf_token": csrf_of(owner, "/"), "language": "ru", "theme": "dark"})
    for path in open_paths(app):
        answer = owner.get(path)
        is_page = answer.mimetype == "text/html" and answer.status_code != 302  # /my is the couriers'
        if is_page and not path.startswith(("/parts/", "/setup", "/start/call/")):
            assert '<html lang="ru" data-theme="dark">' in answer.text, path
        answer.close()
    assert "Звонков сейчас нет" in owner.get("/live").text
    assert "Не было звука" in owner.get("/calls/c1").text
    assert "Текст не удалось прочитать" in owner.get("/messages").text


@pytest.mark.parametrize(
    ("accepted", "language"), [("ru-RU,ru;q=0.9", "ru"), ("de,en;q=0.5", "en"), ("", "en"), ("fr", "en")]
)
def test_the_browser_chooses_the_language_until_a_person_does(
    stranger: FlaskClient, accepted: str, language: str
) -> None:
    answer = stranger.get("/login", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}">' in answer.text


def test_an_unknown_page_is_a_page_of_ours(owner: FlaskClient) -> None:
    for path in ("/nothing", "/parts/nothing", "/parts/../etc/passwd"):
        answer = owner.get(path)
        assert (answer.status_code, "There is no such page." in answer.text) == (404, True)
