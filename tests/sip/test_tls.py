"""SIP over TLS: phones at our own certificate, and providers whose certificate must be that of their name."""

from __future__ import annotations

import asyncio
import ssl
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import SettingsError
from gateway.events import TrunkChanged
from gateway.settings import SipSettings, TlsFiles
from gateway.sip import listeners
from gateway.sip.certificate import client_context, make_certificate, server_context
from gateway.sip.stream import HANDSHAKE_SECONDS, MOST_PER_SOURCE
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.line import Caller
from gateway.telephony.shop import Shop, SipTransport, TrunkSettings
from tests.fakes.numbers import dialable
from tests.fakes.sip import SipWorld, answer_and_echo
from tests.fakes.sip_registrar import SHOP_PASSWORD, SHOP_USER, accepting
from tests.fakes.sip_stream_provider import StreamProvider, ca_file, stream_provider
from tests.interop.programs import until
from tests.sip.test_stream import StreamPeer, closed_after

NUMBER = "+74951234567"
CUSTOMER = "+79035550001"


def files(directory: Path) -> TlsFiles:
    return TlsFiles(directory / "tls" / "ours.pem", directory / "tls" / "ours.key", is_self_made=True)


class TlsPeer(StreamPeer):
    """A phone that trusts our certificate, and checks that it is ours."""

    transport = b"TLS"
    trusted: ssl.SSLContext

    async def connect(self, source: str = "127.0.0.1") -> None:
        self.reader, self.writer = await asyncio.open_connection(
            *self.server, local_addr=(source, 0), ssl=self.trusted, server_hostname=self.server.host
        )
        self._pump = asyncio.get_running_loop().create_task(self._read_stream())


async def tls_phone(world: SipWorld, tls: TlsFiles) -> TlsPeer:
    peer = TlsPeer(world.server.tls_addresses[0])
    peer.trusted = await asyncio.to_thread(client_context, str(tls.certificate))
    peer.trusted.verify_flags |= ssl.VERIFY_X509_STRICT  # ours is to pass where others are looked at closely
    await peer.connect()
    return peer


# Phones.


@pytest.mark.real_time
async def test_a_phone_on_tls_registers_calls_and_is_called(tmp_path: Path) -> None:
    tls = files(tmp_path)
    world = SipWorld(on_leg=answer_and_echo, tls=tls)
    async with world.server:
        phone = await tls_phone(world, tls)
        await phone.register()
        answer = await phone.call("2001")
        assert str(answer.contacts[0].uri).endswith(";transport=tls")
        assert answer.via.transport == "TLS"
        assert await until(lambda: world.legs[0].state is LegState.UP)
        world.legs[0].hangup()
        phone.respond(await phone.asked("BYE"), 200, "OK")
        leg = world.server.phones.dial("101", caller=Caller(number="102"))
        invite = await phone.asked("INVITE")
        phone.respond(invite, 486, "Busy Here")
        await phone.asked("ACK")
        assert leg.cause is Cause.BUSY
        await phone.disconnect()
        phone.close()
    assert stat.S_IMODE(tls.key.stat().st_mode) == 0o600


@pytest.mark.real_time
async def test_sips_is_served_on_tls_and_nowhere_else(tmp_path: Path) -> None:
    """RFC 3261 section 19.1; Contact has the scheme of the peer's (section 12.1.1)."""
    tls = files(tmp_path)
    world = SipWorld(on_leg=answer_and_echo, tls=tls)
    async with world.server:
        secure = await tls_phone(world, tls)
        plain = StreamPeer(world.server.addresses[0])
        await plain.connect()
        for phone in (secure, plain):
            await phone.register()
            host, port = phone.server
            uri = f"sips:2001@{host}:{port}"
            fields = [
                f"INVITE {uri} SIP/2.0",
                f"Via: SIP/2.0/UDP {phone.host}:{phone.port};branch={phone.new_branch()}",
                "Max-Forwards: 70",
                f"From: <sips:101@{host}>;tag=mine",
                f"To: <sips:2001@{host}>",
                f"Call-ID: sips-{phone.port}",
                f"Contact: <sips:101@{phone.host}:{phone.port}>",
            ]
            phone.send("\n".join([*fields, "CSeq: 1 INVITE"]))
            credentials = phone.authorization(await phone.response(401), "INVITE", uri)
            body = phone.media.offer()
            again = [*fields, "CSeq: 2 INVITE", credentials, "Content-Type: application/sdp"]
            again[1] = again[1].replace("branch=", "branch=z9hG4bKagain")
            phone.send("\n".join(again), body)
            await phone.response(100)
            if phone is plain:
                await phone.response(416)
                continue
            await phone.response(180)
            answer = await phone.response(200)
            assert str(answer.contacts[0].uri).startswith("sips:2001@127.0.0.1:")
        assert len(world.legs) == 1
        world.legs[0].hangup()
        for phone in (secure, plain):
            await phone.disconnect()
            phone.close()


