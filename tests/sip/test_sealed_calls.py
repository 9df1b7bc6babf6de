"""Calls with sealed media, from INVITE to BYE: what is answered, what is refused, and what no log may hold."""

from __future__ import annotations

import asyncio
import base64
import logging
import struct
from dataclasses import replace

import pytest

from gateway.audio.codec import Codec
from gateway.audio.frame import Frame
from gateway.sip.rtp_port import RtpPort
from gateway.sip.sdp import parse_sdp
from gateway.sip.sealed_packets import SecurePackets
from gateway.sip.srtp import Suite, new_key
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.line import Caller
from gateway.telephony.shop import Srtp
from tests.fakes.sip import SipWorld
from tests.fakes.sip_peer import Peer
from tests.sip.test_trunk import dial, trunk


def world_with(srtp: Srtp, codecs: tuple[Codec, ...] = ()) -> SipWorld:
    world = SipWorld(on_leg=lambda leg: leg.answer())
    phones = tuple(replace(phone, srtp=srtp, codecs=codecs) for phone in world.shop.phones)
    world.shop = replace(world.shop, phones=phones)
    return world


def offer(phone: Peer, key: bytes, *, profile: str = "RTP/SAVP", suite: str = "AES_CM_128_HMAC_SHA1_80") -> bytes:
    crypto = f"a=crypto:4 {suite} inline:{base64.b64encode(key).decode()}\r\n" if key else ""
    return (
        f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        f"m=audio {phone.media.port} {profile} 8\r\n{crypto}"
    ).encode()


def keys_of(answer: bytes, theirs: bytes) -> tuple[bytes, SecurePackets]:
    """Our key as the phone reads it, and the phone's side of the sealing."""
    (line,) = parse_sdp(answer).media[0].crypto
    return line.key, SecurePackets(line.suite, theirs, line.key)


def packet(index: int) -> bytes:
    return struct.pack(">BBHII", 0x80, 8, index, 160 * index, 7) + bytes([0x55]) * 160


def listening(leg: Leg) -> list[Frame]:
    heard: list[Frame] = []
    leg.port.listen(lambda frame, position: heard.append(frame))
    return heard


