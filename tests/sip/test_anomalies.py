"""Broken messages, by rules and at random, against the parsers and the server that serves phones (T-S10).

Strangers' messages end at the challenge. So that what lies behind it is met too, a phone that knows its password
sends the same anomalies with good credentials.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterator

import pytest

from gateway.sip.digest import DigestClient
from gateway.sip.grammar import MalformedMessage
from gateway.sip.message import Request, Response, parse_message, serialise
from gateway.sip.sdp import agree, parse_sdp
from gateway.sip.server import SipServer
from gateway.sip.transport import Address
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg
from tests.fakes.sip import PASSWORD, SipWorld
from tests.fakes.sip_lossy import Link, LinkFlow
from tests.fakes.sip_peer import Peer
from tests.fuzz.sip import (
    ANOMALIES,
    all_messages,
    broken_elements,
    elements,
    fields_of,
    mutated,
    replaced,
    valid_messages,
    with_anomaly,
)

OURS = Address("127.0.0.1", 5060)
PHONE = Address("10.200.0.1", 5060)
OFFER = b"v=0\r\no=- 1 1 IN IP4 10.200.0.1\r\ns=-\r\nc=IN IP4 10.200.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n"


def refuse(leg: Leg) -> None:
    leg.hangup(Cause.BUSY)


def give(server: SipServer, data: bytes, source: Address) -> list[bytes]:
    """What the server says to one datagram, at once."""
    link = Link()
    server.receive(data, LinkFlow(link, OURS, source))
    return link.sent


async def check_alive(world: SipWorld) -> None:
    """An honest phone is still served."""
    with Peer(world.server.addresses[0]) as phone:
        await phone.register()
        await phone.invite("2001")
        await phone.response(100)
        await phone.response(486)
        phone.ack("2001", await _none(phone))


async def _none(phone: Peer) -> Response:
    """The refusal once more, for its tag: it is repeated until acknowledged."""
    message = await phone.next()
    assert isinstance(message, Response)
    return message


def test_there_are_some_seventy_anomalies() -> None:
    assert 70 <= len(set(ANOMALIES)) == len(ANOMALIES)


def test_every_field_replaced_by_every_anomaly_is_parsed_or_refused(capsys: pytest.CaptureFixture[str]) -> None:
    count = accepted = 0
    for message in valid_messages().values():
        for data in replaced(message):
            count += 1
            try:
                parsed = parse_message(data)
            except MalformedMessage:
                continue
            accepted += 1
            names = {name.lower() for name, _ in parsed.headers}
            assert "x-injected" not in names or b"\r\nX-Injected" in data
            if count % 5:
                continue
            try:
                assert parse_message(serialise(parsed)) == parsed
            except MalformedMessage as fault:
                pytest.fail(f"what was read cannot be written: {fault} of {data[:300]!r}")
    with capsys.disabled():
        print(f"\n{len(valid_messages())} valid messages: {count} with a broken field, {accepted} of them still SIP")
    assert count > 15_000


async def test_elements_of_an_invite_replaced_by_anomalies(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    """As the test material PROTOS c07-sip does it: the words, numbers and signs within the fields, and the offer's.

    One in ten of them; all are in `make fuzz`.
    """
    source = random.Random(seed)
    whole = parse_message(b"".join(elements()))
    assert isinstance(whole, Request)
    assert agree(parse_sdp(whole.body)) is not None
    world = SipWorld(on_leg=refuse)
    count = refused = 0
    async with world.server:
        with caplog.at_level(logging.WARNING):
            for data in broken_elements():
                if source.random() > 0.1:
                    continue
                count += 1
                try:
                    agree(parse_sdp(parse_message(data).body))
                except MalformedMessage:
                    refused += 1
                if count % 3 == 0 and len(data) < 65_508:
                    give(world.server, data, Address(f"10.{count >> 16 & 127}.{count >> 8 & 255}.{count & 255}", 5060))
                    await asyncio.sleep(0.1)
        assert not caplog.records
        assert not world.legs
        assert len(world.server._wire.transactions) == 0
        await check_alive(world)
    assert count > 700
    assert count / 8 < refused < count


async def test_strangers_anomalies_meet_the_server(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    """One in ten of them, judged as a real datagram is: no death, no trace, nobody rings."""
    source = random.Random(seed)
    world = SipWorld(on_leg=refuse)
    count = 0
    async with world.server:
        with caplog.at_level(logging.WARNING):
            for message in valid_messages().values():
                for data in replaced(message):
                    if source.random() < 0.1 and len(data) < 65_508:
                        count += 1
                        host = f"10.{count >> 8 & 127}.{count & 255}.1"
                        give(world.server, data, Address(host, 5060))
                        if count % 100 == 0:
                            await asyncio.sleep(1)
        assert not caplog.records
        assert not world.legs
        assert len(world.server._wire.transactions) == 0
        await check_alive(world)
    assert count > 1_000


def test_twenty_thousand_mutations_are_parsed_or_refused(seed: int) -> None:
    """That the server lives through some thousands of them is in test_server.py; `make fuzz` takes a million."""
    source = random.Random(seed)
    messages = all_messages()
    for number in range(20_000):
        try:
            parsed = parse_message(mutated(source.choice(messages), source))
            assert number % 5 or parse_message(serialise(parsed)) == parsed
        except MalformedMessage:
            continue


def phone_requests(number: int) -> Iterator[bytes]:
    """What a phone may begin, whole; `number` keeps one apart from another."""
    for method, more, body in (
        ("REGISTER", ["Expires: 300"], b""),
        ("INVITE", ["Content-Type: application/sdp", "Supported: timer, 100rel", "Session-Expires: 1800"], OFFER),
        ("SUBSCRIBE", ["Event: dialog", "Accept: application/dialog-info+xml", "Expires: 600"], b""),
        ("MESSAGE", ["Content-Type: text/plain;charset=UTF-8"], b"hello"),
        ("OPTIONS", ["Accept: application/sdp"], b""),
    ):
        user = "101" if method == "REGISTER" else "102"
        lines = [
            f"{method} sip:{user}@127.0.0.1:5060 SIP/2.0",
            f"Via: SIP/2.0/UDP 10.200.0.1:5060;rport;branch=z9hG4bKx{number}{method}",
            "Max-Forwards: 70",
            f"From: <sip:101@127.0.0.1>;tag=t{number}",
            f"To: <sip:{user}@127.0.0.1>",
            f"Call-ID: c{number}{method}",
            f"CSeq: {number} {method}",
            "Contact: <sip:101@10.200.0.1:5060>",
            *more,
            f"Content-Length: {len(body)}",
        ]
        yield "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def with_credentials(server: SipServer, data: bytes, plain: bytes) -> bytes:
    """The message with an Authorization that is right for it, whatever else is broken in it."""
    (challenge,) = (parse_message(each) for each in give(server, plain, PHONE))
    assert isinstance(challenge, Response)
    if challenge.status == 200:  # an OPTIONS, and a REGISTER before was good enough: the phone is known
        return data
    request = parse_message(plain)
    assert isinstance(request, Request)
    field = DigestClient("101", PASSWORD).answer(challenge, request.method, str(request.uri))
    assert field is not None
    start, _, rest = data.partition(b"\r\n")
    return start + b"\r\n" + f"{field[0]}: {field[1]}\r\n".encode() + rest


async def test_anomalies_of_a_phone_that_knows_its_password(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    """They meet the registrar, calls, lamps and messages: an answer or silence each, and no trace in the log."""
    source = random.Random(seed)
    world = SipWorld(on_leg=refuse)
    count = answered = 0
    async with world.server:
        with caplog.at_level(logging.ERROR):
            for kind, first in enumerate(phone_requests(0)):
                for place in range(len(fields_of(first))):
                    for anomaly in source.sample(ANOMALIES, 15):
                        count += 1
                        plain = list(phone_requests(count))[kind]
                        data = with_credentials(world.server, with_anomaly(plain, place, anomaly), plain)
                        answered += bool(give(world.server, data, PHONE))
                        await asyncio.sleep(0.05)
                await asyncio.sleep(60)
        assert count > 500
        # Nearly all, unless an anomaly signs the phone off: then it is a stranger whom the guard soon lets wait.
        assert answered > 50
        assert not [each for each in caplog.records if each.exc_info]
        await asyncio.sleep(700)
        assert len(world.server._wire.dialogs) == 0
        assert len(world.server._wire.transactions) == 0
        await check_alive(world)


def test_broken_descriptions_are_agreed_or_refused(seed: int) -> None:
    source = random.Random(seed)
    for _ in range(5_000):
        try:
            agree(parse_sdp(mutated(OFFER, source)))
        except MalformedMessage:
            continue
