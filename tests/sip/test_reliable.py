"""Provisional responses that must not be lost (RFC 3262), and audio before the answer, on both sides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.audio.frame import SILENCE
from gateway.audio.g711 import Law, encode
from gateway.sip.message import Request, Response
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg, LegState
from tests.fakes.sip import SipWorld
from tests.fakes.sip_exchange import OUTSIDE, SipExchange, sip_exchange, take
from tests.fakes.sip_peer import Peer

REQUIRED = ("Require: 100rel",)
SUPPORTED = ("Supported: 100rel",)
FRAME = SILENCE + 1_000
SPOKEN = encode(FRAME, Law.ULAW)


def acknowledge(phone: Peer, response: Response, number: int, *, rack: str = "", body: bytes = b"") -> None:
    rack = rack or f"{response.headers.get('RSeq')} {response.cseq}"
    phone.request(
        "PRACK",
        "2001",
        call_id=response.call_id,
        number=number,
        to_tag=response.recipient.tag,
        extra=(f"RAck: {rack}",),
        body=body,
    )


def ring_then(action: str) -> SipWorld:
    """A gateway that rings, and on the test's order does more."""

    def on_leg(leg: Leg) -> None:
        leg.ring()
        if action == "answer":
            leg.answer()

    return SipWorld(on_leg=on_leg)


@asynccontextmanager
async def called(fields: tuple[str, ...], action: str = "") -> AsyncIterator[tuple[SipWorld, Peer]]:
    """A phone whose INVITE with those fields has got its 100."""
    world = ring_then(action)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.invite("2001", extra=fields)
            await phone.response(100)
            yield world, phone


async def test_180_is_repeated_until_its_prack_comes() -> None:
    async with called(REQUIRED) as (world, phone):
        ringing = await phone.response(180)
        assert ringing.headers.get("Require") == "100rel"
        await asyncio.sleep(3.6)
        assert [message.headers.get("RSeq") for message in phone.received] == [ringing.headers.get("RSeq")] * 3
        phone.received.clear()
        acknowledge(phone, ringing, 3, rack=f"1 {ringing.cseq}")
        await phone.response(481)
        acknowledge(phone, ringing, 4, rack="nonsense")
        await phone.response(481)
        acknowledge(phone, ringing, 5)
        await phone.response(200)
        await asyncio.sleep(30)
        assert not phone.received
        acknowledge(phone, ringing, 6)
        await phone.response(481)
        world.legs[0].hangup()


@pytest.mark.parametrize("fields", [(), ("Supported: timer",)])
async def test_who_does_not_know_it_gets_ordinary_responses(fields: tuple[str, ...]) -> None:
    async with called(fields) as (world, phone):
        ringing = await phone.response(180)
        assert ringing.headers.get("RSeq") is None
        await asyncio.sleep(5)
        assert not phone.received
        world.legs[0].hangup()


async def test_without_a_prack_the_call_is_refused() -> None:
    async with called(SUPPORTED) as (world, phone):
        await phone.response(180)
        await asyncio.sleep(31)
        assert [leg.cause for leg in world.legs] == [None]
        await asyncio.sleep(2)
        assert [leg.cause for leg in world.legs] == [Cause.NETWORK_LOST]
        assert {message.status for message in phone.received} == {180, 504}  # type: ignore[union-attr]  # else it fails


async def test_an_answer_does_not_wait_for_the_prack_of_a_180() -> None:
    async with called(SUPPORTED, "answer") as (world, phone):
        await phone.response(180)
        answer = await phone.response(200)
        phone.ack("2001", answer)
        await asyncio.sleep(5)
        assert not phone.received
        world.legs[0].hangup()
        await phone.asked("BYE")


async def test_an_answer_waits_for_the_prack_of_a_description() -> None:
    """Section 3: a 2xx may not overtake it."""
    opened: list[bool] = []
    world = SipWorld(on_leg=lambda leg: opened.append(leg.open_early()))
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.invite("2001", extra=SUPPORTED)
            await phone.response(100)
            early = await phone.response(183)
            assert b"m=audio" in early.body
            world.legs[0].answer()
            await asyncio.sleep(0.4)
            assert not phone.received
            acknowledge(phone, early, 3)
            assert (await phone.response(200)).cseq.method == "PRACK"
            answer = await phone.response(200)
            assert answer.cseq.method == "INVITE"
            phone.ack("2001", answer)
            await asyncio.sleep(0.1)
            assert world.legs[0].state is LegState.UP
            world.legs[0].hangup()
            await phone.asked("BYE")