async def test_half_a_handshake_is_no_way_in(tmp_path: Path) -> None:
    """T-S12: connections count from their first byte, and a handshake must come to an end."""
    world = SipWorld(tls=files(tmp_path))
    async with world.server:
        address = world.server.tls_addresses[0]
        clients = [await asyncio.open_connection(*address) for _ in range(MOST_PER_SOURCE + 5)]
        for _, writer in clients[: MOST_PER_SOURCE // 2]:
            writer.write(b"\x16\x03\x01\x02\x00")
        ends = [asyncio.get_running_loop().create_task(closed_after(reader)) for reader, _ in clients]
        await asyncio.sleep(1)
        assert [each.done() for each in ends].count(True) == 5
        await asyncio.sleep(HANDSHAKE_SECONDS + 1)
        assert all(each.done() for each in ends)
        for _, writer in clients:
            writer.close()


async def test_what_is_no_handshake_is_closed(tmp_path: Path) -> None:
    world = SipWorld(tls=files(tmp_path))
    async with world.server:
        reader, writer = await asyncio.open_connection(*world.server.tls_addresses[0])
        writer.write(b"OPTIONS sip:a SIP/2.0\r\n\r\n")
        assert await closed_after(reader) < 1
        writer.close()


def test_a_certificate_is_made_once_and_kept(tmp_path: Path) -> None:
    certificate, key = tmp_path / "a.pem", tmp_path / "a.key"
    make_certificate(certificate, key, ("127.0.0.1", "::1"))
    first = certificate.read_bytes()
    make_certificate(certificate, key, ("127.0.0.1",))
    assert certificate.read_bytes() == first
    certificate.write_text("broken")
    make_certificate(certificate, key, ())
    server_context(certificate, key)


@pytest.mark.real_time
async def test_a_renewed_certificate_is_shown_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listeners, "RENEWAL_SECONDS", 0.1)
    caplog.set_level("INFO", listeners.log.name)
    tls = files(tmp_path)
    make_certificate(tls.certificate, tls.key, ("127.0.0.1",))
    world = SipWorld(tls=tls)
    async with world.server:
        address = world.server.tls_addresses[0]
        first = await asyncio.to_thread(ssl.get_server_certificate, address)
        tls.certificate.unlink()
        await asyncio.sleep(0.3)
        make_certificate(tls.certificate, tls.key, ("127.0.0.1",))
        assert await until(lambda: "is shown from now on" in caplog.text)
        assert await asyncio.to_thread(ssl.get_server_certificate, address) != first
        second = tls.certificate.read_text()
        tls.certificate.write_text("broken")
        assert await until(lambda: "The former certificate is shown" in caplog.text)
        shown = await asyncio.to_thread(ssl.get_server_certificate, address)
        assert shown.strip() == second.strip()


async def test_a_certificate_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    for name in ("a.pem", "a.key"):
        (tmp_path / name).write_text("nothing")
    world = SipWorld(tls=TlsFiles(tmp_path / "a.pem", tmp_path / "a.key"))
    with pytest.raises(SettingsError, match=r"a\.pem with the key .* cannot be used for SIP over TLS"):
        async with world.server:
            pass


async def test_without_a_port_nothing_listens_for_tls(tmp_path: Path) -> None:
    assert SipSettings().tls_port is None
    world = SipWorld()
    async with world.server:
        assert world.server.tls_addresses == []


# Providers.


@asynccontextmanager
async def trunk(provider: StreamProvider, **settings: Any) -> AsyncIterator[SipWorld]:
    world = SipWorld(on_leg=answer_and_echo)
    given = {"transport": SipTransport.TLS, "user": SHOP_USER, "password": SHOP_PASSWORD, "number": NUMBER}
    row = TrunkSettings(name="provider", host=provider.address, **{**given, **settings})
    world.shop = Shop(phones=world.shop.phones, trunks=(row,))
    async with world.server:
        yield world
        for leg in world.legs:
            leg.hangup()


