"""Calls by a provider, both ways: who is let in, what is shown, who gets our credentials (T-S3, T-S6, T-S8)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from gateway.errors import NoFreeLine
from gateway.events import TrunkChanged
from gateway.sip.message import Request
from gateway.sip.place import Place
from gateway.sip.resolver import Naptr, Srv
from gateway.sip.transport import Address, Flow
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.shop import Shop, TrunkSettings
from tests.fakes.numbers import dialable
from tests.fakes.sip import SipWorld, answer_and_echo
from tests.fakes.sip_lossy import Link, LinkFlow
from tests.fakes.sip_peer import Peer, RtpSocket
from tests.fakes.sip_registrar import SHOP_PASSWORD, SHOP_USER, Provider, accepting, challenge, is_right

NUMBER = "+74951234567"
CUSTOMER = "+79035550001"


@asynccontextmanager
async def trunk(**settings: object) -> AsyncIterator[tuple[SipWorld, Provider]]:
    """A registered trunk."""
    with Provider(accepting()) as provider:
        world = SipWorld()
        given: dict[str, Any] = {"user": SHOP_USER, "password": SHOP_PASSWORD, "number": NUMBER, **settings}
        row = TrunkSettings(name="provider", host=provider.address, **given)
        world.shop = Shop(phones=world.shop.phones, trunks=(row,))
        async with world.server:
            await asyncio.sleep(2)
            yield world, provider
            for leg in world.legs:
                leg.hangup()


def dial(world: SipWorld, caller_id: str = "") -> Leg:
    return world.server.trunks["provider"].dial(dialable(CUSTOMER), caller_id=caller_id, call_id="c1", extension="101")


def bye(invite: Request, provider: Provider, *, tag: str) -> list[str]:
    return [
        f"BYE {invite.contacts[0].uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {provider.address};rport;branch=z9hG4bKbye",
        f"From: {invite.headers.get('To')};tag={tag}",
        f"To: {invite.headers.get('From')}",
        f"Call-ID: {invite.call_id}",
        "CSeq: 1 BYE",
    ]


async def test_a_call_leaves_with_the_trunks_number_and_answers_the_challenge() -> None:
    async with trunk() as (world, provider):
        leg = dial(world)
        assert (leg.line, leg.peer) == ("provider", CUSTOMER)
        invite = await provider.next_request("INVITE")
        host = provider.address
        assert str(invite.uri) == f"sip:{CUSTOMER}@{host}"
        assert str(invite.sender.uri) == f"sip:{NUMBER}@{host}"
        assert invite.headers.get("P-Asserted-Identity") == f"<sip:{NUMBER}@{host}>"
        assert str(invite.contacts[0].uri).startswith(f"sip:{SHOP_USER}@127.0.0.1")
        assert not invite.headers.all("Proxy-Authorization")
        provider.respond(invite, 407, extra=(challenge("call", field_name="Proxy"),))
        await provider.next_request("ACK")
        again = await provider.next_request("INVITE")
        assert is_right(again, "call", name="Proxy-Authorization")
        assert again.headers.get("P-Asserted-Identity") == f"<sip:{NUMBER}@{host}>"
        provider.respond(again, 180)
        await asyncio.sleep(0.1)
        assert str(leg.state) == "ringing"
        provider.respond(again, 200, extra=(f"Contact: <sip:{host}>",), body=provider.media.offer())
        await provider.next_request("ACK")
        assert leg.state is LegState.UP
        provider.send(bye(again, provider, tag="provider"))
        await provider.next_response(200)
        assert (leg.cause, leg.ended_by_peer) == (Cause.HUNG_UP, True)


async def test_a_wrong_password_for_the_call_is_tried_once() -> None:
    async with trunk() as (world, provider):
        leg = dial(world)
        for _ in range(2):
            invite = await provider.next_request("INVITE")
            provider.respond(invite, 401, extra=(challenge("call"),))
            await provider.next_request("ACK")
        await asyncio.sleep(5)
        assert leg.cause is Cause.UNAUTHORISED
        assert not provider.calls


async def test_credentials_go_nowhere_else() -> None:
    """T-S6: a BYE of ours that is challenged is not sent again with credentials, and neither is a moved call."""
    async with trunk() as (world, provider):
        leg = dial(world)
        invite = await provider.next_request("INVITE")
        provider.respond(invite, 200, extra=(f"Contact: <sip:{provider.address}>",), body=provider.media.offer())
        await provider.next_request("ACK")
        leg.hangup()
        provider.respond(await provider.next_request("BYE"), 401, extra=(challenge("bye"),))
        with Peer(world.server.addresses[0]) as elsewhere:
            second = dial(world)
            moved = await provider.next_request("INVITE")
            provider.respond(moved, 302, extra=(f"Contact: <sip:x@127.0.0.1:{elsewhere.port}>",))
            await provider.next_request("ACK")
            await asyncio.sleep(5)
            assert second.state is LegState.ENDED
            assert not elsewhere.received
        assert not provider.calls


@pytest.mark.parametrize(("status", "cause"), [(486, Cause.BUSY), (404, Cause.NO_SUCH_NUMBER), (503, Cause.CONGESTION)])
async def test_a_refusal_is_a_cause(status: int, cause: Cause) -> None:
    async with trunk() as (world, provider):
        leg = dial(world)
        provider.respond(await provider.next_request("INVITE"), status)
        await provider.next_request("ACK")
        assert leg.cause is cause


async def test_a_trunk_that_is_not_registered_carries_nothing() -> None:
    async with trunk(password="wrong") as (world, provider):
        assert not world.server.trunks["provider"].is_usable
        with pytest.raises(NoFreeLine):
            dial(world)
        assert not provider.calls


async def test_a_trunk_without_an_account_is_used_by_its_address() -> None:
    async with trunk(user=None, password=None) as (world, provider):
        assert [each.state for each in world.events if isinstance(each, TrunkChanged)] == ["ready"]
        leg = dial(world)
        provider.respond(await provider.next_request("INVITE"), 401, extra=(challenge("call"),))
        await provider.next_request("ACK")
        await asyncio.sleep(1)
        assert leg.cause is Cause.UNAUTHORISED
        assert not provider.calls
        assert not provider.registers


async def test_media_from_another_host_than_the_proxy() -> None:
    """T-S8: the legitimate case; the proxy itself hears nothing of it."""
    async with trunk() as (world, provider):
        media = RtpSocket("127.0.0.77")
        leg = dial(world)
        invite = await provider.next_request("INVITE")
        media.use_answer(invite.body)
        assert media.remote is not None
        media.remote = ("127.0.0.1", media.remote[1])
        leg.port.hear(leg.port)
        provider.respond(invite, 200, extra=(f"Contact: <sip:{provider.address}>",), body=media.offer())
        await provider.next_request("ACK")
        for _ in range(20):
            media.send_frame(np.full(160, 4000, np.int16))
            await asyncio.sleep(0.02)
        assert len(media.heard) >= 18
        assert not provider.media.heard
        leg.hangup()
        media.close()


# Calls that come in.


def invite_lines(
    world: SipWorld, provider: Provider, called: str, *, to: str = "", extra: tuple[str, ...] = ()
) -> list[str]:
    host, port = world.server.addresses[0]
    return [
        f"INVITE sip:{called}@{host}:{port} SIP/2.0",
        f"Via: SIP/2.0/UDP {provider.address};rport;branch=z9hG4bK{called}{len(provider.asked)}",
        "Max-Forwards: 70",
        f'From: "Anna" <sip:89035550001@{provider.host}>;tag=customer',
        f"To: <sip:{to or called}@{host}>",
        f"Call-ID: call-{called}",
        "CSeq: 1 INVITE",
        f"Contact: <sip:{provider.address}>",
        "Content-Type: application/sdp",
        *extra,
    ]


@pytest.mark.parametrize(
    ("called", "to"),
    [(NUMBER, ""), (SHOP_USER, ""), ("74951234567", ""), ("84951234567", ""), ("s", NUMBER), ("s", SHOP_USER)],
)
async def test_a_customer_calls(called: str, to: str) -> None:
    async with trunk() as (world, provider):
        world.on_leg = answer_and_echo
        provider.send(invite_lines(world, provider, called, to=to), provider.media.offer(), world.server.addresses[0])
        await provider.next_response(100)
        await provider.next_response(180)
        answer = await provider.next_response(200)
        (leg,) = world.legs
        assert (leg.line, leg.called, leg.peer, leg.display_name) == ("provider", NUMBER, CUSTOMER, "Anna")
        ack = [line.replace("INVITE", "ACK") for line in invite_lines(world, provider, called)]
        ack[4] = f"To: {answer.headers.get('To')}"
        provider.send([line for line in ack if not line.startswith("Content-Type")])
        await asyncio.sleep(0.1)
        assert leg.state is LegState.UP


@pytest.mark.parametrize(
    ("extra", "peer"),
    [
        (("P-Asserted-Identity: <tel:+79161112233>",), "+79161112233"),
        (("P-Asserted-Identity: broken <", "P-Asserted-Identity: <sip:+79161112233@x>"), "+79161112233"),
        (("P-Asserted-Identity: <sip:+79161112233@x>", "Privacy: id"), ""),
    ],
)
async def test_the_provider_vouches_for_the_caller(extra: tuple[str, ...], peer: str) -> None:
    async with trunk() as (world, provider):
        lines = invite_lines(world, provider, NUMBER, extra=extra)
        provider.send(lines, provider.media.offer(), world.server.addresses[0])
        await provider.next_response(100)
        assert world.legs[0].peer == peer


async def test_a_call_for_somebody_else_is_challenged() -> None:
    """T-S3: the provider may reach the shop's number, and nothing else; not a number outside, not an extension."""
    async with trunk() as (world, provider):
        for called in ("+79161234567", "101", "2001", "shop2", "sho"):
            provider.send(invite_lines(world, provider, called), provider.media.offer(), world.server.addresses[0])
            await provider.next_response(401)
        assert not world.legs


