"""Kamailio as the PBX of the house: couriers are extensions there, on one socket, and it is restarted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.sip.transport import Address
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.shop import CourierSettings, PbxSettings, Shop, SipTransport
from tests.fakes.numbers import dialable
from tests.fakes.sip import SipWorld, answer_and_echo
from tests.fakes.sip_peer import Peer
from tests.fakes.sip_registrar import SHOP_PASSWORD
from tests.interop.kamailio_program import Kamailio, hurry
from tests.interop.programs import until

pytestmark = [pytest.mark.interop, pytest.mark.real_time]

CUSTOMER = "+79035550001"
NUMBER = "+74951234567"
EXTENSIONS = ("2001", "2002", "2003")


@asynccontextmanager
async def at_pbx(directory: Path, kind: SipTransport) -> AsyncIterator[tuple[SipWorld, Peer, Kamailio]]:
    """A gateway whose three couriers are registered at Kamailio, and somebody outside."""
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        with Peer(world.server.addresses[0], "customer") as customer:
            kamailio = Kamailio(directory, "pbx", customer.port, secure=kind is SipTransport.TLS)
            await kamailio.start()
            try:
                customer.server = Address("127.0.0.1", kamailio.port)
                couriers = tuple(
                    CourierSettings(extension=each, mobile=f"+7916000{each}", pbx_password=SHOP_PASSWORD)
                    for each in EXTENSIONS
                )
                ca_file = str(kamailio.certificate) if kind is SipTransport.TLS else None
                pbx = PbxSettings(host="127.0.0.1", port=kamailio.port, transport=kind, ca_file=ca_file)
                world.shop = Shop(phones=world.shop.phones, couriers=couriers, pbx=pbx)
                assert await until(lambda: registered(world) == 3, 20), "not registered"
                yield world, customer, kamailio
            finally:
                for leg in world.legs:
                    leg.hangup()
                await asyncio.sleep(0.2)
                await kamailio.stop()


def registered(world: SipWorld) -> int:
    return [account.is_usable for account in world.server.pbx_accounts.values()].count(True)


@pytest.mark.parametrize("kind", [SipTransport.UDP, SipTransport.TLS])
async def test_calls_to_and_from_the_extension_of_a_courier(kind: SipTransport, tmp_path: Path) -> None:
    async with at_pbx(tmp_path, kind) as (world, customer, kamailio):
        ends = {account._place.flow for account in world.server.pbx_accounts.values()}
        assert len({flow.local for flow in ends if flow is not None}) == 1, "all by one socket"

        customer.request("INVITE", "2002", call_id="in", number=1, body=customer.media.offer())
        answer = await customer.response(100, 180, 200)
        while answer.status != 200:
            answer = await customer.response(100, 180, 200)
        (leg,) = world.legs
        assert (leg.line, leg.called) == ("pbx 2002", "2002")
        routes = tuple(f"Route: {value}" for value in reversed(answer.headers.values("Record-Route")))
        for method, number in (("ACK", 1), ("BYE", 2)):
            lines = [
                f"{method} {answer.contacts[0].uri} SIP/2.0",
                f"Via: SIP/2.0/UDP 127.0.0.1:{customer.port};rport;branch={customer.new_branch()}",
                "Max-Forwards: 70",
                *routes,
                f"From: {answer.headers.get('From')}",
                f"To: {answer.headers.get('To')}",
                "Call-ID: in",
                f"CSeq: {number} {method}",
            ]
            customer.send("\n".join(lines))
            if method == "ACK":
                assert await until(lambda: leg.state is LegState.UP)
        await customer.response(200)
        assert (leg.cause, leg.ended_by_peer) == (Cause.HUNG_UP, True)

        account = world.server.pbx_accounts["pbx 2003"]
        outgoing = account.dial(dialable(CUSTOMER), caller_id="", call_id="c", extension="2003")
        invite = await customer.asked("INVITE")
        assert str(invite.sender.uri) == f"sip:2003@127.0.0.1:{kamailio.port}", "by the courier's own registration"
        assert invite.headers.get("P-Asserted-Identity") == f"<sip:{NUMBER}@127.0.0.1>", (
            "the PBX shows the shop's number"
        )
        assert not invite.headers.all("Proxy-Authorization")
        customer.respond(invite, 200, "OK", body=customer.media.offer())
        await customer.asked("ACK")
        assert await until(lambda: outgoing.state is LegState.UP)
        outgoing.hangup()
        bye = await customer.asked("BYE")
        customer.respond(bye, 200, "OK")
        assert len(bye.vias) == 2, "the BYE comes by the PBX, as the route says"


@pytest.mark.parametrize("kind", [SipTransport.UDP, SipTransport.TLS])
async def test_a_pbx_that_is_restarted_has_all_couriers_again(
    kind: SipTransport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X-N1, in real time: it answers OPTIONS."""
    hurry(monkeypatch)
    async with at_pbx(tmp_path, kind) as (world, _, kamailio):
        await kamailio.stop()
        assert await until(lambda: registered(world) == 0, 40), "the outage was not noticed"
        await kamailio.start()
        assert await until(lambda: registered(world) == 3, 15)


async def test_a_pbx_that_is_taken_out_of_the_shop_sends_no_more_calls(tmp_path: Path) -> None:
    """It asks for the password once more before it lets an extension go."""
    async with at_pbx(tmp_path, SipTransport.UDP) as (world, customer, _):
        couriers = tuple(replace(each, pbx_password=None) for each in world.shop.couriers)
        world.shop = Shop(phones=world.shop.phones, couriers=couriers)
        assert await until(lambda: not world.server.pbx_accounts, 10)
        assert await until(lambda: not world.server._is_provider("127.0.0.1"), 10), "all have been let go"
        customer.request("INVITE", "2002", call_id="late", number=1, body=customer.media.offer())
        answer = await customer.response(100, 404)
        if answer.status == 100:
            answer = await customer.response(404)
        customer.request("ACK", "2002", call_id="late", number=1, to_tag=answer.recipient.tag)
        assert not world.legs


async def test_a_pbx_sends_no_calls_to_who_has_signed_off(tmp_path: Path) -> None:
    """X-D5."""
    async with at_pbx(tmp_path, SipTransport.UDP) as (world, customer, _):
        await world.server.sign_off(within=2)
        for each in EXTENSIONS:
            customer.request("INVITE", each, call_id=each, number=1, body=customer.media.offer())
            answer = await customer.response(100, 404)
            if answer.status == 100:
                answer = await customer.response(404)
            customer.request("ACK", each, call_id=each, number=1, to_tag=answer.recipient.tag)
        assert not world.legs
