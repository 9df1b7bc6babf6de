"""Couriers' accounts at the PBX: many of them, and never a storm, whatever becomes of it (X-N1, X-N3)."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.events import AlertRaised, TrunkChanged
from gateway.sip.message import Request
from gateway.telephony.causes import Cause
from gateway.telephony.shop import CourierSettings, PbxSettings, Shop
from tests.fakes.numbers import dialable
from tests.fakes.sip import SipWorld
from tests.fakes.sip_registrar import Provider, Script

COUNT = 20
CUSTOMER = "+79035550001"


def granting(request: Request) -> tuple[int, tuple[str, ...]]:
    return 200, (f"Contact: <{request.contacts[0].uri}>;expires=300",)


def couriers(count: int = COUNT) -> tuple[CourierSettings, ...]:
    return tuple(
        CourierSettings(extension=str(2001 + index), mobile=f"+7916000{2001 + index}", pbx_password=f"p{index}")
        for index in range(count)
    )


@asynccontextmanager
async def at_pbx(script: Script, people: tuple[CourierSettings, ...]) -> AsyncIterator[tuple[SipWorld, Provider]]:
    with Provider(script) as provider:
        world = SipWorld()
        pbx = PbxSettings(host=provider.host, port=provider.port)
        world.shop = Shop(phones=world.shop.phones, couriers=people, pbx=pbx)
        async with world.server:
            yield world, provider


def usable(world: SipWorld) -> list[str]:
    return [name for name, account in world.server.pbx_accounts.items() if account.is_usable]


async def test_all_register_one_a_second_by_one_socket() -> None:
    async with at_pbx(granting, couriers()) as (world, provider):
        await asyncio.sleep(COUNT + 5)
        assert len(usable(world)) == COUNT
        times = [each.at for each in provider.registers]
        assert min(later - sooner for sooner, later in itertools.pairwise(times)) >= 0.999
        contacts = {each.request.contacts[0].uri for each in provider.registers}
        assert {(uri.host, uri.port) for uri in contacts} == {world.server.addresses[0]}  # type: ignore[union-attr]  # else it fails
        assert not world.server.trunks, "they are no providers of the shop"


async def test_a_courier_without_a_password_there_is_not_registered() -> None:
    people = (*couriers(1), CourierSettings(extension="2099", mobile="+79160002099"))
    async with at_pbx(granting, people) as (world, _):
        await asyncio.sleep(5)
        assert usable(world) == ["pbx 2001"]


async def test_one_options_is_enough_for_all() -> None:
    async with at_pbx(granting, couriers()) as (_, provider):
        await asyncio.sleep(60)
        before = len([each for each in provider.asked if each.request.method == "OPTIONS"])
        await asyncio.sleep(150)
        asked = len([each for each in provider.asked if each.request.method == "OPTIONS"]) - before
        assert 8 <= asked <= 25


@pytest.mark.parametrize("outage", [60, 300])
async def test_after_a_restart_of_the_pbx_all_are_back_without_a_storm(outage: float) -> None:
    is_up = True

    def script(request: Request) -> tuple[int, tuple[str, ...]] | None:
        return granting(request) if is_up else None

    async with at_pbx(script, couriers()) as (world, provider):
        await asyncio.sleep(COUNT + 5)
        assert len(usable(world)) == COUNT
        is_up = provider.answers_options = False
        await asyncio.sleep(outage)
        assert not usable(world)
        down = [each.at for each in provider.registers][COUNT:]
        is_up = provider.answers_options = True
        back_at = asyncio.get_running_loop().time()
        await asyncio.sleep(COUNT + 10)
        assert len(usable(world)) == COUNT
        attempts = [each.at for each in provider.registers if each.at >= back_at]
        for moments in (down, attempts):
            assert all(later - sooner >= 0.999 for sooner, later in itertools.pairwise(moments))


async def test_a_pbx_that_forbids_is_asked_once_by_each_and_then_left_alone() -> None:
    """X-N3: no more than three attempts of an account in the first minute, and none for ten more."""
    async with at_pbx(lambda request: (403, ()), couriers(5)) as (world, provider):
        await asyncio.sleep(590)
        users = Counter(str(each.request.sender.uri) for each in provider.registers)
        assert set(users.values()) == {1}
        alerts = [each.subject for each in world.events if isinstance(each, AlertRaised)]
        assert sorted(alerts) == [f"pbx {2001 + index}" for index in range(5)]


async def test_one_account_that_is_refused_leaves_the_others_alone() -> None:
    def script(request: Request) -> tuple[int, tuple[str, ...]]:
        return (403, ()) if "2002@" in str(request.sender.uri) else granting(request)

    async with at_pbx(script, couriers(3)) as (world, provider):
        await asyncio.sleep(60)
        assert usable(world) == ["pbx 2001", "pbx 2003"]
        changes = [(each.trunk, each.state) for each in world.events if isinstance(each, TrunkChanged)]
        assert sorted(changes) == [("pbx 2001", "ready"), ("pbx 2002", "refused"), ("pbx 2003", "ready")]
        world.shop = Shop(couriers=couriers(1), pbx=world.shop.pbx)
        await asyncio.sleep(5)
        assert usable(world) == ["pbx 2001"]
        count = len(provider.registers)
        await asyncio.sleep(200)
        assert len(provider.registers) == count


async def test_a_call_for_one_extension_is_for_nobody_else() -> None:
    """The PBX may reach the couriers' extensions, and nothing else of ours (T-S3)."""
    async with at_pbx(granting, couriers(2)) as (world, provider):
        await asyncio.sleep(5)
        for called, status in (("2002", 100), ("101", 401), ("2009", 401), (CUSTOMER, 401)):
            lines = [
                f"INVITE sip:{called}@{world.server.addresses[0]} SIP/2.0",
                f"Via: SIP/2.0/UDP {provider.address};rport;branch=z9hG4bK{called}",
                "Max-Forwards: 70",
                f"From: <sip:105@{provider.host}>;tag=colleague",
                f"To: <sip:{called}@{provider.host}>",
                f"Call-ID: {called}",
                "CSeq: 1 INVITE",
                f"Contact: <sip:{provider.address}>",
                "Content-Type: application/sdp",
            ]
            provider.send(lines, provider.media.offer(), world.server.addresses[0])
            await provider.next_response(status)
        (leg,) = world.legs
        assert (leg.line, leg.called, leg.peer) == ("pbx 2002", "2002", "105")
        leg.hangup()


async def test_what_leaves_by_an_account_is_the_couriers_and_costs_minutes() -> None:
    async with at_pbx(granting, couriers(2)) as (world, provider):
        await asyncio.sleep(5)
        account = world.server.pbx_accounts["pbx 2002"]
        leg = account.dial(dialable(CUSTOMER), caller_id="", call_id="c", extension="2002")
        invite = await provider.next_request("INVITE")
        assert str(invite.sender.uri) == f"sip:2002@{provider.address}"
        assert invite.headers.get("P-Asserted-Identity") is None, "the PBX says which number is shown"
        leg.hangup()
        world.budget.minutes = 0
        spent = account.dial(dialable(CUSTOMER), caller_id="", call_id="c", extension="2002")
        await asyncio.sleep(1)
        assert spent.cause is Cause.BUDGET_SPENT
