"""baresip as a phone: it registers, calls and is called; its own audio comes back to it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.settings import TlsFiles
from gateway.sip.certificate import make_certificate
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.line import Caller
from tests.fakes.sip import SipWorld, answer_and_echo
from tests.interop.programs import baresip, until

pytestmark = [pytest.mark.interop, pytest.mark.real_time]


def address(world: SipWorld) -> tuple[str, int]:
    server = world.server.addresses[0]
    return server.host, server.port


async def test_it_registers_calls_and_hears_itself(tmp_path: Path) -> None:
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server, baresip(address(world), tmp_path) as phone:
        assert await until(lambda: world.server.phones.is_reachable("101")), (tmp_path / "log").read_text()
        await phone.command("dial", f"2001@127.0.0.1:{world.server.addresses[0].port}")
        assert await until(lambda: bool(world.legs) and world.legs[0].state is LegState.UP)
        leg = world.legs[0]
        assert await until(lambda: leg.port.counters.frames_in > 50)
        await phone.command("hangup")
        assert await leg.ended(within=5) is Cause.HUNG_UP
        assert leg.port.counters.lost == 0
        assert leg.port.counters.frames_out >= 50


async def test_it_is_called_and_we_hang_up(tmp_path: Path) -> None:
    world = SipWorld()
    async with world.server:
        async with baresip(address(world), tmp_path) as phone:
            assert await until(lambda: world.server.phones.is_reachable("101")), (tmp_path / "log").read_text()
            leg = world.server.phones.dial("101", caller=Caller(number="+79161234567", name="Анна"))
            assert await leg.up(within=8), (tmp_path / "log").read_text()
            leg.port.hear(leg.port)
            assert await until(lambda: leg.port.counters.frames_in > 50)
            leg.hangup()
            await asyncio.sleep(0.3)
            leg = world.server.phones.dial("101", caller=Caller(number="102"))
            assert await leg.up(within=8)
            await phone.command("hangup")
            assert await leg.ended(within=5) is Cause.HUNG_UP
            assert leg.ended_by_peer
        assert await until(lambda: not world.server.phones.is_reachable("101"))  # it signs off when it stops


async def test_it_registers_and_calls_on_tls(tmp_path: Path) -> None:
    """By a certificate of our own making, which it has been told to trust."""
    certificate, key = tmp_path / "ours.pem", tmp_path / "ours.key"
    make_certificate(certificate, key, ("127.0.0.1",))
    (tmp_path / "ours.phone").write_bytes(certificate.read_bytes() + key.read_bytes())
    world = SipWorld(on_leg=answer_and_echo, tls=TlsFiles(certificate, key))
    async with world.server:
        server = world.server.tls_addresses[0]
        async with baresip((server.host, server.port), tmp_path, ca_file=certificate) as phone:
            assert await until(lambda: world.server.phones.is_reachable("101")), (tmp_path / "log").read_text()
            assert all(contact.endswith(";transport=tls") for _, contact in world.bindings.rows)
            await phone.command("dial", f"sip:2001@127.0.0.1:{server.port};transport=tls")
            assert await until(lambda: bool(world.legs) and world.legs[0].state is LegState.UP)
            assert await until(lambda: world.legs[0].port.counters.frames_in > 20)
            called = world.server.phones.dial("101", caller=Caller(number="102"))
            world.legs[0].hangup()
            assert await called.up(within=8), (tmp_path / "log").read_text()
            called.hangup()
            await asyncio.sleep(0.3)
