"""Two offers at a time are one too many: each case of RFC 3311 section 5.2, and RFC 3261 section 14.2."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.sip.message import Request, Response
from gateway.telephony.leg import Leg, LegState
from tests.fakes.sip import SipWorld
from tests.fakes.sip_exchange import sip_exchange
from tests.fakes.sip_peer import Peer
from tests.sip.test_reliable import acknowledge, reliably, rung

REQUIRED = ("Require: 100rel",)


@asynccontextmanager
async def calling(
    *, offers: bool, extra: tuple[str, ...] = (), early: bool = False
) -> AsyncIterator[tuple[Leg, Peer, Response]]:
    """A phone whose call rings, and the first response that says so; `early`: it is spoken to already."""

    def on_leg(leg: Leg) -> None:
        if early:
            leg.open_early()
        else:
            leg.ring()

    world = SipWorld(on_leg=on_leg)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.invite("2001", extra=extra, body=None if offers else b"")
            await phone.response(100)
            progress = await phone.response(180, 183)
            yield world.legs[0], phone, progress
            world.legs[0].hangup()


def ask(phone: Peer, response: Response, method: str, number: int, *, body: bytes = b"") -> None:
    tag = response.recipient.tag
    phone.request(method, "2001", call_id=response.call_id, number=number, to_tag=tag, body=body)


async def next_of(phone: Peer, method: str) -> Response:
    """The next response to a request of that method; what is repeated of others is passed over."""
    while True:
        message = await phone.next()
        if isinstance(message, Response) and message.cseq.method == method:
            return message


async def is_told_when(phone: Peer, method: str) -> None:
    """500, and a Retry-After of 0 to 10 s."""
    refused = await next_of(phone, method)
    assert refused.status == 500
    assert 0 <= int(refused.headers.get("Retry-After") or -1) <= 10


@pytest.mark.parametrize(("extra", "early"), [((), False), ((), True), (REQUIRED, False), (REQUIRED, True)])
async def test_an_offer_while_we_owe_an_answer_is_500(extra: tuple[str, ...], early: bool) -> None:
    """An answer in a response that may be lost, or was not acknowledged yet, is none."""
    async with calling(offers=True, extra=extra, early=early) as (_, phone, progress):
        ask(phone, progress, "UPDATE", 3, body=phone.media.offer(way="sendonly"))
        await is_told_when(phone, "UPDATE")
        ask(phone, progress, "UPDATE", 4)
        assert (await next_of(phone, "UPDATE")).status == 200, "one that offers nothing may come at any time"
        ask(phone, progress, "INVITE", 5, body=phone.media.offer())
        await is_told_when(phone, "INVITE")


async def test_an_offer_after_our_reliable_answer_is_answered() -> None:
    async with calling(offers=True, extra=REQUIRED, early=True) as (leg, phone, progress):
        acknowledge(phone, progress, 3)
        assert (await next_of(phone, "PRACK")).status == 200
        ask(phone, progress, "UPDATE", 4, body=phone.media.offer(way="sendonly"))
        changed = await next_of(phone, "UPDATE")
        assert changed.status == 200
        assert b"a=recvonly" in changed.body
        leg.answer()
        answer = await next_of(phone, "INVITE")
        assert (answer.status, answer.body) == (200, b""), "nothing is left to be said"
        phone.ack("2001", answer)
        await asyncio.sleep(0.1)
        assert (leg.state, leg.on_hold) == (LegState.UP, True)


@pytest.mark.parametrize("extra", [(), REQUIRED])
async def test_an_offer_while_ours_waits_is_491(extra: tuple[str, ...]) -> None:
    """The INVITE brought no offer: it is for us to make one."""
    async with calling(offers=False, extra=extra) as (_, phone, progress):
        ask(phone, progress, "UPDATE", 3, body=phone.media.offer())
        assert (await next_of(phone, "UPDATE")).status == 491
        if extra:
            acknowledge(phone, progress, 4, body=phone.media.offer())
            assert (await next_of(phone, "PRACK")).status == 200
            ask(phone, progress, "UPDATE", 5, body=phone.media.offer(way="sendonly"))
            assert b"a=recvonly" in (await next_of(phone, "UPDATE")).body


async def test_an_offer_while_our_late_one_waits_for_the_ack_is_491() -> None:
    async with sip_exchange() as x:
        desk, store = await x.registered("101", "102")
        phone, _ = await x.talk(desk, store, "one")
        phone.ask("INVITE")
        answer = await desk.response(200)
        phone.ask("UPDATE", body=desk.media.offer(way="sendonly"))
        assert (await next_of(desk, "UPDATE")).status == 491
        phone.ask("UPDATE")
        assert (await next_of(desk, "UPDATE")).status == 200
        phone.acknowledge(answer, desk.media.offer())
        phone.ask("UPDATE", body=desk.media.offer(way="sendonly"))
        assert b"a=recvonly" in (await next_of(desk, "UPDATE")).body


# Where we have called.


def demand(store: Peer, invite: Request, method: str, number: int, *, body: bytes = b"") -> None:
    """A request of the called phone within the dialog."""
    store.send(
        "\n".join(
            [
                f"{method} {invite.contacts[0].uri} SIP/2.0",
                f"Via: SIP/2.0/UDP 127.0.0.1:{store.port};rport;branch={store.new_branch()}",
                "Max-Forwards: 70",
                f"From: {invite.headers.get('To')};tag=theirs",
                f"To: {invite.headers.get('From')}",
                f"Call-ID: {invite.call_id}",
                f"CSeq: {number} {method}",
                f"Contact: <sip:102@127.0.0.1:{store.port}>",
                *(["Content-Type: application/sdp"] if body else []),
            ]
        ),
        body,
    )


async def test_whom_we_call_offers_nothing_before_it_has_answered_ours() -> None:
    async with sip_exchange() as x:
        _, store, invite = await rung(x)
        store.respond(invite, 183, "Session Progress", body=store.media.offer())
        for number, method in ((1, "UPDATE"), (2, "INVITE")):
            demand(store, invite, method, number, body=store.media.offer())
            assert (await next_of(store, method)).status == 491
        demand(store, invite, "UPDATE", 3)
        assert (await next_of(store, "UPDATE")).status == 200
        store.respond(invite, 486, "Busy Here")
        await asyncio.sleep(0.1)


async def test_whom_we_call_may_change_what_it_has_answered_reliably() -> None:
    async with sip_exchange() as x:
        desk, store, invite = await rung(x)
        reliably(store, invite, 1, 183, store.media.offer())
        store.respond(await store.asked("PRACK"), 200, "OK")
        demand(store, invite, "UPDATE", 1, body=store.media.offer(way="sendonly"))
        assert b"a=recvonly" in (await next_of(store, "UPDATE")).body
        demand(store, invite, "INVITE", 2, body=store.media.offer())
        assert (await next_of(store, "INVITE")).status == 491, "our own INVITE is under way"
        store.respond(invite, 200, "OK")
        while (answer := await next_of(desk, "INVITE")).status != 200:
            pass
        desk.ack("102", answer)
        await asyncio.sleep(0.2)
        callee = x.switchboard.calls()[0].talking_to
        assert callee is not None
        assert (callee.state, callee.on_hold) == (LegState.UP, True)
        x.world.legs[0].hangup()
        await asyncio.sleep(0.1)
