"""The small parts: command lines, G.711, SIP messages, digest, the clock of the sound."""

from __future__ import annotations

import array
import itertools
import threading
import time

import pytest

from gateway.emulator import sip_digest, sound
from gateway.emulator.at_command import Command, Kind, split_line
from gateway.emulator.emulator import with_check_digit
from gateway.emulator.g711 import codec
from gateway.emulator.media_clock import MediaClock, Ticker
from gateway.emulator.phone_sdp import describe, read
from gateway.emulator.sip_message import address_uri, parameters, parse, split_list, uri_host, uri_user
from gateway.emulator.track import Track


@pytest.mark.parametrize(
    ("line", "commands"),
    [
        ("AT", []),
        ("ate0", [Command("E", Kind.RUN, "0")]),
        ("AT+CREG=2;+CREG?", [Command("+CREG", Kind.SET, "2"), Command("+CREG", Kind.READ)]),
        ("AT+CPMS=?", [Command("+CPMS", Kind.TEST)]),
        ("ATD+7913;", [Command("D", Kind.RUN, "+7913;")]),
        ("AT+QPCMV=0;+QPCMV=1,0;D123;", [
            Command("+QPCMV", Kind.SET, "0"), Command("+QPCMV", Kind.SET, "1,0"), Command("D", Kind.RUN, "123;"),
        ]),
        ('AT+CUSD=1,"*1;2#",15', [Command("+CUSD", Kind.SET, '1,"*1;2#",15')]),
        ("AT&FE0", [Command("&F", Kind.RUN), Command("E", Kind.RUN, "0")]),
        ("AT^DDSETEX=2", [Command("^DDSETEX", Kind.SET, "2")]),
        ("ATS0=0", [Command("S", Kind.RUN, "0")]),
    ],
)  # fmt: skip
def test_command_lines(line: str, commands: list[Command]) -> None:
    assert split_line(line) == commands


@pytest.mark.parametrize("line", ["", "OK", "AT+", "AT%%", "A T"])
def test_what_is_no_command_line(line: str) -> None:
    with pytest.raises(ValueError, match=r"start with AT|prefix|begins"):
        split_line(line)


def test_arguments() -> None:
    assert Command("+X", Kind.SET, '"SM","a,b",,5').values == ["SM", "a,b", "", "5"]
    assert Command("+X", Kind.SET, "1").value(3, "default") == "default"
    assert Command("+X", Kind.READ).values == []


@pytest.mark.filterwarnings("ignore:'audioop' is deprecated")
@pytest.mark.parametrize("name", ["PCMU", "PCMA"])
def test_g711_is_what_audioop_makes_of_it(name: str) -> None:
    import audioop

    every = array.array("h", range(-32768, 32768))
    encode, decode = (audioop.lin2ulaw, audioop.ulaw2lin) if name == "PCMU" else (audioop.lin2alaw, audioop.alaw2lin)
    octets = bytes(range(256))
    assert codec(name).decode(octets).tobytes() == decode(octets, 2)
    ours, theirs = codec(name).encode(every), encode(every.tobytes(), 2)
    # Where a sample lies between two steps, libraries round differently by one step; no sample is further off.
    assert sum(a != b for a, b in zip(ours, theirs, strict=True)) < 512
    back = codec(name).decode(ours)
    assert all(abs(a - b) <= max(16, abs(a) // 16) for a, b in zip(every, back, strict=True) if abs(a) < 32636)


@pytest.mark.parametrize(("name", "quiet"), [("PCMU", 0xFF), ("PCMA", 0xD5)])
def test_g711_has_the_right_polarity(name: str, quiet: int) -> None:
    assert codec(name).encode(array.array("h", [0])) == bytes([quiet])
    assert codec(name).decode(codec(name).encode(array.array("h", [20000])))[0] > 19000
    assert codec(name).decode(codec(name).encode(array.array("h", [-20000])))[0] < -19000
    # The sign bit on the wire is 1 for positive samples, in both laws (G.711 tables 1 and 2).
    assert codec(name).encode(array.array("h", [20000]))[0] & 0x80


def test_sip_messages() -> None:
    message = parse(
        b'INVITE sip:101@h SIP/2.0\r\nv: SIP/2.0/UDP a:1;branch=z1, SIP/2.0/UDP b\r\nf: "A, B" <sip:7@h>;tag=x\r\n'
        b"Subject: one\r\n two\r\nCSeq: 4 INVITE\r\nContact: <sip:7@a:9;transport=udp>;expires=5\r\nl: 3\r\n\r\nabcdef"
    )
    assert message.all("via") == ["SIP/2.0/UDP a:1;branch=z1", "SIP/2.0/UDP b"]
    assert message.branch == "z1"
    assert message.cseq == (4, "INVITE")
    assert message.first("subject") == "one two"
    assert message.body == b"abc"
    assert parameters(message.first("from")) == {"tag": "x"}
    assert address_uri(message.first("contact")) == "sip:7@a:9;transport=udp"
    assert uri_host("sip:7@127.0.0.1:99;x") == ("127.0.0.1", 99)
    assert uri_user("sip:7@h") == "7"
    assert split_list('"a,b" <c,d>, e') == ['"a,b" <c,d>', "e"]
    assert parse(message.render()).first("cseq") == "4 INVITE"


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"HELLO\r\n\r\n", b"SIP/2.0 200 OK\r\nno colon\r\n\r\n"])
def test_what_is_no_sip(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"end of headers|start line|colon"):
        parse(data)


