"""The door: torture, garbage, floods and strangers (T-S3, T-S10, T-S11, T-S14, T-S15)."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import AddressInUse, SettingsError
from gateway.settings import SipSettings
from gateway.sip.addresses import addresses_of, interface_addresses, lan_addresses
from gateway.sip.message import parse_message
from gateway.sip.server import SipServer
from gateway.sip.transport import Address, is_private
from gateway.telephony.leg import LegState
from gateway.telephony.shop import Shop
from tests.fakes.modem_ledgers import MemoryBudget
from tests.fakes.sip import MemoryBindings, SipWorld, answer_and_echo
from tests.fakes.sip_lossy import Link, LinkFlow
from tests.fakes.sip_peer import Peer

MESSAGES = Path(__file__).parents[1] / "data" / "rfc4475"
MANIFEST = json.loads((MESSAGES / "MANIFEST.json").read_text())
OURS = Address("127.0.0.1", 5060)


def answers_to(server: SipServer, data: bytes, host: str = "127.0.0.1", port: int = 5999) -> list[int]:
    """The statuses that one datagram is answered with, wherever the answers go.

    An answer repeats From, To and Call-ID as they came, broken or not: only its status line is read.
    """
    link = Link()
    server.receive(data, LinkFlow(link, OURS, Address(host, port)))
    return [int(each.split()[1]) for each in link.sent if each.startswith(b"SIP/2.0 ")]


@pytest.mark.parametrize("row", MANIFEST, ids=lambda row: row["file"])
async def test_torture_is_answered_as_the_rfc_allows(row: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """RFC 4475, over UDP: every answer is an allowed one, silence only where that is allowed, and nothing dies."""
    world = SipWorld()
    async with world.server:
        data = (MESSAGES / str(row["file"])).read_bytes()
        with caplog.at_level(logging.WARNING):
            answers = answers_to(world.server, data)
        allowed = {*row["rfc"], *row["may"]}
        # 401 is what every stranger gets for a message that can be read (T-S2).
        assert set(answers) <= allowed | ({401} if row["valid"] else set())
        assert answers or row["silent_ok"]
        assert not caplog.records
        assert not world.legs


async def test_mutations_neither_kill_nor_leave_a_trace(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    source = random.Random(seed)
    messages = [path.read_bytes() for path in sorted(MESSAGES.glob("*.dat"))]
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        with caplog.at_level(logging.WARNING):
            for number in range(4_000):
                data = bytearray(source.choice(messages))
                for _ in range(source.randint(1, 8)):
                    place = source.randrange(len(data))
                    data[place : place + source.randint(0, 3)] = source.randbytes(source.randint(0, 3))
                host = f"10.{number >> 8 & 255}.{number & 255}.1"
                world.server.receive(bytes(data), LinkFlow(Link(), OURS, Address(host, 5060)))
                if number % 100 == 0:
                    await asyncio.sleep(1)
        assert not caplog.records
        assert not world.legs
        assert len(world.server._wire.transactions) == 0
        with Peer(world.server.addresses[0]) as phone:
            await phone.call("2001")
            world.legs[0].hangup()


@pytest.mark.parametrize(
    "method", ["INVITE", "REGISTER", "MESSAGE", "SUBSCRIBE", "REFER", "PUBLISH", "OPTIONS", "NOTIFY"]
)
async def test_nobody_begins_anything_without_proof(method: str) -> None:
    """T-S3: a challenge, and no state; also with a tag of a dialog that there is not."""
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        with Peer(world.server.addresses[0]) as stranger:
            stranger.request(method, "2001", call_id="a", number=1)
            await stranger.response(401)
            stranger.request(method, "2001", call_id="b", number=1, to_tag="invented")
            await stranger.response(481)
            for user in ("101", "nobody"):
                stranger.user, stranger.password = user, "guessed"
                stranger.request(method, "2001", call_id=f"c-{user}", number=1)
                challenge = await stranger.response(401)
                fields = (stranger.authorization(challenge, method, "sip:2001@x"),)
                stranger.request(method, "2001", call_id=f"c-{user}", number=2, extra=fields)
                await stranger.response(401)
        assert not world.legs
        assert len(world.server._wire.transactions) == 0


async def test_only_private_sources_are_heard() -> None:
    """T-S14: silence, not 403."""
    world = SipWorld()
    async with world.server:
        data = (MESSAGES / "semiuri.dat").read_bytes()
        for host in ("8.8.8.8", "100.64.0.1", "2001:db8::1", "172.32.0.1", "::ffff:8.8.8.8"):
            assert answers_to(world.server, data, host) == []
        for host in ("10.0.0.1", "192.168.1.1", "172.16.0.1", "fd00::1"):
            assert answers_to(world.server, data, host)


@pytest.mark.parametrize(
    ("host", "private"),
    [("fe80::1%eth0", True), ("::1", True), ("169.254.1.1", True), ("192.0.2.1", False), ("example.com", False)],
)
def test_what_is_private(host: str, private: bool) -> None:
    assert is_private(host) is private


async def test_a_flood_leaves_honest_phones_alone() -> None:
    """T-S11: 1,000 packets a second from 200 addresses; no state, and a phone logs in within half a second."""
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.register()
            flood = (MESSAGES / "semiuri.dat").read_bytes()
            link = Link()
            for step in range(50):
                for number in range(20):
                    source = Address(f"10.0.0.{(20 * step + number) % 200}", 5060)
                    world.server.receive(flood, LinkFlow(link, OURS, source))
                await asyncio.sleep(0.02)
            assert len(link.sent) <= 620
            assert len(world.server._wire.transactions) <= 1
            before = asyncio.get_running_loop().time()
            await phone.register()
            assert asyncio.get_running_loop().time() - before < 0.5


async def test_one_source_is_heard_forty_times_in_two_seconds() -> None:
    world = SipWorld()
    async with world.server:
        link = Link()
        for _ in range(200):
            world.server.receive((MESSAGES / "semiuri.dat").read_bytes(), LinkFlow(link, OURS, Address("10.0.0.1", 5)))
        assert len(link.sent) == 40


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\r\n", b"\0", b"\0\0\0\0"])
async def test_keep_alives_are_no_messages(data: bytes) -> None:
    world = SipWorld()
    async with world.server:
        assert answers_to(world.server, data) == []


def note_port(ports: list[int]) -> Callable[[bytes, LinkFlow], None]:
    def note(_data: bytes, flow: LinkFlow) -> None:
        ports.append(flow.local.port)

    return note


async def test_answers_go_to_the_source() -> None:
    """RFC 3581: with rport to the port it came from; without to the Via's port of the same host."""
    world = SipWorld()
    async with world.server:
        for rport, port in ((";rport", 5999), ("", 5061)):
            link = Link()
            ports: list[int] = []
            for each in (5999, 5061):
                link.receivers[Address("10.0.0.1", each)] = note_port(ports)
            data = (
                "OPTIONS sip:101@127.0.0.1 SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP 192.0.2.1:5061;branch=z9hG4bKx{rport}\r\n"
                "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n"
            ).encode()
            world.server.receive(data, LinkFlow(link, OURS, Address("10.0.0.1", 5999)))
            await asyncio.sleep(0.01)
            assert ports == [port]
            answer = parse_message(link.sent[0])
            assert answer.via.parameters[-1] == ("received", "10.0.0.1")


