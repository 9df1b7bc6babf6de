"""X-D5: at a clean stop the registrars learn that we are gone, after the running calls have been hung up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gateway.sip.message import Request
from gateway.sip.trunks import FOLLOW_SECONDS, LETTING_GO_SECONDS
from gateway.telephony.leg import LegState
from gateway.telephony.shop import CourierSettings, PbxSettings, Shop, TrunkSettings
from tests.fakes.numbers import dialable
from tests.fakes.sip import SipWorld
from tests.fakes.sip_registrar import SHOP_PASSWORD, SHOP_USER, Provider, Script, accepting, is_right

CUSTOMER = "+79035550001"
COUNT = 10


@asynccontextmanager
async def registered(script: Script) -> AsyncIterator[tuple[SipWorld, Provider]]:
    """A trunk, and the couriers at a PBX, which are the same machine here."""
    with Provider(script) as provider:
        world = SipWorld()
        row = TrunkSettings(name="provider", host=provider.address, user=SHOP_USER, password=SHOP_PASSWORD)
        couriers = tuple(
            CourierSettings(extension=str(2001 + index), mobile=f"+7916000{2001 + index}", pbx_password="p")
            for index in range(COUNT)
        )
        pbx = PbxSettings(host=provider.host, port=provider.port)
        world.shop = Shop(trunks=(row,), couriers=couriers, pbx=pbx)
        async with world.server:
            await asyncio.sleep(COUNT + 5)
            yield world, provider


def granting(request: Request) -> tuple[int, tuple[str, ...]] | None:
    """The trunk is challenged, the couriers are not."""
    if SHOP_USER not in str(request.sender.uri):
        return 200, (f"Contact: <{request.contacts[0].uri}>;expires=300",)
    return accepting()(request)


def last_words(provider: Provider) -> list[Request]:
    return [each.request for each in provider.registers if each.request.expires == 0]


async def test_each_account_signs_off_with_its_credentials() -> None:
    async with registered(granting) as (world, provider):
        before = len(provider.registers)
        began = asyncio.get_running_loop().time()
        await world.server.sign_off(within=2)
        assert asyncio.get_running_loop().time() - began < 0.5, "all at once"
        words = last_words(provider)
        assert len(words) == COUNT + 2, "the trunk was challenged first"
        assert len({str(each.sender.uri) for each in words}) == COUNT + 1
        assert is_right(next(each for each in reversed(words) if SHOP_USER in str(each.sender.uri)))
        bound = {each.request.call_id: each.request for each in provider.registers[:before]}
        for each in words:
            assert each.contacts[0].uri == bound[each.call_id].contacts[0].uri, "the Contact that was registered"
            assert each.cseq.number > bound[each.call_id].cseq.number
        await asyncio.sleep(700)
        assert last_words(provider) == words
        assert len(provider.registers) == before + len(words), "nothing is registered again"


async def test_a_running_call_has_its_bye_before() -> None:
    told: list[str] = []

    def script(request: Request) -> tuple[int, tuple[str, ...]] | None:
        if request.expires == 0:
            told.append("gone")
        return granting(request)

    async with registered(script) as (world, provider):
        leg = world.server.trunks["provider"].dial(dialable(CUSTOMER), caller_id="", call_id="c1", extension="101")
        invite = await provider.next_request("INVITE")
        provider.respond(invite, 200, extra=(f"Contact: <sip:x@{provider.address}>",), body=provider.media.offer())
        await provider.next_request("ACK")
        assert leg.state is LegState.UP
        leg.hangup()
        ending = asyncio.create_task(world.server.sign_off(within=2))
        provider.respond(await provider.next_request("BYE"), 200)
        assert not told
        await ending
        assert told


async def test_who_leaves_the_shop_is_signed_off_and_the_others_stay() -> None:
    async with registered(granting) as (world, provider):
        shop, before = world.shop, len(provider.registers)
        world.shop = replace(shop, pbx=None, couriers=tuple(replace(each, pbx_password=None) for each in shop.couriers))
        await asyncio.sleep(FOLLOW_SECONDS + 1)
        assert not world.server.pbx_accounts
        assert len({str(each.sender.uri) for each in last_words(provider)}) == COUNT
        assert not any(SHOP_USER in str(each.sender.uri) for each in last_words(provider))
        world.shop = replace(world.shop, trunks=())
        await asyncio.sleep(FOLLOW_SECONDS + 1)
        assert is_right(last_words(provider)[-1]), "what the provider asks is answered, though it is none any more"
        assert len(provider.registers) == before + COUNT + 2
        await asyncio.sleep(700)
        assert len(provider.registers) == before + COUNT + 2, "nothing is registered again"


async def test_an_account_with_another_password_is_not_signed_off() -> None:
    async with registered(granting) as (world, provider):
        couriers = tuple(replace(each, pbx_password="other") for each in world.shop.couriers)
        world.shop = replace(world.shop, couriers=couriers)
        await asyncio.sleep(COUNT + 5)
        assert not last_words(provider), "it could end the new registration"
        assert all(account.is_usable for account in world.server.pbx_accounts.values())


async def test_a_registrar_that_is_silent_is_given_up() -> None:
    async with registered(lambda request: granting(request) if request.expires else None) as (world, provider):
        world.shop = Shop()
        await asyncio.sleep(FOLLOW_SECONDS + LETTING_GO_SECONDS + 1)
        assert len(last_words(provider)) == COUNT + 1
        assert not world.server._is_provider(provider.host), "it is heard no longer than it is asked"
        count = len(provider.registers)
        await asyncio.sleep(60)
        assert len(provider.registers) == count


@pytest.mark.parametrize("keeps_quiet", [True, False])
async def test_a_registrar_that_does_not_let_go_holds_nobody_up(keeps_quiet: bool) -> None:
    """Silent, or one that wants a longer time than none."""

    def script(request: Request) -> tuple[int, tuple[str, ...]] | None:
        if request.expires:
            return granting(request)
        return None if keeps_quiet else (423, ("Min-Expires: 60",))

    async with registered(script) as (world, provider):
        before = len(provider.registers)
        began = asyncio.get_running_loop().time()
        await world.server.sign_off(within=2)
        assert asyncio.get_running_loop().time() - began <= 2.01
        assert len(provider.registers) == before + COUNT + 1


async def test_who_was_never_registered_has_nothing_to_say() -> None:
    async with registered(lambda request: (403, ())) as (world, provider):
        await world.server.sign_off(within=2)
        assert not last_words(provider)
