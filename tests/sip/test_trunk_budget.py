"""What a call by a provider may cost: a minute is committed before the INVITE leaves, none is talked without one."""

from __future__ import annotations

import asyncio

import pytest

from gateway.telephony import call_budget
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg, LegState
from tests.fakes.numbers import dialable
from tests.fakes.sip import SipWorld
from tests.fakes.sip_registrar import Provider
from tests.sip.test_trunk import bye, dial, trunk


async def answered(world: SipWorld, provider: Provider, leg: Leg) -> None:
    invite = await provider.next_request("INVITE")
    provider.respond(invite, 200, extra=(f"Contact: <sip:{provider.address}>",), body=provider.media.offer())
    await provider.next_request("ACK")
    assert leg.state is LegState.UP


async def talking(provider: Provider, leg: Leg) -> None:
    """Let the provider speak until the leg ends."""
    assert leg.port is not None
    while leg.state is not LegState.ENDED:
        provider.media.send(b"\xff" * 160)
        await asyncio.sleep(5)


async def test_without_a_minute_nothing_is_sent() -> None:
    async with trunk() as (world, provider):
        world.budget.minutes = 0
        leg = dial(world)
        await asyncio.sleep(5)
        assert leg.cause is Cause.BUDGET_SPENT
        assert not provider.calls


async def test_a_budget_that_cannot_be_counted_is_none() -> None:
    async with trunk() as (world, provider):
        world.budget.broken = True
        leg = dial(world)
        await asyncio.sleep(5)
        assert leg.cause is Cause.FAULT
        assert not provider.calls


async def test_an_emergency_call_passes_every_limit() -> None:
    async with trunk() as (world, provider):
        world.budget.minutes = 0
        leg = world.server.trunks["provider"].dial(dialable("112"), caller_id="", call_id="c", extension="101")
        invite = await provider.next_request("INVITE")
        assert str(invite.uri) == f"sip:112@{provider.address}"
        leg.hangup()


async def test_the_call_ends_when_the_last_minute_is_over() -> None:
    async with trunk() as (world, provider):
        world.budget.minutes = 2
        leg = dial(world)
        await answered(world, provider, leg)
        provider.media.remote = ("127.0.0.1", leg.port.local.port)  # type: ignore[attr-defined]  # an RtpPort
        began = asyncio.get_running_loop().time()
        await talking(provider, leg)
        assert asyncio.get_running_loop().time() - began == pytest.approx(120, abs=6)
        assert leg.cause is Cause.BUDGET_SPENT
        await provider.next_request("BYE")
        await asyncio.sleep(1)
        assert list(world.budget.closed.values()) == pytest.approx([120], abs=1)


async def test_no_call_is_longer_than_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    assert call_budget.LONGEST_CALL_SECONDS == 3600
    monkeypatch.setattr(call_budget, "LONGEST_CALL_SECONDS", 75.0)
    async with trunk() as (world, provider):
        leg = dial(world)
        await answered(world, provider, leg)
        provider.media.remote = ("127.0.0.1", leg.port.local.port)  # type: ignore[attr-defined]  # an RtpPort
        began = asyncio.get_running_loop().time()
        await talking(provider, leg)
        assert asyncio.get_running_loop().time() - began == pytest.approx(75, abs=6)
        assert leg.cause is Cause.TOO_LONG


async def test_who_is_not_answered_pays_nothing() -> None:
    async with trunk() as (world, provider):
        for status in (486, 503):
            dial(world)
            provider.respond(await provider.next_request("INVITE"), status)
            await provider.next_request("ACK")
        given_up = dial(world)
        await provider.next_request("INVITE")
        given_up.hangup()
        await asyncio.sleep(1)
        assert list(world.budget.closed.values()) == [0, 0, 0]


async def test_a_call_that_was_given_up_before_its_minute_was_committed_is_not_sent() -> None:
    async with trunk() as (world, provider):
        leg = dial(world)
        leg.hangup()
        await asyncio.sleep(5)
        assert not provider.calls
        assert list(world.budget.closed.values()) == [0]


async def test_what_was_talked_is_settled_to_the_second_begun() -> None:
    async with trunk() as (world, provider):
        leg = dial(world)
        invite = await provider.next_request("INVITE")
        provider.respond(invite, 200, extra=(f"Contact: <sip:{provider.address}>",), body=provider.media.offer())
        await provider.next_request("ACK")
        await asyncio.sleep(17.5)
        provider.send(bye(invite, provider, tag="provider"))
        await provider.next_response(200)
        await asyncio.sleep(1)
        assert leg.cause is Cause.HUNG_UP
        assert list(world.budget.closed.values()) == [18]
