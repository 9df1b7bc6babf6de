"""Where a provider is: SRV by priority and weight, NAPTR, and other ways when one fails (RFC 3263, RFC 2782)."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.sip.message import Request
from gateway.sip.place import FAILED_SECONDS, Place
from gateway.sip.resolver import Naptr, Srv, in_order
from gateway.sip.transport import Address
from gateway.sip.trunk import FIRST_WORD_SECONDS
from gateway.telephony.causes import Cause
from gateway.telephony.shop import Shop, SipTransport, TrunkSettings
from tests.fakes.sip import SipWorld
from tests.fakes.sip_registrar import SHOP_PASSWORD, SHOP_USER, Provider, accepting, challenge, is_right
from tests.sip.test_trunk import Names, dial, flow_to

SRV = "_sip._udp.example.net"


def place(names: Names, host: str = "example.net", transport: SipTransport = SipTransport.UDP) -> Place:
    return Place(host, flow_to, names, transport=transport)


def shown(found: Place) -> list[str]:
    return [f"{hop.transport} {hop.address}" for hop in found.hops]


def test_priority_comes_first_and_weight_shares_the_load(seed: int) -> None:
    dice = random.Random(seed)
    records = [Srv(20, 100, 5060, "last"), Srv(10, 30, 5060, "often"), Srv(10, 10, 5060, "seldom"), Srv(10, 0, 1, "no")]
    firsts: Counter[str] = Counter()
    for _ in range(4000):
        ordered = in_order(records, dice)
        assert ordered[-1].target == "last"
        assert sorted(ordered) == sorted(records)
        firsts[ordered[0].target] += 1
    assert 0.70 < firsts["often"] / 4000 < 0.80
    assert 0.20 < firsts["seldom"] / 4000 < 0.30
    assert firsts["no"] < 40


async def test_srv_records_say_where_and_the_next_is_used_when_one_fails() -> None:
    names = Names()
    names.found = ["10.0.0.1"]
    names.records = {SRV: [Srv(20, 0, 5062, "10.0.0.2"), Srv(10, 0, 5061, "one.example.net")]}
    found = place(names)
    await found.look_up()
    assert shown(found) == ["UDP 10.0.0.1:5061", "UDP 10.0.0.2:5062"]
    assert [flow.remote for flow in found.spare_flows()] == [Address("10.0.0.2", 5062)]
    found.has_failed()
    assert found.flow is not None
    assert found.flow.remote == Address("10.0.0.2", 5062)
    await found.look_up()
    assert found.hosts == ("10.0.0.2", "10.0.0.1"), "a look-up does not bring back what has just failed"
    found.has_failed()
    assert found.hosts == ("10.0.0.1", "10.0.0.2"), "when all have failed, the one longest ago is next"
    await asyncio.sleep(FAILED_SECONDS + 1)
    assert found.hosts == ("10.0.0.1", "10.0.0.2"), "and in the end the order of the DNS holds again"


async def test_a_port_or_an_address_asks_for_no_srv() -> None:
    names = Names()
    names.found = ["10.0.0.1"]
    names.records = {SRV: [Srv(10, 0, 5061, "10.0.0.9")]}
    found = place(names, "example.net:5070")
    await found.look_up()
    assert shown(found) == ["UDP 10.0.0.1:5070"]
    assert shown(place(names, "10.0.0.7")) == ["UDP 10.0.0.7:5060"]
    assert shown(place(names, "10.0.0.7", SipTransport.TLS)) == ["TLS 10.0.0.7:5061"]
    assert shown(place(names, "[fd00::7]:5080", SipTransport.TCP)) == ["TCP [fd00::7]:5080"]


async def test_naptr_chooses_the_transport_where_the_owner_leaves_it_to_it() -> None:
    names = Names()
    names.found = ["10.0.0.1"]
    names.pointers = [
        Naptr(50, 50, "SIP+D2U", "_sip._udp.example.net"),
        Naptr(10, 50, "SIP+D2W", "_ws._tcp.example.net"),
        Naptr(20, 50, "SIPS+D2T", "_sips._tcp.example.net"),
    ]
    names.records = {SRV: [Srv(1, 1, 5060, "a")], "_sips._tcp.example.net": [Srv(1, 1, 5061, "a")]}
    found = place(names, transport=SipTransport.AUTO)
    await found.look_up()
    assert shown(found) == ["TLS 10.0.0.1:5061"]
    del names.records["_sips._tcp.example.net"]
    found = place(names, transport=SipTransport.AUTO)
    await found.look_up()
    assert shown(found) == ["UDP 10.0.0.1:5060"]
    names.pointers, names.records = [], {"_sip._tcp.example.net": [Srv(1, 1, 5064, "a")]}
    found = place(names, transport=SipTransport.AUTO)
    await found.look_up()
    assert shown(found) == ["TCP 10.0.0.1:5064"], "no NAPTR: the SRV records of each transport that we speak"


async def test_a_name_that_is_not_served_by_this_transport_is_taken_as_it_is() -> None:
    names = Names()
    names.found = ["10.0.0.1"]
    names.records = {SRV: [Srv(0, 0, 0, ".")]}
    found = place(names)
    await found.look_up()
    assert shown(found) == ["UDP 10.0.0.1:5060"]


async def test_a_target_without_an_address_is_passed_over() -> None:
    class Partly(Names):
        async def addresses(self, host: str) -> list[str]:
            if host == "gone.example.net":
                raise OSError("no such name")
            return ["10.0.0.4"]

    names = Partly()
    names.records = {SRV: [Srv(1, 0, 5060, "gone.example.net"), Srv(2, 0, 5060, "there.example.net")]}
    found = place(names)
    await found.look_up()
    assert shown(found) == ["UDP 10.0.0.4:5060"]


# The whole trunk.


@asynccontextmanager
async def by_srv(*, first_speaks: bool) -> AsyncIterator[tuple[SipWorld, Provider, Provider]]:
    """A trunk whose name leads to two servers; the second is only needed when the first fails."""
    with Provider(accepting()) as first, Provider(accepting(), host="127.0.0.2") as second:
        if not first_speaks:
            first.script, first.answers_options = (lambda _request: None), False
        names = Names()
        names.records = {SRV: [Srv(10, 0, first.port, first.host), Srv(20, 0, second.port, second.host)]}
        world = SipWorld()
        row = TrunkSettings(
            name="provider", host="example.net", user=SHOP_USER, password=SHOP_PASSWORD, number="+74951234567"
        )
        world.shop = Shop(trunks=(row,))
        world.server = world.new_server(names=names)
        async with world.server:
            await asyncio.sleep(2 if first_speaks else 50)
            yield world, first, second


async def test_a_server_that_does_not_answer_is_followed_by_the_next() -> None:
    async with by_srv(first_speaks=False) as (world, first, second):
        assert world.server.trunks["provider"].is_usable
        assert first.registers
        assert second.registers


@pytest.mark.parametrize("status", [None, 503])
async def test_a_call_that_one_server_does_not_take_is_given_to_the_next(status: int | None) -> None:
    """RFC 3263 section 4.3: silence, or no room; and what the second says is the answer."""
    async with by_srv(first_speaks=True) as (world, first, second):
        leg = dial(world)
        invite = await first.next_request("INVITE")
        if status is not None:
            first.respond(invite, status)
            await first.next_request("ACK")
        again = await second.next(within=FIRST_WORD_SECONDS + 2)
        assert isinstance(again, Request)
        assert again.via.branch != invite.via.branch
        assert again.headers.get("Proxy-Authorization") is None
        second.respond(again, 407, extra=(challenge("second", field_name="Proxy"),))
        await second.next_request("ACK")
        authorised = await second.next_request("INVITE")
        assert is_right(authorised, "second", name="Proxy-Authorization")
        second.respond(authorised, 486)
        await second.next_request("ACK")
        assert leg.cause is Cause.BUSY


async def test_silence_everywhere_is_a_broken_way_and_soon_said() -> None:
    async with by_srv(first_speaks=True) as (world, _, _):
        began = asyncio.get_running_loop().time()
        leg = dial(world)
        assert await leg.ended(within=60) is Cause.NETWORK_LOST
        assert asyncio.get_running_loop().time() - began < 2 * FIRST_WORD_SECONDS + 1