async def test_no_version_is_told_and_options_need_proof_from_strangers() -> None:
    """T-S15."""
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            phone.request("OPTIONS", "2001", call_id="o", number=1)
            assert (await phone.response(401)).headers.get("Server") == "simbridge"
            await phone.register()
            phone.request("OPTIONS", "2001", call_id="o", number=1)
            answer = await phone.response(200)
            assert "INVITE" in (answer.headers.get("Allow") or "")
            assert not any(character.isdigit() for character in answer.headers.get("Server") or "")


async def test_a_port_in_use_is_one_sentence() -> None:
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("127.0.0.1", 0))
    world = SipWorld(port=taken.getsockname()[1])
    with pytest.raises(AddressInUse, match="another program is using it"):
        async with world.server:
            pass
    taken.close()


async def test_an_address_of_another_machine_is_one_sentence() -> None:
    server = SipServer(
        SipSettings(bind=("192.0.2.77",), port=0),
        Shop,
        lambda _e: None,
        lambda _l: None,
        bindings=MemoryBindings(),
        budget=MemoryBudget(),
    )
    with pytest.raises(AddressInUse, match="does not have that address"):
        async with server:
            pass


def test_bind_takes_addresses_interfaces_and_lan() -> None:
    assert addresses_of(("127.0.0.1", "127.0.0.1")) == ("127.0.0.1",)
    assert interface_addresses("lo")[0] == "127.0.0.1"
    assert "127.0.0.1" in addresses_of(("lo",))
    assert addresses_of(("0.0.0.0", "127.0.0.1")) == ("0.0.0.0",)
    assert all(is_private(address) for address in lan_addresses())
    with pytest.raises(SettingsError, match='"eth99" is no address'):
        addresses_of(("eth99",))


async def test_two_calls_of_two_phones_with_the_same_names_are_two_calls() -> None:
    """pyVoIP counts Call-IDs and branches from one at each start (libraries: its blocker 2)."""
    world = SipWorld(on_leg=answer_and_echo)
    async with world.server:
        with Peer(world.server.addresses[0]) as one, Peer(world.server.addresses[0], "102") as two:
            two.tag = "other"
            for phone in (one, two):
                phone.new_branch = lambda: f"z9hG4bKsame{random.random()}"  # type: ignore[method-assign]  # names of its own
                await phone.invite("2001", call_id="same", branch="z9hG4bKsame")
                await phone.response(100)
                await phone.response(180)
                await phone.response(200)
            await asyncio.sleep(0.1)
            assert [leg.peer for leg in world.legs] == ["101", "102"]
            for leg in world.legs:
                leg.hangup()
                assert leg.state is LegState.ENDED


async def test_a_response_that_nobody_asked_for_is_dropped() -> None:
    """RFC 4475 section 3.3.10: a stray 200 with a broadcast Via is dropped."""
    world = SipWorld()
    async with world.server:
        link = Link()
        world.server.receive((MESSAGES / "bcast.dat").read_bytes(), LinkFlow(link, OURS, Address("10.0.0.1", 5060)))
        assert not link.sent
