"""Calls of phones: from the INVITE to the end, with the oddities of real callers."""

from __future__ import annotations

import asyncio

import pytest

from gateway.sip.message import Request
from gateway.telephony.causes import CAUSES, Cause
from gateway.telephony.leg import Leg, LegState
from tests.fakes.sip import SipWorld, answer_and_echo
from tests.fakes.sip_peer import Peer


async def test_a_call_is_answered_and_ended_by_the_caller() -> None:
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            answer = await phone.call("2001")
            leg = world.legs[0]
            await asyncio.sleep(0.1)
            assert (leg.peer, leg.called, leg.display_name, leg.state) == ("101", "2001", "Phone 101", LegState.UP)
            phone.request("BYE", "2001", call_id="call", number=3, to_tag=answer.recipient.tag)
            await phone.response(200)
            assert (leg.cause, leg.ended_by_peer) == (Cause.HUNG_UP, True)


async def test_a_call_is_ended_by_us() -> None:
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.call("2001")
            await asyncio.sleep(1)
            world.legs[0].hangup(Cause.TOO_LONG)
            bye = await phone.asked("BYE")
            assert bye.headers.get("Reason") == "Q.850;cause=102"
            assert bye.sender.tag != "mine"
            assert bye.recipient.tag == "mine"
            phone.respond(bye, 200, "OK")
            await asyncio.sleep(10)
            assert not phone.received


@pytest.mark.parametrize("cause", list(Cause))
async def test_a_refusal_says_why(cause: Cause) -> None:
    world = SipWorld(on_leg=lambda leg: leg.hangup(cause))
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.invite("2001")
            await phone.response(100)
            answer = await phone.response(CAUSES[cause].sip_status)
            assert answer.headers.get("Reason") == f"Q.850;cause={CAUSES[cause].q850}"
            phone.ack("2001", answer)


async def test_a_refusal_is_repeated_until_it_is_acknowledged() -> None:
    """RFC 3261 section 17.2.1, timers G and H."""
    world = SipWorld(on_leg=lambda leg: leg.hangup(Cause.BUSY))
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.invite("2001")
            await phone.response(100)
            await asyncio.sleep(60)
            assert [message.status for message in phone.received] == [486] * 11  # type: ignore[union-attr]  # else it fails


async def test_the_caller_cancels() -> None:
    world = SipWorld(on_leg=Leg.ring)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.invite("2001", branch="z9hG4bKcancelled")
            await phone.response(100)
            await phone.response(180)
            phone.request("CANCEL", "2001", call_id="call", number=2, branch="z9hG4bKcancelled")
            assert (await phone.response(200)).cseq.method == "CANCEL"
            answer = await phone.response(487)
            assert answer.cseq.method == "INVITE"
            phone.request(
                "ACK", "2001", call_id="call", number=2, branch="z9hG4bKcancelled", to_tag=answer.recipient.tag
            )
            assert world.legs[0].cause is Cause.CANCELLED
            await asyncio.sleep(40)
            assert not phone.received


async def test_a_cancel_that_comes_too_late_changes_nothing() -> None:
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.invite("2001", branch="z9hG4bKlate")
            await phone.response(100)
            await phone.response(180)
            answer = await phone.response(200)
            phone.request("CANCEL", "2001", call_id="call", number=2, branch="z9hG4bKlate")
            assert (await phone.response(200)).cseq.method == "CANCEL"
            phone.ack("2001", answer)
            await asyncio.sleep(0.1)
            assert world.legs[0].state is LegState.UP
            world.legs[0].hangup()
            phone.respond(await phone.asked("BYE"), 200, "OK")