def usable(world: SipWorld) -> bool:
    found = world.server.trunks.get("provider")
    return found is not None and found.is_usable


def dial(world: SipWorld) -> Leg:
    return world.server.trunks["provider"].dial(dialable(CUSTOMER), caller_id="", call_id="c", extension="101")


async def calls_both_ways(world: SipWorld, provider: StreamProvider) -> None:
    leg = dial(world)
    invite = await provider.next_request("INVITE")
    kind = provider.transport
    assert invite.via.transport == kind
    assert str(invite.contacts[0].uri).endswith(f";transport={kind.lower()}")
    contact = f"Contact: <sip:{provider.address};transport={kind.lower()}>"
    provider.respond(invite, 200, extra=(contact,), body=provider.media.offer())
    await provider.next_request("ACK")
    assert await until(lambda: leg.state is LegState.UP)
    leg.hangup()
    provider.respond(await provider.next_request("BYE"), 200)
    lines = [
        f"INVITE sip:{SHOP_USER}@{provider.source} SIP/2.0",
        f"Via: SIP/2.0/UDP {provider.address};rport;branch=z9hG4bKin",
        "Max-Forwards: 70",
        f"From: <sip:{CUSTOMER}@{provider.host}>;tag=customer",
        f"To: <sip:{NUMBER}@{provider.host}>",
        "Call-ID: in",
        "CSeq: 1 INVITE",
        contact,
        "Content-Type: application/sdp",
    ]
    provider.send(lines, provider.media.offer())
    for status in (100, 180, 200):
        answer = await provider.next_response(status)
    assert (world.legs[0].line, world.legs[0].peer) == ("provider", CUSTOMER)
    assert provider.connections == 1, "calls both ways, and the registration, by one connection"
    assert answer.via.transport == kind


@pytest.mark.real_time
@pytest.mark.parametrize("kind", [SipTransport.TCP, SipTransport.TLS])
async def test_a_provider_on_a_connection(kind: SipTransport, tmp_path: Path) -> None:
    secure = kind is SipTransport.TLS
    async with (
        stream_provider(accepting(), tmp_path if secure else None) as provider,
        trunk(provider, transport=kind, ca_file=ca_file(tmp_path) if secure else None) as world,
    ):
        assert await until(lambda: usable(world))
        contact = str(provider.registers[-1].request.contacts[0].uri)
        assert contact == f"sip:{SHOP_USER}@{provider.source};transport={kind}"
        await calls_both_ways(world, provider)


@pytest.mark.real_time
async def test_a_connection_that_breaks_is_made_again(tmp_path: Path) -> None:
    async with (
        stream_provider(accepting(), tmp_path) as provider,
        trunk(provider, ca_file=ca_file(tmp_path)) as world,
    ):
        assert await until(lambda: usable(world))
        provider.cut()
        assert await until(lambda: not usable(world)), "it is noticed at once"
        assert await until(lambda: usable(world)), "and the registration is renewed"
        assert provider.connections == 2
        leg = dial(world)
        await provider.next_request("INVITE")
        leg.hangup()


@pytest.mark.real_time
@pytest.mark.parametrize("fault", ["another name", "unknown authority"])
async def test_a_certificate_that_is_not_the_providers_gets_no_word_of_ours(fault: str, tmp_path: Path) -> None:
    certified_for = "127.0.0.2" if fault == "another name" else "127.0.0.1"
    async with (
        stream_provider(accepting(), tmp_path, certified_for=certified_for) as provider,
        trunk(provider, ca_file=ca_file(tmp_path) if fault == "another name" else None) as world,
    ):
        assert await until(lambda: any(isinstance(each, TrunkChanged) for each in world.events))
        changes = [(each.state, each.reason) for each in world.events if isinstance(each, TrunkChanged)]
        assert changes[0] == ("failed", "bad-certificate")
        assert not usable(world)
        assert not provider.asked


async def test_a_provider_that_takes_no_connection_is_tried_again_without_a_storm() -> None:
    async with stream_provider(accepting()) as provider, trunk(provider, transport=SipTransport.TCP) as world:
        await asyncio.sleep(2)
        assert usable(world)
        await provider.shut()
        await asyncio.sleep(300)
        assert not usable(world)
        before = provider.connections
        await provider.listen()
        await asyncio.sleep(6)
        assert usable(world), "a port that opens again is found within five seconds"
        assert provider.connections - before <= 3