async def test_an_invite_without_an_offer_gets_ours_in_the_first_response_and_the_answer_in_its_prack() -> None:
    """RFC 3262 section 5."""
    world = ring_then("")
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.invite("2001", extra=REQUIRED, body=b"")
            await phone.response(100)
            ringing = await phone.response(180)
            assert b"m=audio" in ringing.body
            acknowledge(phone, ringing, 3, body=phone.media.offer("0 96"))
            await phone.response(200)
            world.legs[0].answer()
            answer = await phone.response(200)
            assert answer.body == b"", "all is agreed"
            phone.ack("2001", answer)
            phone.media.use_answer(ringing.body)
            await asyncio.sleep(0.1)
            leg = world.legs[0]
            assert leg.state is LegState.UP
            leg.port.hear(leg.port)
            phone.media.send_frame(FRAME)
            await asyncio.sleep(0.04)
            assert phone.media.heard[-1].payload == SPOKEN
            leg.hangup()
            await phone.asked("BYE")


async def test_responses_go_out_one_after_the_other() -> None:
    """Section 3: the next one only after the PRACK of the one before."""
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.invite("2001", extra=REQUIRED)
            await phone.response(100)
            world.legs[0].ring()
            ringing = await phone.response(180)
            leg = world.legs[0]
            leg.open_early()
            await asyncio.sleep(0.2)
            assert not phone.received
            acknowledge(phone, ringing, 3)
            assert (await phone.response(200)).cseq.method == "PRACK"
            early = await phone.response(183)
            assert int(early.headers.get("RSeq") or 0) == int(ringing.headers.get("RSeq") or 0) + 1
            leg.hangup()
            assert (await phone.response(480)).status == 480
            await asyncio.sleep(5)
            assert {message.status for message in phone.received} <= {480}  # type: ignore[union-attr]  # else it fails


# From the side that calls.


async def rung(x: SipExchange) -> tuple[Peer, Peer, Request]:
    """101 calls 102, which has our INVITE."""
    desk, store = await x.registered("101", "102")
    await x.call(desk, "102", "one")
    return desk, store, await store.asked("INVITE")


def reliably(store: Peer, invite: Request, number: int, status: int = 180, body: bytes = b"") -> None:
    store.respond(invite, status, "Progress", body=body, extra=("Require: 100rel", f"RSeq: {number}"))


async def test_a_reliable_response_is_acknowledged_once_and_in_its_turn() -> None:
    async with sip_exchange() as x:
        desk, store, invite = await rung(x)
        reliably(store, invite, 7)
        prack = await store.asked("PRACK")
        assert prack.headers.get("RAck") == f"7 {invite.cseq.number} INVITE"
        assert (prack.recipient.tag, prack.cseq.number) == ("theirs", invite.cseq.number + 1)
        store.respond(prack, 200, "OK")
        reliably(store, invite, 7)
        reliably(store, invite, 9)
        await asyncio.sleep(0.1)
        assert not store.received
        reliably(store, invite, 8, 183, store.media.offer())
        prack = await store.asked("PRACK")
        assert prack.cseq.number == invite.cseq.number + 2
        store.respond(prack, 200, "OK")
        store.respond(invite, 200, "OK")
        ack = await store.asked("ACK")
        assert ack.cseq.number == invite.cseq.number
        answer = await desk.response(180, 183, 200)
        while answer.status != 200:
            answer = await desk.response(180, 183, 200)
        desk.ack("102", answer)
        await asyncio.sleep(0.1)
        assert x.world.legs[0].state is LegState.UP, "its 200 said nothing new: all was agreed by the 183"
        x.world.legs[0].hangup()
        await asyncio.sleep(0.1)
        byes = [m for m in take(store) if isinstance(m, Request)]
        assert [(m.method, m.cseq.number) for m in byes] == [("BYE", invite.cseq.number + 3)]


async def test_a_late_answer_is_ended_with_a_number_that_the_phone_accepts() -> None:
    """The CANCEL crosses the 200: the BYE comes after the PRACK in the same dialog."""
    async with sip_exchange() as x:
        desk, store, invite = await rung(x)
        reliably(store, invite, 7)
        prack = await store.asked("PRACK")
        store.respond(prack, 200, "OK")
        x.world.legs[0].hangup()
        cancel = await store.asked("CANCEL")
        store.respond(cancel, 200, "OK")
        store.respond(invite, 200, "OK", body=store.media.offer())
        await store.asked("ACK")
        bye = await store.asked("BYE")
        assert bye.cseq.number > prack.cseq.number
        store.respond(bye, 200, "OK")
        del desk


