"""T-S13: who answers an INVITE that we gave up is told so at once, however late (RFC 3261 sections 9.1, 13.2.2.4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.sip.message import Request
from gateway.sip.resolver import Naptr, Srv
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.line import Caller
from gateway.telephony.shop import Shop, TrunkSettings
from tests.fakes.numbers import dialable
from tests.fakes.sip import SipWorld
from tests.fakes.sip_lossy import LinkPhone
from tests.fakes.sip_peer import Peer
from tests.fakes.sip_registrar import SHOP_PASSWORD, SHOP_USER, Provider, accepting
from tests.sip.test_lossy import link_scene

CUSTOMER = "+79035550001"


@asynccontextmanager
async def rung() -> AsyncIterator[tuple[SipWorld, Peer, Leg, Request]]:
    """A phone that has got an INVITE."""
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.register(expires=3600)
            leg = world.server.phones.dial("101", caller=Caller(number="102"))
            yield world, phone, leg, await phone.asked("INVITE")
            leg.hangup()


def kept(world: SipWorld) -> list[str]:
    """The transactions of calls that are remembered; an OPTIONS now and then comes by itself."""
    clients = world.server._wire.transactions._clients
    return [method for _, _, method in clients if method != "OPTIONS"]


async def is_told_that_it_is_over(phone: Peer, invite: Request, tag: str = "theirs") -> None:
    """Its 200 is acknowledged and ended at once, each repetition is acknowledged again, and nothing else comes."""
    phone.received.clear()
    for _ in range(3):
        phone.respond(invite, 200, "OK", tag=tag, body=phone.media.offer())
    messages = [await phone.next() for _ in range(4)]
    methods = [message.cseq.method for message in messages]
    assert sorted(methods) == ["ACK", "ACK", "ACK", "BYE"], methods
    assert methods[0] == "ACK", "the answer is acknowledged before it is ended"
    assert {message.recipient.tag for message in messages} == {tag}
    ack, bye = messages[0], messages[methods.index("BYE")]
    assert isinstance(bye, Request)
    assert ack.cseq.number == invite.cseq.number < bye.cseq.number
    phone.respond(bye, 200, "OK")
    await asyncio.sleep(40)
    assert not phone.received


@pytest.mark.parametrize("at", [33, 45, 63])
async def test_a_phone_that_answers_long_after_we_gave_it_up(at: float) -> None:
    """Our own transaction ends after 32 s; the phone may have heard the last INVITE of it, and rung since."""
    async with rung() as (world, phone, leg, invite):
        assert await leg.ended(within=32.5) is Cause.UNREACHABLE
        await asyncio.sleep(at - 32)
        await is_told_that_it_is_over(phone, invite)
        assert not kept(world)


async def test_after_twice_that_time_nothing_is_kept() -> None:
    async with rung() as (world, phone, leg, invite):
        await leg.ended(within=33)
        await asyncio.sleep(33)
        assert not kept(world)
        phone.received.clear()
        phone.respond(invite, 200, "OK", body=phone.media.offer())
        await asyncio.sleep(1)
        assert not phone.received


async def test_a_cancelled_phone_that_loses_its_487_and_answers_after_all() -> None:
    """RFC 3261 section 9.1: 32 s after the CANCEL the INVITE counts as over; its 200 comes 8 s later."""
    async with rung() as (_, phone, leg, invite):
        phone.respond(invite, 180, "Ringing")
        await asyncio.sleep(0.1)
        leg.hangup()
        phone.respond(await phone.asked("CANCEL"), 200, "OK")
        await asyncio.sleep(40)
        await is_told_that_it_is_over(phone, invite)


@pytest.mark.parametrize("seconds", [1, 31])
async def test_a_phone_that_begins_to_ring_when_it_is_given_up_is_cancelled(seconds: float) -> None:
    async with rung() as (world, phone, leg, invite):
        await leg.ended(within=33)
        phone.received.clear()
        await asyncio.sleep(seconds)
        phone.respond(invite, 180, "Ringing")
        phone.respond(invite, 180, "Ringing")
        cancel = await phone.asked("CANCEL")
        assert cancel.via == invite.via
        phone.respond(cancel, 200, "OK")
        await asyncio.sleep(3)
        phone.respond(invite, 487, "Request Terminated")
        assert (await phone.asked("ACK")).via == invite.via
        await asyncio.sleep(40)
        assert not phone.received
        assert not kept(world)


async def test_an_answer_that_crosses_that_cancel() -> None:
    async with rung() as (_, phone, leg, invite):
        await leg.ended(within=33)
        phone.received.clear()
        await asyncio.sleep(31)
        phone.respond(invite, 180, "Ringing")
        phone.respond(await phone.asked("CANCEL"), 200, "OK")
        await asyncio.sleep(5)
        await is_told_that_it_is_over(phone, invite)


@pytest.mark.parametrize("status", [486, 603])
async def test_one_branch_of_a_fork_answers_after_another_has_refused(status: int) -> None:
    """A proxy passes each 2xx on, even after its refusal (RFC 3261 section 16.7, step 5)."""
    async with rung() as (_, phone, leg, invite):
        phone.respond(invite, status, "No", tag="one")
        await phone.asked("ACK")
        assert leg.cause is not None
        await asyncio.sleep(5)
        await is_told_that_it_is_over(phone, invite, tag="two")


async def test_a_second_branch_of_a_fork_answers_after_the_call_is_over() -> None:
    async with rung() as (_, phone, leg, invite):
        phone.respond(invite, 200, "OK", tag="one", body=phone.media.offer())
        await phone.asked("ACK")
        leg.hangup()
        phone.respond(await phone.asked("BYE"), 200, "OK")
        await asyncio.sleep(10)
        await is_told_that_it_is_over(phone, invite, tag="two")


async def test_a_peer_that_answers_a_thousand_times_is_not_kept_a_thousand_times() -> None:
    async with rung() as (world, phone, leg, invite):
        for number in range(1000):
            phone.respond(invite, 200, "OK", tag=f"fork{number}", body=phone.media.offer())
        await asyncio.sleep(1)
        assert len(kept(world)) <= 11
        assert leg.state is LegState.UP


# Providers: 8 s of silence, and another way is tried.


class TwoServers:
    """A DNS that knows one provider by two servers."""

    def __init__(self, *providers: Provider) -> None:
        self._rows = [Srv(number, 1, each.port, "127.0.0.1") for number, each in enumerate(providers)]

    async def addresses(self, host: str) -> list[str]:
        return ["127.0.0.1"]

    async def srv(self, name: str) -> list[Srv]:
        return self._rows

    async def naptr(self, host: str) -> list[Naptr]:
        return []


@asynccontextmanager
async def called_by_trunk(*providers: Provider) -> AsyncIterator[tuple[SipWorld, Leg]]:
    world = SipWorld()
    row = TrunkSettings(name="provider", host="sip.example.net", user=SHOP_USER, password=SHOP_PASSWORD)
    world.shop = Shop(trunks=(row,))
    world.server = world.new_server(names=TwoServers(*providers))
    async with world.server:
        await asyncio.sleep(2)
        trunk = world.server.trunks["provider"]
        leg = trunk.dial(dialable(CUSTOMER), caller_id="", call_id="c1", extension="101")
        yield world, leg
        leg.hangup()


async def acknowledged_and_ended(provider: Provider, invite: Request) -> None:
    provider.respond(invite, 200, extra=(f"Contact: <sip:x@{provider.address}>",), body=provider.media.offer())
    ack = await provider.next_request("ACK")
    assert (ack.call_id, ack.cseq.number) == (invite.call_id, invite.cseq.number)
    bye = await provider.next_request("BYE")
    assert bye.call_id == invite.call_id
    provider.respond(bye, 200)
    await asyncio.sleep(40)
    assert not provider.calls


async def test_a_provider_that_answers_after_nine_seconds_of_silence() -> None:
    with Provider(accepting()) as provider:
        async with called_by_trunk(provider) as (_, leg):
            invite = await provider.next_request("INVITE")
            assert await leg.ended(within=8.5) is not None
            await asyncio.sleep(1)
            await acknowledged_and_ended(provider, invite)


async def test_the_first_server_answers_late_while_the_second_one_carries_the_call() -> None:
    with Provider(accepting()) as first, Provider(accepting()) as second:
        async with called_by_trunk(first, second) as (_, leg):
            early = await first.next_request("INVITE")
            await asyncio.sleep(8.1)
            late = await second.next_request("INVITE")
            assert (late.call_id, late.cseq.number) == (early.call_id, early.cseq.number + 1)
            second.respond(late, 180)
            await asyncio.sleep(1)
            await acknowledged_and_ended(first, early)
            second.respond(late, 200, extra=(f"Contact: <sip:x@{second.address}>",), body=second.media.offer())
            assert (await second.next_request("ACK")).cseq.number == late.cseq.number
            assert leg.state is LegState.UP
            leg.hangup()
            second.respond(await second.next_request("BYE"), 200)


async def test_the_first_server_rings_late_and_is_cancelled() -> None:
    """Else the customer's telephone would ring twice."""
    with Provider(accepting()) as first, Provider(accepting()) as second:
        async with called_by_trunk(first, second) as (_, leg):
            early = await first.next_request("INVITE")
            await asyncio.sleep(8.1)
            await second.next_request("INVITE")
            first.respond(early, 180)
            cancel = await first.next_request("CANCEL")
            assert cancel.cseq.number == early.cseq.number
            first.respond(cancel, 200)
            first.respond(early, 487)
            await first.next_request("ACK")
            assert leg.state is not LegState.ENDED


