"""Kamailio as a provider: it registers us, stays in the route of calls both ways, and is restarted."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.sip.rtp_port import RtpPort
from gateway.sip.sdp import parse_sdp
from gateway.sip.srtp import new_key
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.shop import Shop, SipTransport, Srtp, TrunkSettings
from tests.fakes.lossy_nat import LossyNat
from tests.fakes.numbers import dialable
from tests.fakes.sip import SipWorld, answer_and_echo
from tests.fakes.sip_peer import Peer
from tests.fakes.sip_registrar import SHOP_PASSWORD, SHOP_USER
from tests.faults import rounds
from tests.interop.kamailio_program import Kamailio, hurry
from tests.interop.programs import until
from tests.sip.test_sealed_calls import keys_of, offer, packet

pytestmark = [pytest.mark.interop, pytest.mark.real_time]

CUSTOMER = "+79035550001"
NUMBER = "+74951234567"
RESTARTS = rounds(1, 20)


@asynccontextmanager
async def provided(directory: Path, *, secure: bool = False) -> AsyncIterator[tuple[SipWorld, Peer, Kamailio]]:
    """A gateway that is registered at Kamailio, and a customer behind it; `secure`: by TLS, with sealed media."""
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        with Peer(world.server.addresses[0], "customer") as customer:
            kamailio = Kamailio(directory, "provider", customer.port, secure=secure)
            await kamailio.start()
            try:
                row = TrunkSettings(
                    name="provider",
                    host=f"127.0.0.1:{kamailio.port}",
                    user=SHOP_USER,
                    password=SHOP_PASSWORD,
                    number=NUMBER,
                    transport=SipTransport.TLS if secure else SipTransport.UDP,
                    ca_file=str(kamailio.certificate) if secure else None,
                    srtp=Srtp.REQUIRED if secure else Srtp.OFF,
                )
                world.shop = Shop(phones=world.shop.phones, trunks=(row,))
                assert await until(lambda: usable(world), 20), "not registered"
                yield world, customer, kamailio
            finally:
                for leg in world.legs:
                    leg.hangup()
                await asyncio.sleep(0.2)
                await kamailio.stop()


def usable(world: SipWorld) -> bool:
    trunk = world.server.trunks.get("provider")
    return trunk is not None and trunk.is_usable


async def test_a_call_to_outside_goes_through_the_proxy_and_ends(tmp_path: Path) -> None:
    async with provided(tmp_path) as (world, customer, kamailio):
        trunk = world.server.trunks["provider"]
        leg = trunk.dial(dialable(CUSTOMER), caller_id="", call_id="c", extension="101")
        invite = await customer.asked("INVITE")
        assert str(invite.sender.uri) == f"sip:{NUMBER}@127.0.0.1:{kamailio.port}"
        assert invite.record_routes
        assert not invite.headers.all("Proxy-Authorization"), "the proxy keeps our credentials to itself"
        customer.server = customer.server._replace(port=kamailio.port)
        customer.respond(invite, 180, "Ringing")
        assert await until(lambda: leg.state is LegState.RINGING)
        customer.respond(invite, 200, "OK", body=customer.media.offer())
        ack = await customer.asked("ACK")
        assert str(ack.uri) == f"sip:customer@127.0.0.1:{customer.port}"
        assert leg.state is LegState.UP
        leg.hangup()
        bye = await customer.asked("BYE")
        customer.respond(bye, 200, "OK")
        assert len(bye.vias) == 2, "the BYE comes by the proxy, as the route says"


async def test_a_sealed_call_by_tls_goes_through_the_proxy(tmp_path: Path) -> None:
    """The signalling to the proxy by TLS, whose certificate is checked, and the media by SRTP, past the proxy."""
    async with provided(tmp_path, secure=True) as (world, customer, kamailio):
        trunk = world.server.trunks["provider"]
        leg = trunk.dial(dialable(CUSTOMER), caller_id="", call_id="c", extension="101")
        invite = await customer.asked("INVITE")
        assert [via.transport for via in invite.vias] == ["UDP", "TLS"]
        assert parse_sdp(invite.body).media[0].protocol == "RTP/SAVP"
        customer.server = customer.server._replace(port=kamailio.port)
        key = new_key()
        _, sealing = keys_of(invite.body, key)
        customer.respond(invite, 200, "OK", body=offer(customer, key))
        await customer.asked("ACK")
        assert await until(lambda: leg.state is LegState.UP)
        assert isinstance(leg.port, RtpPort)
        assert leg.port.is_sealed
        leg.port.hear(leg.port)
        customer.media.use_answer(invite.body)
        for index in range(25):
            customer.media.send_raw(sealing.seal(packet(index)) or b"")
            await asyncio.sleep(0.02)
        assert len(customer.media.raw) >= 20, "the customer's own voice comes back"
        assert all(sealing.open(each) is not None for each in customer.media.raw)
        leg.hangup()
        bye = await customer.asked("BYE")
        customer.respond(bye, 200, "OK")
        assert len(bye.vias) == 2, "the BYE comes by the proxy"


async def test_a_customer_calls_the_shop_and_hangs_up(tmp_path: Path) -> None:
    async with provided(tmp_path) as (world, customer, kamailio):
        customer.server = customer.server._replace(port=kamailio.port)
        customer.request("INVITE", SHOP_USER, call_id="in", number=1, body=customer.media.offer())
        answer = await customer.response(100, 180, 200)
        while answer.status != 200:
            answer = await customer.response(100, 180, 200)
        (leg,) = world.legs
        assert (leg.line, leg.called) == ("provider", NUMBER)
        routes = tuple(f"Route: {value}" for value in reversed(answer.headers.values("Record-Route")))
        target = str(answer.contacts[0].uri)
        for method, number in (("ACK", 1), ("BYE", 2)):
            customer.send(
                "\n".join(
                    [
                        f"{method} {target} SIP/2.0",
                        f"Via: SIP/2.0/UDP 127.0.0.1:{customer.port};rport;branch={customer.new_branch()}",
                        "Max-Forwards: 70",
                        *routes,
                        f"From: {answer.headers.get('From')}",
                        f"To: {answer.headers.get('To')}",
                        "Call-ID: in",
                        f"CSeq: {number} {method}",
                    ]
                )
            )
            if method == "ACK":
                assert await until(lambda: leg.state is LegState.UP)
        await customer.response(200)
        assert (leg.cause, leg.ended_by_peer) == (Cause.HUNG_UP, True)


@pytest.mark.timeout(90 + 45 * RESTARTS)
async def test_a_provider_that_was_down_is_registered_at_within_five_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X-N1, in real time: it answers OPTIONS."""
    hurry(monkeypatch)
    async with provided(tmp_path) as (world, _, kamailio):
        for _ in range(RESTARTS):
            await kamailio.stop()
            assert await until(lambda: not usable(world), 30), "the outage was not noticed"
            await asyncio.sleep(4)
            await kamailio.start()
            assert await until(lambda: usable(world), 6.5), "five seconds, and one and a half for Kamailio's own start"