async def test_each_early_dialog_counts_for_itself_and_ends_with_the_call() -> None:
    """One INVITE that a proxy has sent to several phones."""
    async with sip_exchange() as x:
        _, store, invite = await rung(x)
        for tag in ("first", "second"):
            store.respond(invite, 180, "Ringing", tag=tag, extra=("Require: 100rel", "RSeq: 5"))
            prack = await store.asked("PRACK")
            assert prack.recipient.tag == tag
            store.respond(prack, 200, "OK")
        assert len(x.world.server._wire.dialogs._legs) == 3, "two early ones and the caller's"
        for number in range(40):
            store.respond(invite, 180, "Ringing", tag=f"more-{number}")
        await asyncio.sleep(0.1)
        assert len(x.world.server._wire.dialogs._legs) <= 11
        store.respond(invite, 486, "Busy Here", tag="first")
        await store.asked("ACK")


# Audio before the answer.


@pytest.mark.parametrize("reliable", [False, True])
async def test_a_caller_hears_what_the_callee_says_before_the_answer(reliable: bool) -> None:
    async with sip_exchange() as x:
        desk, store, invite = await rung(x)
        await desk.response(180)
        extra = ("Require: 100rel", "RSeq: 1") if reliable else ()
        store.respond(invite, 183, "Session Progress", body=store.media.offer(), extra=extra)
        if reliable:
            store.respond(await store.asked("PRACK"), 200, "OK")
        early = await desk.response(183)
        desk.media.use_answer(early.body)
        store.media.use_answer(invite.body)
        store.media.send_frame(FRAME)
        await asyncio.sleep(0.04)
        assert desk.media.heard[-1].payload == SPOKEN
        assert x.world.legs[0].state is LegState.RINGING, "nothing was answered"
        store.respond(invite, 200, "OK", body=store.media.offer())
        await store.asked("ACK")
        answer = await desk.response(200)
        desk.ack("102", answer)
        assert answer.body.splitlines()[5:] == early.body.splitlines()[5:], "the answer is the one that was given"
        await asyncio.sleep(0.02)
        store.media.send_frame(FRAME)
        desk.media.send_frame(FRAME)
        await asyncio.sleep(0.04)
        assert desk.media.heard[-1].payload == SPOKEN
        assert store.media.heard[-1].payload == SPOKEN


async def test_a_provider_plays_its_announcement_and_then_refuses() -> None:
    """As networks do: "the subscriber is not available", in the sound, then 480."""
    async with sip_exchange() as x:
        with Peer(x.world.server.addresses[0], "provider") as provider:
            x.add_trunk(provider.port)
            await asyncio.sleep(3)
            (desk,) = await x.registered("101")
            provider.received.clear()
            await x.call(desk, OUTSIDE, "out")
            invite = await provider.asked("INVITE")
            await desk.response(180)
            provider.respond(invite, 183, "Session Progress", body=provider.media.offer())
            early = await desk.response(183)
            desk.media.use_answer(early.body)
            provider.media.use_answer(invite.body)
            provider.media.send_frame(FRAME)
            await asyncio.sleep(0.04)
            assert desk.media.heard[-1].payload == SPOKEN
            provider.respond(invite, 480, "Temporarily Unavailable")
            await provider.asked("ACK")
            desk.ack("102", await desk.response(480))


async def test_a_prompt_is_heard_before_the_answer_where_a_flow_says_early() -> None:
    """Rule 9: 183, and no 200."""
    async with sip_exchange() as x:
        (desk,) = await x.registered("101")
        (store,) = await x.registered("102")
        await x.call(desk, "102", "one")
        await desk.response(180)
        call = x.switchboard.calls()[0]
        saying = asyncio.ensure_future(call.say("greeting", early=True))
        early = await desk.response(183)
        desk.media.use_answer(early.body)
        await saying
        assert len(desk.media.heard) >= 45
        assert call.caller.state is LegState.RINGING
        del store


async def test_a_sim_caller_hears_no_early_prompt_and_is_not_answered_for_it() -> None:
    async with sip_exchange() as x:
        (desk,) = await x.registered("101")
        customer = x.sim_calls()
        customer.speaks_early = False
        await desk.asked("INVITE")
        call = x.switchboard.calls()[0]
        await call.say("greeting", early=True)
        assert await call.ask("greeting", most=1, within=1, early=True) == ""
        assert customer.told == ["ringing"]
        assert customer.fake_port.heard == []
        customer.hangs_up()