async def test_a_stranger_who_names_the_trunk_is_challenged() -> None:
    """T-S3, from a spoofed trunk From: another port of loopback, and other hosts."""
    async with trunk() as (world, provider):
        with Peer(world.server.addresses[0]) as stranger:
            provider.port, real = stranger.port, provider.port
            lines = invite_lines(world, provider, NUMBER)
            provider.port = real
            stranger.send("\n".join(lines), provider.media.offer())
            await stranger.response(401)
        link = Link()
        text = "\r\n".join([*lines, "Content-Length: 0"]) + "\r\n\r\n"
        flow = LinkFlow(link, world.server.addresses[0], Address("192.168.1.66", provider.port))
        world.server.receive(text.encode(), flow)
        assert [each.split()[1] for each in link.sent] == [b"401"]
        assert not world.legs


async def test_a_provider_on_the_internet_is_heard_from_any_port_and_its_neighbour_is_not(refusals: list[str]) -> None:
    """T-S14: everybody else who is not on a private network gets silence."""
    world = SipWorld()
    world.shop = Shop(trunks=(TrunkSettings(name="provider", host="203.0.113.5", number=NUMBER),))
    async with world.server:
        await asyncio.sleep(1)
        place = Provider(accepting())
        with place:
            lines = [*invite_lines(world, place, NUMBER), "Content-Length: 0"]
        data = ("\r\n".join(line for line in lines if "Content-Type" not in line) + "\r\n\r\n").encode()
        ours = world.server.addresses[0]
        for host, answers in (("203.0.113.6", 0), ("203.0.113.5", 1)):
            link = Link()
            world.server.receive(data, LinkFlow(link, ours, Address(host, 40000)))
            assert len(link.sent) == answers
        (leg,) = world.legs
        assert leg.line == "provider"
        leg.hangup()
    refusals.clear()  # the kernel was asked for the way to the provider; nothing is sent for that