async def test_calls_both_ways_through_a_router_that_loses_a_tenth(tmp_path: Path, seed: int) -> None:
    """RFC 3581 and section 17 of RFC 3261: the Contact is what the provider sees, and what is lost is sent again."""
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        with Peer(world.server.addresses[0], "customer") as customer:
            kamailio = Kamailio(tmp_path, "provider", customer.port)
            await kamailio.start()
            customer.server = customer.server._replace(port=kamailio.port)
            try:
                with LossyNat(customer.server, loss=0.1, dice=random.Random(seed)) as nat:
                    world.shop = Shop(
                        trunks=(
                            TrunkSettings(
                                name="provider",
                                host=str(nat.inside),
                                user=SHOP_USER,
                                password=SHOP_PASSWORD,
                                number=NUMBER,
                            ),
                        )
                    )
                    assert await until(lambda: usable(world), 60), "not registered"
                    customer.request("INVITE", SHOP_USER, call_id="in", number=1, body=customer.media.offer())
                    answer = await customer.response(100, 180, 200, within=40)
                    while answer.status != 200:
                        answer = await customer.response(100, 180, 200, within=40)
                    assert len(world.legs) == 1
                    world.legs[0].hangup()
                    trunk = world.server.trunks["provider"]
                    leg = trunk.dial(dialable(CUSTOMER), caller_id="", call_id="c", extension="101")
                    invite = await customer.asked("INVITE", within=40)
                    customer.respond(invite, 486, "Busy Here")
                    assert await until(lambda: leg.cause is Cause.BUSY, 40)
                    assert nat.passed >= 8
            finally:
                for each in world.legs:
                    each.hangup()
                await kamailio.stop()