# The lossy link.


def answer_late(leg: Leg) -> None:
    """Without a word before it, 40 s after the INVITE."""

    def answer() -> None:
        if leg.state is not LegState.ENDED:
            leg.answer()

    asyncio.get_running_loop().call_later(40, answer)


async def play_late(lost: frozenset[int]) -> tuple[list[bytes], LinkPhone]:
    """The phone hears the INVITE, says nothing for 40 s, and answers."""
    async with link_scene(lost, answer_late) as (world, phone, link):
        leg = world.server.phones.dial("101", caller=Caller(number="102"))
        assert await leg.ended(within=33) is Cause.UNREACHABLE
        await asyncio.sleep(120)
        assert all(theirs.state is LegState.ENDED for theirs in phone.legs), lost
        for wire in (world.server._wire, phone.wire):
            assert (len(wire.dialogs), len(wire.transactions)) == (0, 0), lost
        return link.sent, phone


async def test_whatever_is_lost_of_a_late_answer_both_sides_end() -> None:
    sent, phone = await play_late(frozenset())
    assert [leg.cause for leg in phone.legs] == [Cause.HUNG_UP], "the phone was told"
    first = next(number for number, data in enumerate(sent) if data.startswith(b"SIP/2.0 200"))
    tail = range(first, len(sent) + 3)
    for number in tail:
        _, phone = await play_late(frozenset([number]))
        assert [leg.cause for leg in phone.legs] == [Cause.HUNG_UP], number
    for number in tail:
        for other in range(number + 1, min(number + 4, tail.stop)):
            await play_late(frozenset([number, other]))
