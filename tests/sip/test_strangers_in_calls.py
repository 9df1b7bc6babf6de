"""Who knows the names of a call is not yet in it: requests from other addresses (docs/decisions/in-dialog.md)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.sip.message import Request, Response
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.shop import Shop, TrunkSettings
from tests.fakes.numbers import dialable
from tests.fakes.sip import SipWorld, answer_and_echo
from tests.fakes.sip_peer import Peer
from tests.fakes.sip_registrar import Provider, accepting

ELSEWHERE = "127.0.0.3"


@asynccontextmanager
async def talking(on_leg: Callable[[Leg], None] = answer_and_echo) -> AsyncIterator[tuple[SipWorld, Peer, Response]]:
    """A phone in a call, and the answer that it has got."""
    world = SipWorld(on_leg=on_leg)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.register(expires=3600)
            answer = await phone.call("2001")
            await asyncio.sleep(0.1)
            assert world.legs[0].state is LegState.UP
            yield world, phone, answer
            world.legs[0].hangup()
            await asyncio.sleep(0.1)


def ask(peer: Peer, method: str, answer: Response, number: int, *, extra: tuple[str, ...] = ()) -> None:
    """A request with the names of the call; what an INVITE offers is the sender's own."""
    names = {"call_id": answer.call_id, "to_tag": answer.recipient.tag, "from_tag": answer.sender.tag}
    body = peer.media.offer() if method in ("INVITE", "UPDATE") else b""
    peer.request(method, "2001", number=number, body=body, extra=extra, **names)  # type: ignore[arg-type]  # texts


@pytest.mark.parametrize("method", ["BYE", "INVITE", "UPDATE", "INFO", "REFER"])
async def test_a_third_address_is_asked_who_it_is(method: str) -> None:
    async with talking() as (world, phone, answer):
        with Peer(phone.server, host=ELSEWHERE) as stranger:
            ask(stranger, method, answer, 100, extra=("Refer-To: <sip:102@127.0.0.1>",))
            await stranger.response(401)
            await asyncio.sleep(1)
            (leg,) = world.legs
            assert leg.state is LegState.UP
            phone.media.send(bytes([7]) * 160)
            await asyncio.sleep(0.05)
            assert not stranger.media.heard, "not a word goes there"
            ask(phone, "INFO", answer, 3)
            assert (await phone.response(200)).cseq.number == 3, "the stranger's number counts for nothing"


async def test_a_phone_that_has_moved_proves_whose_it_is_and_goes_on_there() -> None:
    """From the wireless network of the shop to that of the flat above."""
    async with talking() as (world, phone, answer):
        with Peer(phone.server, host=ELSEWHERE) as moved:
            ask(moved, "INVITE", answer, 10)
            challenge = await moved.response(401)
            uri = f"sip:101@{phone.server}"
            ask(moved, "INVITE", answer, 11, extra=(moved.authorization(challenge, "INVITE", uri),))
            accepted = await moved.response(200)
            names = {"call_id": answer.call_id, "to_tag": answer.recipient.tag, "from_tag": answer.sender.tag}
            moved.request("ACK", "2001", number=accepted.cseq.number, **names)  # type: ignore[arg-type]  # texts
            moved.media.use_answer(accepted.body)
            assert moved.media.remote is not None
            moved.media.remote = (phone.server.host, moved.media.remote[1])
            for _ in range(3):
                moved.media.send(bytes([7]) * 160)
                await asyncio.sleep(0.02)
            assert moved.media.heard
            world.legs[0].hangup()
            await moved.asked("BYE")


async def test_a_phone_that_has_registered_elsewhere_is_not_asked_again() -> None:
    async with talking() as (world, phone, answer):
        with Peer(phone.server, host=ELSEWHERE) as moved:
            await moved.register(expires=3600)
            ask(moved, "BYE", answer, 10)
            await moved.response(200)
            assert world.legs[0].cause is Cause.HUNG_UP