# Where the provider is.


class Names:
    """A DNS that does what the test says."""

    def __init__(self) -> None:
        self.found: list[str] | None = ["10.0.0.1", "10.0.0.2"]
        self.records: dict[str, list[Srv]] = {}
        self.pointers: list[Naptr] = []
        self.delay_seconds = 0.0

    async def addresses(self, host: str) -> list[str]:
        await asyncio.sleep(self.delay_seconds)
        if self.found is None:
            raise OSError("no such name")
        return self.found

    async def srv(self, name: str) -> list[Srv]:
        return self.records.get(name, [])

    async def naptr(self, host: str) -> list[Naptr]:
        return self.pointers


def flow_to(remote: Address) -> Flow:
    return LinkFlow(Link(), Address("10.0.0.9", 5060), remote)


async def test_what_dns_said_last_stays_good_for_a_day() -> None:
    """X-N2: a failing DNS and a silent one; a changed address is taken over."""
    names = Names()
    place = Place("sip.example.net:5080", flow_to, names)
    assert not place.hosts
    await place.look_up()
    assert place.flow is not None
    assert place.flow.remote == Address("10.0.0.1", 5080)
    names.found = None
    await place.look_up()
    assert list(place.hosts) == ["10.0.0.1", "10.0.0.2"]
    names.delay_seconds = 30
    before = asyncio.get_running_loop().time()
    await place.look_up()
    assert asyncio.get_running_loop().time() - before < 5.1
    assert list(place.hosts) == ["10.0.0.1", "10.0.0.2"]
    place.has_failed()
    assert next(iter(place.hosts)) == "10.0.0.2", "the next address is tried"
    names.found, names.delay_seconds = ["10.0.0.2", "10.0.0.1"], 0
    await place.look_up()
    assert next(iter(place.hosts)) == "10.0.0.2"
    names.found = ["10.0.0.7"]
    await place.look_up()
    assert list(place.hosts) == ["10.0.0.7"]
    names.found = None
    await asyncio.sleep(86_401)
    await place.look_up()
    assert place.flow is None


async def test_a_first_look_up_may_take_its_time() -> None:
    names = Names()
    names.delay_seconds = 30
    place = Place("sip.example.net", flow_to, names)
    await place.look_up()
    assert place.flow is not None
    assert place.flow.remote == Address("10.0.0.1", 5060)


async def test_a_name_that_is_not_found_is_said_and_tried_again() -> None:
    names = Names()
    names.found = None
    world = SipWorld()
    with Provider(accepting()) as provider:
        host = f"sip.example.net:{provider.port}"
        row = TrunkSettings(name="provider", host=host, user=SHOP_USER, password=SHOP_PASSWORD)
        world.shop = Shop(trunks=(row,))
        world.server = world.new_server(names=names)
        async with world.server:
            await asyncio.sleep(30)
            changes = [(each.state, each.reason) for each in world.events if isinstance(each, TrunkChanged)]
            assert changes == [("failed", "no-address")]
            names.found = ["127.0.0.1"]
            await asyncio.sleep(120)
            changes = [(each.state, each.reason) for each in world.events if isinstance(each, TrunkChanged)]
            assert changes[-1] == ("ready", None)
