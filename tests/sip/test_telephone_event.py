"""Keys that come in an INFO, and those that come twice."""

from __future__ import annotations

import asyncio
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.sip.telephone_event import KEYS, key_of_info
from tests.fakes.sip import SipWorld, answer_and_echo
from tests.fakes.sip_peer import Peer


@pytest.mark.parametrize(
    ("kind", "body", "key"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", "5"),
        ("application/dtmf-relay", b"Signal= 5\nDuration= 250", "5"),
        ("application/dtmf-relay", b"Duration=160\r\nsignal=a\r\n", "A"),
        ("application/dtmf-relay", b"Signal=11\r\n", "#"),
        ("application/dtmf-relay", b"Signal=10\r\n", "*"),
        ("application/dtmf-relay", b"Signal=16\r\n", ""),
        ("application/dtmf-relay", b"Signal=55\r\n", ""),
        ("application/dtmf-relay", b"", ""),
        ("application/dtmf", b"#", "#"),
        ("application/dtmf", b" 7\r\n", "7"),
        ("application/dtmf", b"10", "*"),
        ("application/dtmf", b"hello", ""),
        ("application/dtmf", "٥".encode(), ""),
        ("application/media_control+xml", b"<xml/>", None),
        ("", b"", None),
    ],
)
def test_the_key_of_an_info(kind: str, body: bytes, key: str | None) -> None:
    assert key_of_info(kind, body) == key


@given(some.sampled_from(["application/dtmf", "application/dtmf-relay"]), some.binary(max_size=300))
def test_whatever_is_in_it_gives_a_key_or_none(kind: str, body: bytes) -> None:
    key = key_of_info(kind, body)
    assert key is not None
    assert key == "" or (len(key) == 1 and key in KEYS)


async def test_a_phone_that_tells_each_key_in_both_ways_is_heard_once() -> None:
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        server = world.server.addresses[0]
        with Peer(server) as phone:
            answer = await phone.call("2001")
            for number, key in ((3, b"5"), (4, b"6")):
                code = struct.pack(">BBH", int(key), 10, 160)
                phone.media.send(code, payload_type=96, marker=True, samples=1_600)
                await asyncio.sleep(0.05)
                phone.send(
                    f"""INFO sip:2001@127.0.0.1:{server.port} SIP/2.0
                    Via: SIP/2.0/UDP 127.0.0.1:{phone.port};branch=z9hG4bKinfo{number}
                    From: <sip:101@127.0.0.1>;tag=mine
                    To: <sip:2001@127.0.0.1>;tag={answer.recipient.tag}
                    Call-ID: call
                    CSeq: {number} INFO
                    Content-Type: application/dtmf""",
                    key,
                )
                await phone.response(200)
            keys = [await world.legs[0].next_key(within=0.2) for _ in range(3)]
            assert keys == ["5", "6", None]
            world.legs[0].hangup()