async def test_a_repeated_invite_is_one_call() -> None:
    """T-S13: repeated while it rings, after the answer, and by another way (482)."""
    world = SipWorld(on_leg=Leg.ring)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.invite("2001", branch="z9hG4bKsame")
            await phone.response(100)
            await phone.response(180)
            for _ in range(3):
                phone.request(
                    "INVITE", "2001", call_id="call", number=2, branch="z9hG4bKsame", body=phone.media.offer()
                )
                await phone.response(180)
            assert len(world.legs) == 1
            uri = f"sip:2001@127.0.0.1:{world.server.addresses[0].port}"
            phone.request("INVITE", "2001", call_id="call", number=2, body=phone.media.offer())
            fields = (phone.authorization(await phone.response(401), "INVITE", uri),)
            phone.request("INVITE", "2001", call_id="call", number=2, body=phone.media.offer(), extra=fields)
            await phone.response(100)
            await phone.response(482)
            world.legs[0].answer()
            await phone.response(200)
            phone.request("INVITE", "2001", call_id="call", number=2, branch="z9hG4bKsame", body=phone.media.offer())
            assert len(world.legs) == 1
            world.legs[0].hangup()


async def test_without_an_ack_the_answer_is_repeated_and_then_the_call_ends() -> None:
    """X-N7: `no_ack` is ended by BYE after 32 s."""
    world = SipWorld(on_leg=lambda leg: leg.answer())
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.invite("2001")
            await phone.response(100)
            started = asyncio.get_running_loop().time()
            while not isinstance(message := await phone.next(within=40), Request):
                assert message.status == 200
            assert message.method == "BYE"
            assert asyncio.get_running_loop().time() - started == pytest.approx(32, abs=1)
            phone.respond(message, 200, "OK")
            assert world.legs[0].cause is Cause.NETWORK_LOST
            assert world.legs[0].state is LegState.ENDED


async def test_a_hang_up_waits_for_the_ack() -> None:
    """RFC 3261 section 15: no BYE before the ACK."""
    world = SipWorld(on_leg=lambda leg: leg.answer())
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.invite("2001")
            await phone.response(100)
            answer = await phone.response(200)
            world.legs[0].hangup()
            await asyncio.sleep(0.3)
            assert not phone.received
            phone.ack("2001", answer)
            phone.respond(await phone.asked("BYE"), 200, "OK")


@pytest.mark.parametrize(
    ("from_own_address", "number", "accepted"), [(True, 2, True), (False, 2, False), (True, 3, False)]
)
async def test_an_ack_with_a_strange_to_tag(from_own_address: bool, number: int, accepted: bool) -> None:
    """docs/decisions/lenient-ack.md: as pyVoIP 1.6.8 sends it, with the branch of the INVITE."""
    world = SipWorld(on_leg=lambda leg: leg.answer())
    async with world.server:
        with Peer(world.server.addresses[0]) as phone, Peer(world.server.addresses[0]) as other:
            await phone.invite("2001", branch="z9hG4bKreused")
            await phone.response(100)
            await phone.response(200)
            sender = phone if from_own_address else other
            for branch in ("z9hG4bKreused", "z9hG4bKnew"):
                sender.request("ACK", "2001", call_id="call", number=number, to_tag="invented", branch=branch)
            await asyncio.sleep(0.1)
            assert (world.legs[0].state is LegState.UP) == accepted
            world.legs[0].hangup()


@pytest.mark.parametrize("tags", [("wrong", "mine"), (None, "mine"), ("right", "wrong")])
async def test_a_stranger_cannot_end_a_call(tags: tuple[str | None, str]) -> None:
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            answer = await phone.call("2001")
            to_tag = answer.recipient.tag if tags[0] == "right" else tags[0]
            phone.request("BYE", "2001", call_id="call", number=3, to_tag=to_tag, from_tag=tags[1])
            await phone.response(481, 401)
            assert world.legs[0].state is LegState.UP
            world.legs[0].hangup()


