"""X-N4: our own address changes. In virtual time, on addresses of loopback; really in tests/interop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from gateway.sip import listeners, transport
from gateway.sip.message import Request
from gateway.sip.transport import Address
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.line import Caller
from gateway.telephony.shop import Shop, TrunkSettings
from tests.fakes.numbers import dialable
from tests.fakes.sip import SipWorld, answer_and_echo
from tests.fakes.sip_peer import Peer
from tests.fakes.sip_registrar import SHOP_PASSWORD, SHOP_USER, Provider, accepting

CUSTOMER = "+79035550001"


@dataclass
class Network:
    """The addresses that this machine has; packets to everybody leave by the last one."""

    monkeypatch: pytest.MonkeyPatch
    hosts: list[str] = field(default_factory=lambda: ["127.0.0.2"])

    def __post_init__(self) -> None:
        self.monkeypatch.setattr(listeners, "addresses_of", self._bind)
        self.monkeypatch.setattr(listeners, "is_only_here", lambda hosts: all(each == "127.0.0.1" for each in hosts))
        self.monkeypatch.setattr(listeners, "is_ours", self.hosts.__contains__)
        self.monkeypatch.setattr(transport, "local_host_towards", lambda _host: self.hosts[-1] if self.hosts else None)

    def _bind(self, entries: tuple[str, ...]) -> tuple[str, ...]:
        if entries == ("lan",):
            return tuple(self.hosts) or ("127.0.0.1",)
        return entries


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    return Network(monkeypatch)


BINDS = pytest.mark.parametrize("bind", ["lan", "0.0.0.0"])


@asynccontextmanager
async def at_home(network: Network, bind: str) -> AsyncIterator[tuple[SipWorld, Provider]]:
    """A registered trunk."""
    with Provider(accepting()) as provider:
        world = SipWorld(on_leg=answer_and_echo, host=bind)
        row = TrunkSettings(name="provider", host=provider.address, user=SHOP_USER, password=SHOP_PASSWORD)
        world.shop = Shop(phones=world.shop.phones, trunks=(row,))
        async with world.server:
            await asyncio.sleep(2)
            assert [host_of(each.request) for each in provider.registers] == ["127.0.0.2"] * 2
            yield world, provider


def host_of(request: Request) -> str:
    uri = request.contacts[0].uri
    return uri.host  # type: ignore[union-attr]  # else it fails


def registered_at(provider: Provider) -> list[str]:
    return [str(each.uri).partition("@")[2].partition(":")[0] for each in provider.registers[-1].request.contacts]


@BINDS
@pytest.mark.parametrize("gap", [0.0, 1.0, 30.0, 200.0])
async def test_the_trunk_is_registered_at_the_new_address(network: Network, bind: str, gap: float) -> None:
    """Noticed in 10 s, registered in 15 s, however long there was no address at all in between."""
    async with at_home(network, bind) as (world, provider):
        network.hosts.clear()
        await asyncio.sleep(gap)
        before = len(provider.registers)
        network.hosts.append("127.0.0.3")
        await asyncio.sleep(15)
        assert world.server.trunks["provider"].is_usable
        assert len(provider.registers) - before in (2, 3), "the new one, its challenge, and one that was under way"
        assert host_of(provider.registers[-1].request) == "127.0.0.3"
        if gap < 30:
            assert registered_at(provider) == ["127.0.0.3", "127.0.0.2"]
            assert provider.registers[-1].request.contacts[1].parameter("expires") == "0", "no call goes there any more"
        await asyncio.sleep(300)
        assert registered_at(provider) == ["127.0.0.3"]
        if bind == "lan":
            assert [each.host for each in world.server.addresses] == ["127.0.0.3"]


async def test_an_address_that_stays_changes_nothing(network: Network) -> None:
    async with at_home(network, "lan") as (world, provider):
        network.hosts.insert(0, "127.0.0.9")
        await asyncio.sleep(100)
        assert [each.host for each in world.server.addresses] == ["127.0.0.2", "127.0.0.9"], "listened on, too"
        assert len(provider.registers) == 2
        network.hosts.remove("127.0.0.9")
        await asyncio.sleep(5)
        assert [each.host for each in world.server.addresses] == ["127.0.0.2"]


async def test_who_started_without_a_network_finds_it(network: Network) -> None:
    """A Raspberry Pi that boots faster than its router."""
    network.hosts.clear()
    world = SipWorld(host="lan")
    async with world.server:
        assert [each.host for each in world.server.addresses] == ["127.0.0.1"]
        network.hosts.append("127.0.0.5")
        await asyncio.sleep(3)
        assert "127.0.0.5" in [each.host for each in world.server.addresses]


@BINDS
async def test_a_call_by_the_trunk_goes_on(network: Network, bind: str) -> None:
    async with at_home(network, bind) as (world, provider):
        leg = world.server.trunks["provider"].dial(dialable(CUSTOMER), caller_id="", call_id="c1", extension="101")
        invite = await provider.next_request("INVITE")
        provider.respond(invite, 200, extra=(f"Contact: <sip:x@{provider.address}>",), body=provider.media.offer())
        await provider.next_request("ACK")
        network.hosts[:] = ["127.0.0.3"]
        moved = await provider.next_request("INVITE")
        assert moved.call_id == invite.call_id
        assert moved.recipient.tag is not None
        assert host_of(moved) == "127.0.0.3"
        assert b"c=IN IP4 127.0.0.3" in moved.body
        provider.respond(moved, 200, extra=(f"Contact: <sip:x@{provider.address}>",), body=provider.media.offer())
        assert (await provider.next_request("ACK")).cseq.number == moved.cseq.number
        await asyncio.sleep(10)
        assert not provider.calls, "it is told once"
        assert leg.state is LegState.UP
        leg.hangup()
        assert str((await provider.next_request("BYE")).via.host) == "127.0.0.3"


@asynccontextmanager
async def phone_in_call(network: Network, bind: str, *, we_called: bool) -> AsyncIterator[tuple[SipWorld, Peer, Leg]]:
    """A phone that is registered, and talks and is heard."""
    world = SipWorld(on_leg=answer_and_echo, host=bind)
    async with world.server:
        server = Address("127.0.0.2", world.server.addresses[0].port)
        with Peer(server) as phone:
            await phone.register(expires=3600)
            if we_called:
                leg = world.server.phones.dial("101", caller=Caller(number="102"))
                invite = await phone.asked("INVITE")
                phone.media.use_answer(invite.body)
                phone.respond(invite, 200, "OK", body=phone.media.offer())
                await phone.asked("ACK")
                leg.port.hear(leg.port)
            else:
                await phone.call("2001")
                (leg,) = world.legs
                await asyncio.sleep(0.1)
            assert leg.state is LegState.UP
            yield world, phone, leg
            leg.hangup()


@BINDS
@pytest.mark.parametrize("we_called", [True, False])
async def test_a_call_of_a_phone_goes_on_with_its_sound(network: Network, bind: str, we_called: bool) -> None:
    async with phone_in_call(network, bind, we_called=we_called) as (world, phone, leg):
        network.hosts[:] = ["127.0.0.3"]
        moved = await phone.asked("INVITE", within=10)
        assert host_of(moved) == "127.0.0.3"
        phone.server = Address("127.0.0.3", world.server.addresses[0].port)
        phone.respond(moved, 200, "OK", body=phone.media.offer())
        await phone.asked("ACK")
        port = int(moved.body.split(b"m=audio ")[1].split()[0])
        phone.media.remote = ("127.0.0.3", port)
        phone.media.heard.clear()
        for number in range(10):
            phone.media.send(bytes([number]) * 160)
            await asyncio.sleep(0.02)
        heard = {packet.payload[0] for packet in phone.media.heard}
        assert set(range(10)) <= heard, "its own voice comes back from the new address"
        assert leg.state is LegState.UP
        again = world.server.phones.dial("101", caller=Caller(number="102"))
        invite = await phone.asked("INVITE")
        assert host_of(invite) == "127.0.0.3", "the phone is rung from the new address"
        phone.respond(invite, 486, "Busy Here")
        await phone.asked("ACK")
        assert again.cause is Cause.BUSY


@BINDS
async def test_a_phone_that_is_not_reached_any_more_ends_the_call_in_35_seconds(network: Network, bind: str) -> None:
    async with phone_in_call(network, bind, we_called=False) as (_, _, leg):
        network.hosts[:] = ["127.0.0.3"]
        assert await leg.ended(within=35) in (Cause.NETWORK_LOST, Cause.NO_AUDIO)


async def test_with_no_address_at_all_the_call_ends_in_35_seconds(network: Network) -> None:
    async with phone_in_call(network, "lan", we_called=True) as (_, _, leg):
        network.hosts.clear()
        assert await leg.ended(within=35) is Cause.NO_AUDIO


@pytest.mark.parametrize("status", [491, 500])
async def test_a_move_that_is_refused_is_told_again(network: Network, status: int) -> None:
    async with phone_in_call(network, "lan", we_called=True) as (world, phone, leg):
        network.hosts[:] = ["127.0.0.3"]
        moved = await phone.asked("INVITE", within=10)
        phone.server = world.server.addresses[0]
        phone.respond(moved, status, "Not now")
        await phone.asked("ACK")
        again = await phone.asked("INVITE", within=10)
        assert host_of(again) == "127.0.0.3"
        phone.respond(again, 200, "OK", body=phone.media.offer())
        await phone.asked("ACK")
        leg.hangup()
        phone.respond(await phone.asked("BYE"), 200, "OK")