async def test_the_password_of_another_phone_opens_no_call() -> None:
    async with talking() as (world, phone, answer):
        with Peer(phone.server, "102", host=ELSEWHERE) as other:
            ask(other, "BYE", answer, 10)
            challenge = await other.response(401)
            uri = f"sip:102@{phone.server}"
            ask(other, "BYE", answer, 11, extra=(other.authorization(challenge, "BYE", uri),))
            await other.response(481)
            assert world.legs[0].state is LegState.UP


async def test_a_nat_that_has_changed_the_port_is_no_stranger() -> None:
    async with talking() as (world, phone, answer):
        with Peer(phone.server) as same_host:
            ask(same_host, "BYE", answer, 10)
            await same_host.response(200)
            assert world.legs[0].cause is Cause.HUNG_UP


@pytest.mark.parametrize("wrong", ["call_id", "to_tag", "from_tag"])
async def test_every_name_must_be_right(wrong: str) -> None:
    async with talking() as (world, phone, answer):
        names = {"call_id": answer.call_id, "to_tag": answer.recipient.tag, "from_tag": answer.sender.tag}
        phone.request("BYE", "2001", number=10, **{**names, wrong: "guessed"})  # type: ignore[arg-type]  # texts
        await phone.response(481)
        assert world.legs[0].state is LegState.UP


async def test_a_stranger_cancels_nothing_and_acknowledges_nothing() -> None:
    world = SipWorld()
    async with world.server:
        server = world.server.addresses[0]
        with Peer(server) as phone, Peer(server, host=ELSEWHERE) as stranger:
            await phone.invite("2001", branch="z9hG4bKseen")
            await phone.response(100)
            host, port = server
            stranger.send(
                f"""CANCEL sip:2001@{host}:{port} SIP/2.0
                Via: SIP/2.0/UDP 127.0.0.1:{phone.port};rport;branch=z9hG4bKseen
                From: <sip:101@{host}>;tag=mine
                To: <sip:2001@{host}>
                Call-ID: call
                CSeq: 2 CANCEL"""
            )
            await stranger.response(481)
            (leg,) = world.legs
            assert leg.cause is None
            leg.answer()
            answer = await phone.response(200)
            stranger.ack("2001", answer)
            await asyncio.sleep(0.1)
            assert str(leg.state) != "up"
            phone.ack("2001", answer)
            await asyncio.sleep(0.1)
            assert leg.state is LegState.UP
            leg.hangup()


# Providers: no password of theirs is known to us.


def demand(sender: Provider, invite: Request, server: tuple[str, int], number: int) -> None:
    lines = [
        f"BYE {invite.contacts[0].uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {sender.address};rport;branch=z9hG4bKbye{number}",
        f"From: {invite.headers.get('To')};tag=provider",
        f"To: {invite.headers.get('From')}",
        f"Call-ID: {invite.call_id}",
        f"CSeq: {number} BYE",
    ]
    sender.send(lines, to=server)  # type: ignore[arg-type]  # an address


@pytest.mark.parametrize("is_named", [False, True])
async def test_a_provider_is_heard_from_its_own_hosts_and_those_that_it_has_named(is_named: bool) -> None:
    with Provider(accepting()) as provider, Provider(accepting(), host="127.0.0.9") as other:
        world = SipWorld()
        world.shop = Shop(trunks=(TrunkSettings(name="provider", host=provider.address),))
        async with world.server:
            await asyncio.sleep(1)
            trunk = world.server.trunks["provider"]
            leg = trunk.dial(dialable("+79035550001"), caller_id="", call_id="c", extension="101")
            invite = await provider.next_request("INVITE")
            route = (f"Record-Route: <sip:{other.address};lr>",) if is_named else ()
            contact = f"Contact: <sip:x@{provider.address}>"
            provider.respond(invite, 200, extra=(contact, *route), body=provider.media.offer())
            await asyncio.sleep(0.1)
            assert leg.state is LegState.UP
            other.calls.clear()
            demand(other, invite, world.server.addresses[0], 1)
            await other.next_response(200 if is_named else 481)
            assert (leg.cause is Cause.HUNG_UP) == is_named
            leg.hangup()
            await asyncio.sleep(0.1)
