"""Phones and providers on IPv4 and IPv6: bound there, named in brackets, with their media there (RFC 5118)."""

from __future__ import annotations

import asyncio
import socket

import numpy as np
import pytest

from gateway.sip.resolver import SystemNames
from gateway.sip.transport import Address
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.line import Caller
from gateway.telephony.shop import Shop, TrunkSettings
from tests.fakes.numbers import dialable
from tests.fakes.sip import SipWorld, answer_and_echo
from tests.fakes.sip_peer import Peer
from tests.fakes.sip_registrar import SHOP_PASSWORD, SHOP_USER, Provider, accepting
from tests.interop.programs import until

NUMBER = "+74951234567"
CUSTOMER = "+79035550001"


def _is_here(host: str) -> bool:
    """Containers may have no IPv6 at all."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


HOSTS = pytest.mark.parametrize("host", [host for host in ("127.0.0.1", "::1") if _is_here(host)])


def family(host: str) -> str:
    return "IP6" if ":" in host else "IP4"


@HOSTS
@pytest.mark.real_time
async def test_a_phone_registers_calls_is_heard_and_called(host: str) -> None:
    world = SipWorld(on_leg=answer_and_echo, host=host)
    async with world.server:
        with Peer(world.server.addresses[0], host=host) as phone:
            await phone.register()
            answer = await phone.call("2001")
            assert str(answer.contacts[0].uri) == f"sip:2001@{world.server.addresses[0]}"
            assert f"\r\nc=IN {family(host)} {host}\r\n".encode() in answer.body
            assert ("received", host) in answer.via.parameters
            for _ in range(25):
                phone.media.send_frame(np.full(160, 4000, np.int16))
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.1)
            assert len(phone.media.heard) >= 10
            world.legs[0].hangup()
            phone.respond(await phone.asked("BYE"), 200, "OK")
            leg = world.server.phones.dial("101", caller=Caller(number="102"))
            invite = await phone.asked("INVITE")
            assert str(invite.uri) == f"sip:101@{Address(host, phone.port)}"
            assert invite.via.host == host
            phone.respond(invite, 486, "Busy Here")
            await phone.asked("ACK")
            assert leg.cause is Cause.BUSY


@HOSTS
@pytest.mark.real_time
async def test_a_provider_and_its_calls(host: str) -> None:
    with Provider(accepting(), host=host) as provider:
        world = SipWorld(host=host)
        row = TrunkSettings(
            name="provider", host=provider.address, user=SHOP_USER, password=SHOP_PASSWORD, number=NUMBER
        )
        world.shop = Shop(trunks=(row,))
        async with world.server:
            assert await until(lambda: "provider" in world.server.trunks and world.server.trunks["provider"].is_usable)
            trunk = world.server.trunks["provider"]
            leg = trunk.dial(dialable(CUSTOMER), caller_id="", call_id="c", extension="101")
            invite = await provider.next_request("INVITE")
            assert str(invite.uri) == f"sip:{CUSTOMER}@{Address(host, provider.port)}"
            assert f"c=IN {family(host)} {host}\r\n".encode() in invite.body
            contact = f"Contact: <sip:{provider.address}>"
            provider.respond(invite, 200, extra=(contact,), body=provider.media.offer())
            await provider.next_request("ACK")
            assert await until(lambda: leg.state is LegState.UP)
            leg.hangup()
            provider.respond(await provider.next_request("BYE"), 200)


@pytest.mark.real_time
async def test_the_system_knows_the_addresses_of_this_machine() -> None:
    assert set(await SystemNames().addresses("localhost")) <= {"127.0.0.1", "::1"}
    assert str(Address("::1", 5060)) == "[::1]:5060"