def test_digest_is_that_of_rfc_7616(monkeypatch: pytest.MonkeyPatch) -> None:
    """Section 3.9.1 gives both algorithms for one request, with a client nonce that is fixed."""
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    monkeypatch.setattr("secrets.token_hex", lambda _: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
    expected = {
        "MD5": "8ca523f5e9506fed4657c9700eebdbec",
        "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    }
    for algorithm, response in expected.items():
        challenge = sip_digest.parse_challenge(
            f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, nonce="{nonce}", '
            'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
        )
        value = sip_digest.credentials(
            challenge, user="Mufasa", password="Circle of Life", method="GET", uri="/dir/index.html"
        )
        assert f'response="{response}"' in value
        assert "qop=auth, nc=00000001" in value
        assert 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"' in value


def test_session_descriptions() -> None:
    described = read(describe("10.0.0.1", 4000, [(8, "PCMA"), (0, "PCMU")], event_type=101, direction="sendonly"))
    assert (described.host, described.port, described.direction) == ("10.0.0.1", 4000, "sendonly")
    assert [(kind, each.name) for kind, each in described.codecs(("PCMU",))] == [(0, "PCMU")]
    assert described.event_type == 101
    with pytest.raises(ValueError, match="no sound"):
        read(b"v=0\r\n")


def test_check_digits() -> None:
    assert with_check_digit("49015420323751") == "490154203237518"


def test_a_track_says_things_one_after_the_other_and_at_their_moment() -> None:
    track, done = Track(), []
    track.say(array.array("h", [1, 2, 3]), lambda: done.append("first"))
    track.say(array.array("h", [4]))
    assert sound.from_bytes(track.speak_block(0.0, 2)).tolist() == [1, 2]
    assert not done
    assert sound.from_bytes(track.speak_block(0.1, 4)).tolist() == [3, 4, 0, 0]
    assert done == ["first"]
    track.say(array.array("h", [9]), at=10.0 + 2 / 8000)
    assert sound.from_bytes(track.speak_block(9.9, 4)).tolist() == [0, 0, 0, 0]
    assert sound.from_bytes(track.speak_block(10.0, 4)).tolist() == [0, 0, 9, 0]


def test_the_clock_keeps_its_deadlines_and_loses_no_tick() -> None:
    clock, dues, finished = MediaClock(), [], threading.Event()
    tickers: list[Ticker] = []

    def tick(due: float) -> None:
        dues.append(due)
        if len(dues) == 3:
            time.sleep(0.03)  # late by more than two periods
        if len(dues) == 20:
            tickers[0].stop()
            finished.set()

    clock.start()
    clock.soon(lambda: tickers.append(clock.every(0.01, tick)))
    assert finished.wait(2)
    clock.stop()
    assert len(dues) == 20
    assert all(later - sooner == pytest.approx(0.01, abs=1e-9) for sooner, later in itertools.pairwise(dues))
