"""Hold and resume from either side, by every form that phones use (RFC 3264 section 8.4, RFC 3311, RFC 2543)."""

from __future__ import annotations

import asyncio

import pytest

from gateway.audio.frame import SILENCE
from gateway.audio.g711 import Law, encode
from gateway.telephony.leg import LegState
from gateway.telephony.recording_policy import Notice, RecordCalls, RecordingPolicy
from gateway.telephony.shop import Shop
from tests.fakes.sip_exchange import Phone, sip_exchange
from tests.fakes.sip_peer import Peer

FRAME = SILENCE + 1_000
SPOKEN = encode(FRAME, Law.ULAW)
QUIET = encode(SILENCE, Law.ULAW)


async def hears(listener: Peer, speaker: Peer) -> bool:
    before = len(listener.media.heard)
    speaker.media.send_frame(FRAME)
    await asyncio.sleep(0.04)
    return any(heard.payload == SPOKEN for heard in listener.media.heard[before:])


async def hears_music(listener: Peer) -> bool:
    """Audio without gaps that is neither silence nor the other party."""
    before = len(listener.media.heard)
    await asyncio.sleep(0.4)
    heard = [each.payload for each in listener.media.heard[before:]]
    return len([each for each in heard if each not in (QUIET, SPOKEN)]) >= 17


def way_of(body: bytes) -> str:
    return next(line[2:] for line in body.decode().splitlines() if line[2:] in WAYS)


WAYS = ("sendrecv", "sendonly", "recvonly", "inactive")


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize("holder_is_caller", [True, False])
@pytest.mark.parametrize(
    ("way", "host", "answered"),
    [("sendonly", None, "recvonly"), ("inactive", None, "inactive"), ("sendrecv", "0.0.0.0", "recvonly")],
)
async def test_a_phone_holds_and_comes_back(
    method: str, holder_is_caller: bool, way: str, host: str | None, answered: str
) -> None:
    async with sip_exchange() as x:
        desk, store = await x.registered("101", "102")
        calling, called = await x.talk(desk, store, "one")
        holder, held = (calling, called) if holder_is_caller else (called, calling)
        answer = await holder.offer(way, method=method, host=host)
        assert way_of(answer.body) == answered
        assert await hears_music(held.peer)
        before = len(holder.peer.media.heard)
        held.peer.media.send_frame(FRAME)
        await asyncio.sleep(0.5)
        assert not [each for each in holder.peer.media.heard[before:] if each.payload == SPOKEN], (
            "nothing to the holder"
        )
        answer = await holder.offer("sendrecv", method=method)
        assert way_of(answer.body) == "sendrecv"
        assert await hears(held.peer, holder.peer)
        assert await hears(holder.peer, held.peer)


async def test_both_may_hold_and_one_comes_back_before_the_other() -> None:
    async with sip_exchange() as x:
        desk, store = await x.registered("101", "102")
        calling, called = await x.talk(desk, store, "one")
        await calling.offer("sendonly")
        await called.offer("sendonly")
        await calling.offer("sendrecv")
        assert await hears_music(desk), "the store still holds"
        await called.offer("sendrecv")
        assert await hears(store, desk)
        assert await hears(desk, store)


async def test_what_is_said_during_a_hold_is_not_recorded() -> None:
    async with sip_exchange() as x:
        shop = x.world.shop
        recorded = RecordingPolicy(calls=RecordCalls.ALL, notice=Notice.NONE)
        x.world.shop = Shop(phones=shop.phones, lines=shop.lines, recording=recorded)
        desk, store = await x.registered("101", "102")
        calling, _ = await x.talk(desk, store, "one")
        assert [each.keeps for each in x.recordings.made] == [True]
        await calling.offer("sendonly")
        assert [each.keeps for each in x.recordings.made] == [False]
        await calling.offer("sendrecv")
        assert [each.keeps for each in x.recordings.made] == [True]


async def test_a_customer_on_a_sim_hears_music_while_the_phone_holds() -> None:
    async with sip_exchange() as x:
        (desk,) = await x.registered("101")
        customer = x.sim_calls()
        called = await x.answered(desk)
        await asyncio.sleep(0.3)
        await called.offer("sendonly")
        heard = len(customer.fake_port.heard)
        await asyncio.sleep(1)
        assert sum(1 for frame in customer.fake_port.heard[heard:] if frame.any()) >= 45
        await called.offer("sendrecv")
        desk.media.send_frame(FRAME)
        await asyncio.sleep(0.02)
        assert (customer.fake_port.heard[-1] > 900).all()
        assert customer.state is LegState.UP


# Offers that come late, and the wrong way round.


async def test_a_re_invite_without_an_offer_is_offered_what_is_and_answered_in_the_ack() -> None:
    async with sip_exchange() as x:
        desk, store = await x.registered("101", "102")
        calling, _ = await x.talk(desk, store, "one")
        calling.ask("INVITE")
        offer = await desk.response(200)
        assert way_of(offer.body) == "sendrecv"
        calling.acknowledge(offer, desk.media.offer(way="sendonly"))
        assert await hears_music(store)
        calling.ask("INVITE")
        offer = await desk.response(200)
        assert way_of(offer.body) == "recvonly", "an offer of ours does not end a hold of theirs"
        calling.acknowledge(offer, desk.media.offer())
        await asyncio.sleep(0.02)
        assert await hears(store, desk)


async def test_an_offer_that_cannot_be_met_leaves_the_call_as_it_was() -> None:
    async with sip_exchange() as x:
        desk, store = await x.registered("101", "102")
        calling, _ = await x.talk(desk, store, "one")
        calling.ask("INVITE", body=desk.media.offer("4 18"))
        answer = await desk.response(488)
        calling.acknowledge(answer)
        assert await hears(store, desk)


async def test_a_second_re_invite_must_wait_for_the_ack_of_the_first() -> None:
    async with sip_exchange() as x:
        desk, store = await x.registered("101", "102")
        calling, _ = await x.talk(desk, store, "one")
        calling.ask("INVITE", body=desk.media.offer(way="sendonly"))
        answer = await desk.response(200)
        calling.ask("INVITE", body=desk.media.offer())
        await desk.response(491)
        calling.ask("UPDATE", body=desk.media.offer(way="inactive"))
        await desk.response(200)  # the offer of the first is answered: another may come (RFC 3311 section 5.2)
        calling.acknowledge(answer)
        await calling.offer("sendrecv")
        assert await hears(store, desk)


async def test_an_invite_without_an_offer_is_a_call() -> None:
    async with sip_exchange() as x:
        desk, store = await x.registered("101", "102")
        await desk.invite("102", call_id="late", body=b"")
        await desk.response(100)
        await x.answered(store)
        answer = await desk.response(180, 200)
        while answer.status != 200:
            answer = await desk.response(200)
        calling = Phone(desk, "102", "late", desk.tag, answer.recipient.tag or "", 2)
        desk.media.use_answer(answer.body)
        calling.acknowledge(answer, desk.media.offer("0 96"))
        await asyncio.sleep(0.05)
        assert await hears(store, desk)
        assert await hears(desk, store)