@pytest.mark.parametrize("suite", Suite)
async def test_a_call_is_sealed_both_ways_and_a_new_key_is_taken(
    suite: Suite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world = world_with(Srtp.REQUIRED)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            key = new_key()
            answer = await phone.call("2001", body=offer(phone, key, suite=suite))
            ours, sealing = keys_of(answer.body, key)
            (leg,) = world.legs
            assert isinstance(leg.port, RtpPort)
            assert leg.port.is_sealed
            heard = listening(leg)
            leg.port.hear(leg.port)
            for index in range(10):
                phone.media.send_raw(sealing.seal(packet(index)) or b"")
                await asyncio.sleep(0.02)
            assert len(heard) == 10
            assert phone.media.raw
            assert all(sealing.open(each) is not None for each in phone.media.raw)
            # The phone changes its key in mid-call; ours stays, and goes on counting.
            other = new_key()
            body = offer(phone, other, suite=suite)
            phone.request("INVITE", "2001", call_id="call", number=3, to_tag=answer.recipient.tag, body=body)
            again = await phone.response(200)
            phone.ack("2001", again)
            same, second = keys_of(again.body, other)
            assert same == ours
            phone.media.raw.clear()
            for index in range(10, 20):
                phone.media.send_raw(sealing.seal(packet(index)) or b"")
                phone.media.send_raw(second.seal(packet(index)) or b"")
                await asyncio.sleep(0.02)
            assert len(heard) == 20
            assert leg.port.counters.refused == 10
            leg.hangup()
            await asyncio.sleep(0.1)
    for secret in (key, other, ours):
        assert base64.b64encode(secret).decode() not in caplog.text
        assert repr(secret) not in caplog.text


@pytest.mark.parametrize(
    ("srtp", "profile", "has_key", "status"),
    [
        (Srtp.OFF, "RTP/SAVP", True, 488),
        (Srtp.OFF, "RTP/AVP", True, 200),
        (Srtp.PREFERRED, "RTP/SAVP", True, 200),
        (Srtp.PREFERRED, "RTP/AVP", False, 200),
        (Srtp.PREFERRED, "RTP/SAVP", False, 488),
        (Srtp.REQUIRED, "RTP/AVP", False, 488),
        (Srtp.REQUIRED, "RTP/SAVP", False, 488),
        (Srtp.REQUIRED, "RTP/AVP", True, 200),
    ],
)
async def test_which_offers_are_taken(srtp: Srtp, profile: str, has_key: bool, status: int) -> None:
    world = world_with(srtp)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            key = new_key() if has_key else b""
            await phone.invite("2001", body=offer(phone, key, profile=profile))
            await phone.response(100)
            answer = await phone.response(status)
            phone.ack("2001", answer)
            if status == 200:
                media = parse_sdp(answer.body).media[0]
                assert media.protocol == profile
                assert bool(media.crypto) == (has_key and srtp is not Srtp.OFF)
                world.legs[0].hangup()
            else:
                assert not world.legs


async def test_wrong_keys_are_silence_and_the_call_ends_as_by_silence() -> None:
    world = world_with(Srtp.REQUIRED)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.call("2001", body=offer(phone, new_key()))
            (leg,) = world.legs
            heard = listening(leg)
            wrong = SecurePackets(Suite.SHA1_80, new_key(), new_key())
            for index in range(1_600):
                phone.media.send_raw(wrong.seal(packet(index)) or b"")
                await asyncio.sleep(0.02)
            assert not heard
            assert leg.cause is Cause.NO_AUDIO
            assert leg.port.counters.refused >= 1_490


@pytest.mark.parametrize(
    ("srtp", "profile", "has_line"),
    [(Srtp.OFF, "RTP/AVP", False), (Srtp.PREFERRED, "RTP/AVP", True), (Srtp.REQUIRED, "RTP/SAVP", True)],
)
@pytest.mark.parametrize("answers_sealed", [False, True])
async def test_what_is_offered_to_a_phone_and_what_its_answer_makes_of_it(
    srtp: Srtp, profile: str, has_line: bool, answers_sealed: bool
) -> None:
    world = world_with(srtp, (Codec.PCMA,))
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.register()
            leg = world.server.phones.dial("101", caller=Caller(number="102"))
            invite = await phone.asked("INVITE")
            (media,) = parse_sdp(invite.body).media
            assert (media.protocol, bool(media.crypto)) == (profile, has_line)
            key = new_key() if answers_sealed else b""
            phone.respond(invite, 200, "OK", body=offer(phone, key, profile=profile))
            await phone.asked("ACK")
            await asyncio.sleep(0.1)
            if srtp is Srtp.REQUIRED and not answers_sealed:
                assert leg.cause is Cause.NO_COMMON_CODEC
                return
            assert leg.state is LegState.UP
            assert isinstance(leg.port, RtpPort)
            assert leg.port.is_sealed == (answers_sealed and srtp is not Srtp.OFF)
            leg.hangup()
            await phone.asked("BYE")


async def test_a_phone_that_demands_sealing_and_sees_no_keys_beside_plain_rtp_is_asked_again() -> None:
    world = world_with(Srtp.PREFERRED, (Codec.PCMA,))
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.register()
            leg = world.server.phones.dial("101", caller=Caller(number="102"))
            invite = await phone.asked("INVITE")
            phone.respond(invite, 488, "Not Acceptable Here")
            await phone.asked("ACK")
            again = await phone.asked("INVITE")
            assert again.cseq.number == invite.cseq.number + 1
            assert parse_sdp(again.body).media[0].protocol == "RTP/SAVP"
            phone.respond(again, 200, "OK", body=offer(phone, new_key()))
            await phone.asked("ACK")
            await asyncio.sleep(0.1)
            assert leg.state is LegState.UP
            leg.hangup()
            phone.respond(await phone.asked("BYE"), 200, "OK")
            # A second refusal is one.
            leg = world.server.phones.dial("101", caller=Caller(number="102"))
            for _ in range(2):
                phone.respond(await phone.asked("INVITE"), 488, "Not Acceptable Here")
                await phone.asked("ACK")
            await asyncio.sleep(0.1)
            assert leg.cause is Cause.NO_COMMON_CODEC


async def test_a_late_offer_of_ours_is_as_secret_as_the_owner_wants() -> None:
    """An INVITE without a body: our offer is in the 200, and a plain answer in the ACK ends the call."""
    world = world_with(Srtp.REQUIRED)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.invite("2001", body=b"")
            await phone.response(100)
            answer = await phone.response(200)
            (media,) = parse_sdp(answer.body).media
            assert (media.protocol, len(media.crypto)) == ("RTP/SAVP", 1)
            phone.ack("2001", answer, body=offer(phone, b"", profile="RTP/AVP"))
            await asyncio.sleep(0.1)
            assert world.legs[0].cause is Cause.NO_COMMON_CODEC


@pytest.mark.parametrize(
    ("settings", "formats", "profile"),
    [
        ({}, "8 0 101", "RTP/AVP"),
        ({"srtp": Srtp.REQUIRED}, "8 0 101", "RTP/SAVP"),
        ({"codecs": (Codec.G722, Codec.PCMU)}, "9 0 101", "RTP/AVP"),
        ({"codecs": (Codec.OPUS, Codec.PCMA), "srtp": Srtp.PREFERRED}, "107 8 101 102", "RTP/AVP"),
    ],
)
async def test_a_provider_is_offered_what_the_owner_says(
    settings: dict[str, object], formats: str, profile: str
) -> None:
    async with trunk(**settings) as (world, provider):
        leg = dial(world)
        invite = await provider.next_request("INVITE")
        (media,) = parse_sdp(invite.body).media
        assert (media.raw_formats.strip(), media.protocol) == (formats, profile)
        assert bool(media.crypto) == ("srtp" in settings)
        leg.hangup()


@pytest.mark.parametrize("srtp", [Srtp.PREFERRED, Srtp.REQUIRED])
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
async def test_nobody_opens_in_mid_call_what_was_sealed(srtp: Srtp, method: str) -> None:
    world = world_with(srtp)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            key = new_key()
            answer = await phone.call("2001", body=offer(phone, key))
            _, sealing = keys_of(answer.body, key)
            (leg,) = world.legs
            heard = listening(leg)
            tag = answer.recipient.tag
            clear = offer(phone, b"", profile="RTP/AVP")
            phone.request(method, "2001", call_id="call", number=3, to_tag=tag, body=clear)
            refused = await phone.response(488)
            if method == "INVITE":
                phone.ack("2001", refused)
            assert isinstance(leg.port, RtpPort)
            assert leg.port.is_sealed
            phone.media.send_raw(packet(0))
            phone.media.send_raw(sealing.seal(packet(1)) or b"")
            await asyncio.sleep(0.05)
            assert (len(heard), leg.port.counters.refused, leg.state) == (1, 1, LegState.UP)
            leg.hangup()
            await asyncio.sleep(0.1)


async def test_an_answer_in_the_clear_to_our_own_offer_changes_nothing() -> None:
    """The phone asks for our offer, which brings a key beside plain RTP, and passes the key over."""
    world = world_with(Srtp.PREFERRED)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            key = new_key()
            answer = await phone.call("2001", body=offer(phone, key))
            _, sealing = keys_of(answer.body, key)
            (leg,) = world.legs
            heard = listening(leg)
            phone.request("INVITE", "2001", call_id="call", number=3, to_tag=answer.recipient.tag)
            ours = await phone.response(200)
            phone.ack("2001", ours, body=offer(phone, b"", profile="RTP/AVP"))
            phone.media.send_raw(sealing.seal(packet(1)) or b"")
            await asyncio.sleep(0.05)
            assert isinstance(leg.port, RtpPort)
            assert (leg.port.is_sealed, len(heard), leg.state) == (True, 1, LegState.UP)
            leg.hangup()
            await asyncio.sleep(0.1)