@pytest.mark.parametrize(
    ("user", "extra", "body", "status"),
    [
        ("2001", ("Require: 100rel",), None, 0),
        ("2001", ("Require: timer, x-new",), None, 420),
        ("2001", ("Accept: text/plain",), None, 406),
        ("2001", (), b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 4 18\r\n", 488),
        ("2001", (), b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/SAVP 0\r\n", 488),
        ("2001", (), b"v=0\r\nm=audio 4000 RTP/AVP 0\r\n", 488),
        ("2001", (), b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio many RTP/AVP 0\r\n", 400),
        ("2001", (), b"nonsense", 400),
        ("%32001", (), None, 0),
        ("20%2001", (), None, 404),
        ("2001%3B;x=y", (), None, 404),
        ("2001%0D%0AX-Evil:%201", (), None, 404),
        ("1" * 41, (), None, 404),
        ("%D0%9F", (), None, 404),
        ("*101%23", (), None, 0),
        ("+79161234567", (), None, 0),
    ],
)
async def test_what_an_invite_must_be_like(user: str, extra: tuple[str, ...], body: bytes | None, status: int) -> None:
    """RFC 3261 section 8.2; status 0: it becomes a call."""
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.invite(user, extra=extra, body=body)
            await phone.response(100)
            if status:
                answer = await phone.response(status)
                phone.ack(user, answer)
                assert (status == 420) == ("Unsupported" in dict(answer.headers))
            assert len(world.legs) == (0 if status else 1)
            for leg in world.legs:
                leg.hangup()


async def test_an_unknown_body_is_415() -> None:
    world = SipWorld()
    async with world.server:
        server = world.server.addresses[0]
        with Peer(server) as phone:
            phone.request("INVITE", "2001", call_id="c", number=1)
            challenge = await phone.response(401)
            uri = f"sip:2001@127.0.0.1:{server.port}"
            phone.send(
                f"""INVITE {uri} SIP/2.0
                Via: SIP/2.0/UDP 127.0.0.1:{phone.port};branch=z9hG4bKb
                From: <sip:101@127.0.0.1>;tag=a
                To: <sip:2001@127.0.0.1>
                Call-ID: c
                CSeq: 2 INVITE
                Contact: <sip:101@127.0.0.1:{phone.port}>
                {phone.authorization(challenge, "INVITE", uri)}
                Content-Type: application/unknown""",
                b"<audio/>",
            )
            await phone.response(100)
            assert (await phone.response(415)).headers.get("Accept") == "application/sdp"


async def test_hold_and_resume_and_another_codec() -> None:
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            answer = await phone.call("2001")
            number = 3
            versions = [origin(answer.body)]
            for body, expected in [
                (phone.media.offer(way="sendonly"), "a=recvonly"),
                (phone.media.offer(way="inactive"), "a=inactive"),
                (phone.media.offer(host="0.0.0.0"), "a=recvonly"),
                (phone.media.offer(), "a=sendrecv"),
                (phone.media.offer(formats="8 96"), "m=audio"),
            ]:
                phone.request("INVITE", "2001", call_id="call", number=number, to_tag=answer.recipient.tag, body=body)
                changed = await phone.response(200)
                assert expected.encode() in changed.body
                phone.ack("2001", changed)
                versions.append(origin(changed.body))
                number += 1
            assert b"RTP/AVP 8 96\r\n" in changed.body
            assert len({version[1] for version in versions}) == 1
            numbers = [int(version[2]) for version in versions]
            assert numbers == sorted(numbers)
            assert numbers[1] == numbers[0] + 1
            phone.request(
                "UPDATE",
                "2001",
                call_id="call",
                number=number,
                to_tag=answer.recipient.tag,
                body=phone.media.offer(way="sendonly"),
            )
            assert b"a=recvonly" in (await phone.response(200)).body
            phone.request(
                "INVITE",
                "2001",
                call_id="call",
                number=number + 1,
                to_tag=answer.recipient.tag,
                body=b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 18\r\n",
            )
            await phone.response(488)
            assert world.legs[0].state is LegState.UP
            world.legs[0].hangup()


def origin(body: bytes) -> list[str]:
    return next(line for line in body.decode().splitlines() if line.startswith("o=")).split()


async def test_a_second_re_invite_before_the_ack_is_491() -> None:
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            answer = await phone.call("2001")
            for number, status in ((3, 200), (4, 491)):
                phone.request(
                    "INVITE",
                    "2001",
                    call_id="call",
                    number=number,
                    to_tag=answer.recipient.tag,
                    body=phone.media.offer(),
                )
                await phone.response(status)
            phone.request(
                "INVITE", "2001", call_id="call", number=2, to_tag=answer.recipient.tag, body=phone.media.offer()
            )
            await phone.response(500)  # older than what came before (section 12.2.2)
            world.legs[0].hangup()


async def test_an_invite_without_an_offer_gets_ours_and_its_ack_brings_the_answer() -> None:
    world = SipWorld(on_leg=lambda leg: leg.answer())
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.invite("2001", body=b"")
            await phone.response(100)
            answer = await phone.response(200)
            assert b"m=audio" in answer.body
            phone.ack("2001", answer, body=phone.media.offer())
            await asyncio.sleep(0.1)
            assert world.legs[0].state is LegState.UP
            world.legs[0].hangup()
            phone.respond(await phone.asked("BYE"), 200, "OK")


async def test_record_route_makes_the_way_of_our_bye() -> None:
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            route = f"<sip:127.0.0.1:{phone.port};lr>"
            extra = (f"Record-Route: {route}, <sip:10.9.8.7;lr>",)
            await phone.invite("2001", extra=extra)
            await phone.response(100)
            assert (await phone.response(180)).headers.values("Record-Route") == [route, "<sip:10.9.8.7;lr>"]
            answer = await phone.response(200)
            assert answer.headers.values("Record-Route") == [route, "<sip:10.9.8.7;lr>"]
            phone.ack("2001", answer)
            await asyncio.sleep(0.1)
            world.legs[0].hangup()
            bye = await phone.asked("BYE")
            assert bye.headers.values("Route") == [route, "<sip:10.9.8.7;lr>"]


@pytest.mark.parametrize(
    ("method", "status"),
    [("OPTIONS", 200), ("INFO", 200), ("NOTIFY", 405), ("MESSAGE", 405), ("FOO", 501)],
)
async def test_other_requests_within_a_call_are_answered(method: str, status: int) -> None:
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            answer = await phone.call("2001")
            phone.request(method, "2001", call_id="call", number=3, to_tag=answer.recipient.tag)
            reply = await phone.response(status)
            assert (reply.headers.get("Allow") is not None) == (status != 200 or method == "OPTIONS")
            world.legs[0].hangup()


@pytest.mark.parametrize(
    ("kind", "body"), [("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n"), ("application/dtmf", b"5")]
)
async def test_keys_come_by_info(kind: str, body: bytes) -> None:
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        server = world.server.addresses[0]
        with Peer(server) as phone:
            answer = await phone.call("2001")
            phone.send(
                f"""INFO sip:2001@127.0.0.1:{server.port} SIP/2.0
                Via: SIP/2.0/UDP 127.0.0.1:{phone.port};branch=z9hG4bKinfo
                From: <sip:101@127.0.0.1>;tag=mine
                To: <sip:2001@127.0.0.1>;tag={answer.recipient.tag}
                Call-ID: call
                CSeq: 3 INFO
                Content-Type: {kind}""",
                body,
            )
            await phone.response(200)
            assert await world.legs[0].next_key(within=1) == "5"
            world.legs[0].hangup()


async def test_a_silent_caller_is_ended_after_30_s_and_a_held_one_is_not() -> None:
    """T-F14, X-N5."""
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            answer = await phone.call("2001")
            started = asyncio.get_running_loop().time()
            body = phone.media.offer(way="sendonly")
            phone.request("INVITE", "2001", call_id="call", number=3, to_tag=answer.recipient.tag, body=body)
            phone.ack("2001", await phone.response(200))
            await asyncio.sleep(200)
            assert world.legs[0].state is LegState.UP
            phone.request(
                "INVITE", "2001", call_id="call", number=4, to_tag=answer.recipient.tag, body=phone.media.offer()
            )
            phone.ack("2001", await phone.response(200))
            started = asyncio.get_running_loop().time()
            await phone.asked("BYE", within=60)
            assert 29 <= asyncio.get_running_loop().time() - started <= 33
            assert world.legs[0].cause is Cause.NO_AUDIO


async def test_everything_is_given_back_after_a_call() -> None:
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            for number in range(5):
                answer = await phone.call("2001", call_id=f"call-{number}")
                phone.request("BYE", "2001", call_id=f"call-{number}", number=3, to_tag=answer.recipient.tag)
                await phone.response(200)
            await asyncio.sleep(60)
            assert len(world.server._wire.dialogs) == 0
            assert len(world.server._wire.transactions) == 0
            assert not world.server._arrivals
            assert not world.server._pacer._members
