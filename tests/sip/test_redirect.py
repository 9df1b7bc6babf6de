"""A phone that answers 302: whom it names, and that nothing of it is followed by the SIP driver itself (T-F4)."""

from __future__ import annotations

import asyncio

import pytest

from gateway.sip.message import Request
from gateway.telephony.causes import Cause
from gateway.telephony.line import Caller
from tests.fakes.sip import SipWorld
from tests.fakes.sip_peer import Peer


def move(phone: Peer, invite: Request, contact: str) -> None:
    """302 with that Contact."""
    phone.send(
        f"""SIP/2.0 302 Moved Temporarily
        Via: {invite.headers.get("Via")}
        From: {invite.headers.get("From")}
        To: {invite.headers.get("To")};tag=moved
        Call-ID: {invite.call_id}
        CSeq: {invite.headers.get("CSeq")}
        {contact}"""
    )


@pytest.mark.parametrize(
    ("contact", "target"),
    [
        ("Contact: <sip:2001@10.9.9.9>", "2001"),
        ("Contact: <sip:%2B88213000000@127.0.0.1;user=phone>;expires=60, <sip:103@127.0.0.1>", "+88213000000"),
        ("Contact: <tel:+79161234567>", ""),
        ("Contact: <sip:10.9.9.9>", ""),
        ("Subject: nowhere", ""),
    ],
)
async def test_a_phone_names_another_target(contact: str, target: str) -> None:
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.register()
            leg = world.server.phones.dial("101", caller=Caller(number="102"))
            invite = await phone.asked("INVITE")
            move(phone, invite, contact)
            await phone.asked("ACK")
            assert await leg.ended(within=1) is Cause.REJECTED
            assert leg.redirected_to == target
            await asyncio.sleep(5)
            assert not phone.received


async def test_one_of_several_phones_moves_after_the_others_have_refused() -> None:
    world = SipWorld()
    async with world.server:
        server = world.server.addresses[0]
        with Peer(server) as desk, Peer(server) as shelf:
            await desk.register()
            await shelf.register()
            leg = world.server.phones.dial("101", caller=Caller(number="102"))
            first, second = await desk.asked("INVITE"), await shelf.asked("INVITE")
            move(desk, first, "Contact: <sip:103@127.0.0.1>")
            await desk.asked("ACK")
            assert leg.cause is None
            shelf.respond(second, 486, "Busy Here")
            await shelf.asked("ACK")
            assert await leg.ended(within=1) is not None
            assert leg.redirected_to == "103"
