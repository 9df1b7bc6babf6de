"""Calls to phones: forking, early media, refusals, and every race between an answer and a hang-up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.sip.message import Request
from gateway.telephony.causes import Cause, cause_of_sip_status
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.line import Caller
from tests.fakes.sip import SipWorld
from tests.fakes.sip_peer import Peer

CALLER = Caller(number="+79161234567", name='Anna "A" Иванова')


@asynccontextmanager
async def ringing(count: int = 1) -> AsyncIterator[tuple[SipWorld, list[Peer], Leg, list[Request]]]:
    """`count` phones of 101 with an INVITE each."""
    world = SipWorld()
    async with world.server:
        phones = [Peer(world.server.addresses[0]) for _ in range(count)]
        for phone in phones:
            await phone.register(expires=3600)
        leg = world.server.phones.dial("101", caller=CALLER)
        invites = [await phone.asked("INVITE") for phone in phones]
        yield world, phones, leg, invites
        leg.hangup()
        for phone in phones:
            phone.close()


def answer(phone: Peer, invite: Request, tag: str = "theirs") -> None:
    phone.respond(invite, 200, "OK", tag=tag, body=phone.media.offer())


async def test_a_phone_rings_answers_and_hangs_up() -> None:
    async with ringing() as (_, (phone,), leg, (invite,)):
        assert invite.sender.display_name == CALLER.name
        assert str(invite.sender.uri).startswith("sip:+79161234567@127.0.0.1")
        assert b"PCMA" in invite.body
        phone.respond(invite, 100, "Trying")
        phone.respond(invite, 180, "Ringing")
        await asyncio.sleep(0.1)
        assert str(leg.state) == "ringing"
        answer(phone, invite)
        ack = await phone.asked("ACK")
        assert ack.recipient.tag == "theirs"
        assert ack.via.branch != invite.via.branch
        assert str(ack.uri) == f"sip:101@127.0.0.1:{phone.port}"
        assert leg.state is LegState.UP
        host, port = phone.server
        phone.send(
            f"""BYE sip:x@{host}:{port} SIP/2.0
            Via: SIP/2.0/UDP 127.0.0.1:{phone.port};branch=z9hG4bKbye
            From: {ack.headers.get("To")}
            To: {ack.headers.get("From")}
            Call-ID: {ack.call_id}
            CSeq: 1 BYE"""
        )
        await phone.response(200)
        assert (leg.cause, leg.ended_by_peer) == (Cause.HUNG_UP, True)


async def test_nobody_registered_is_unreachable_at_once() -> None:
    world = SipWorld()
    async with world.server:
        leg = world.server.phones.dial("101", caller=CALLER)
        assert leg.cause is Cause.UNREACHABLE
        assert not world.server.phones.is_reachable("101")


async def test_a_withheld_number_is_anonymous() -> None:
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.register()
            leg = world.server.phones.dial("101", caller=Caller(number=""))
            assert str((await phone.asked("INVITE")).sender.uri) == "sip:anonymous@anonymous.invalid"
            leg.hangup()


async def test_all_phones_ring_and_the_first_to_answer_wins() -> None:
    async with ringing(3) as (_, phones, leg, invites):
        for phone, invite in zip(phones, invites, strict=True):
            phone.respond(invite, 180, "Ringing")
        await asyncio.sleep(0.1)
        answer(phones[1], invites[1])
        await phones[1].asked("ACK")
        for phone, invite in ((phones[0], invites[0]), (phones[2], invites[2])):
            cancel = await phone.asked("CANCEL")
            assert cancel.via == invite.via
            assert cancel.cseq.number == invite.cseq.number
            assert "completed elsewhere" in (cancel.headers.get("Reason") or "")
            phone.respond(cancel, 200, "OK")
            phone.respond(invite, 487, "Request Terminated")
            assert (await phone.asked("ACK")).via == invite.via
        assert leg.state is LegState.UP
        await asyncio.sleep(5)
        assert not any(phone.received for phone in phones)


async def test_a_late_200_of_another_phone_is_acknowledged_and_ended() -> None:
    """T-S13."""
    async with ringing(2) as (_, phones, leg, invites):
        for phone, invite in zip(phones, invites, strict=True):
            phone.respond(invite, 180, "Ringing")
        for phone, invite in zip(phones, invites, strict=True):
            answer(phone, invite)
        await phones[0].asked("ACK")
        messages = [await phones[1].next() for _ in range(3)]
        assert sorted(message.cseq.method for message in messages) == ["ACK", "BYE", "CANCEL"]
        assert leg.state is LegState.UP


async def test_a_fork_behind_one_contact_makes_two_dialogs_and_one_call() -> None:
    async with ringing() as (_, (phone,), leg, (invite,)):
        phone.respond(invite, 180, "Ringing", tag="one")
        phone.respond(invite, 180, "Ringing", tag="two")
        answer(phone, invite, tag="two")
        assert (await phone.asked("ACK")).recipient.tag == "two"
        answer(phone, invite, tag="one")
        assert (await phone.asked("ACK")).recipient.tag == "one"
        bye = await phone.asked("BYE")
        assert bye.recipient.tag == "one"
        phone.respond(bye, 200, "OK")
        assert leg.state is LegState.UP


async def test_a_repeated_200_is_acknowledged_again() -> None:
    async with ringing() as (_, (phone,), _, (invite,)):
        for _ in range(3):
            answer(phone, invite)
            assert (await phone.asked("ACK")).cseq.number == invite.cseq.number


async def test_hanging_up_while_it_rings_cancels() -> None:
    async with ringing() as (_, (phone,), leg, (invite,)):
        phone.respond(invite, 180, "Ringing")
        await asyncio.sleep(0.1)
        leg.hangup(Cause.CANCELLED)
        phone.respond(await phone.asked("CANCEL"), 200, "OK")
        phone.respond(invite, 487, "Request Terminated")
        await phone.asked("ACK")
        assert leg.cause is Cause.CANCELLED


async def test_a_cancel_waits_for_the_first_provisional_response() -> None:
    """RFC 3261 section 9.1."""
    async with ringing() as (_, (phone,), leg, (invite,)):
        leg.hangup()
        await asyncio.sleep(0.3)
        assert not phone.received
        phone.respond(invite, 180, "Ringing")
        await phone.asked("CANCEL")


async def test_an_answer_that_crosses_the_cancel_is_ended_by_bye() -> None:
    async with ringing() as (world, (phone,), leg, (invite,)):
        phone.respond(invite, 180, "Ringing")
        await asyncio.sleep(0.1)
        leg.hangup()
        await phone.asked("CANCEL")
        answer(phone, invite)
        await phone.asked("ACK")
        phone.respond(await phone.asked("BYE"), 200, "OK")
        await asyncio.sleep(70)
        assert len(world.server._wire.dialogs) == 0


@pytest.mark.parametrize("status", [302, 400, 401, 404, 407, 408, 480, 486, 488, 500, 503, 600, 603])
async def test_each_refusal_is_acknowledged_and_has_its_cause(status: int) -> None:
    async with ringing() as (_, (phone,), leg, (invite,)):
        phone.respond(invite, status, "No")
        ack = await phone.asked("ACK")
        assert (ack.via, ack.recipient.tag) == (invite.via, "theirs")
        phone.respond(invite, status, "No")
        await phone.asked("ACK")
        assert leg.cause is cause_of_sip_status(status)


async def test_of_several_refusals_the_one_that_says_most_counts() -> None:
    async with ringing(3) as (_, phones, leg, invites):
        for phone, invite, status in zip(phones, invites, (408, 486, 503), strict=True):
            phone.respond(invite, status, "No")
            await phone.asked("ACK")
        assert leg.cause is Cause.BUSY


async def test_a_decline_ends_the_ringing_everywhere() -> None:
    async with ringing(2) as (_, phones, leg, invites):
        phones[1].respond(invites[1], 180, "Ringing")
        phones[0].respond(invites[0], 603, "Decline")
        await phones[0].asked("ACK")
        await phones[1].asked("CANCEL")
        assert leg.cause is Cause.REJECTED


async def test_a_phone_that_says_nothing_is_unreachable_after_32_s() -> None:
    """RFC 3261 section 17.1.1.2, timers A and B: seven INVITEs."""
    async with ringing() as (_, (phone,), leg, _):
        assert await leg.ended(within=40) is Cause.UNREACHABLE
        assert [message.cseq.method for message in phone.received].count("INVITE") == 6


async def test_early_media_is_heard_before_the_answer() -> None:
    async with ringing() as (_, (phone,), leg, (invite,)):
        phone.respond(invite, 183, "Session Progress", body=phone.media.offer())
        await asyncio.sleep(0.1)
        assert leg.early_media
        heard = []
        leg.port.listen(lambda frame, position: heard.append(position))
        phone.media.use_answer(invite.body)
        for _ in range(5):
            phone.media.send(bytes(160))
            await asyncio.sleep(0.02)
        assert heard == [0, 160, 320, 480, 640]
        answer(phone, invite)
        await phone.asked("ACK")
        assert leg.state is LegState.UP


async def test_an_answer_without_a_common_codec_ends_the_call() -> None:
    async with ringing() as (_, (phone,), leg, (invite,)):
        phone.respond(invite, 200, "OK", body=b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 18\r\n")
        await phone.asked("ACK")
        await phone.asked("BYE")
        assert leg.cause is Cause.NO_COMMON_CODEC


async def test_the_route_set_of_the_answer_is_followed() -> None:
    """RFC 3261 section 12.1.2: the Record-Route of the answer, from the bottom."""
    async with ringing() as (_, (phone,), leg, (invite,)):
        near = f"<sip:127.0.0.1:{phone.port};lr>"
        invite.headers.add("Record-Route", "<sip:far.example;lr>")
        invite.headers.add("Record-Route", near)
        answer(phone, invite)
        assert (await phone.asked("ACK")).headers.values("Route") == [near, "<sip:far.example;lr>"]
        leg.hangup()
        assert (await phone.asked("BYE")).headers.values("Route") == [near, "<sip:far.example;lr>"]


async def test_keys_go_by_info_where_events_are_not_taken() -> None:
    async with ringing() as (_, (phone,), leg, (invite,)):
        phone.respond(invite, 200, "OK", body=phone.media.offer(formats="0"))
        await phone.asked("ACK")
        leg.send_key("5")
        info = await phone.asked("INFO")
        assert (info.content_type, info.body) == ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n")
