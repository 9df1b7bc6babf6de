"""sipp as a phone: it registers, calls, is called, gives up, and hangs up from both sides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg
from gateway.telephony.line import Caller
from tests.fakes.sip import SipWorld
from tests.interop.programs import errors, sipp

pytestmark = [pytest.mark.interop, pytest.mark.real_time]


def serve(leg: Leg) -> None:
    """2001 answers, 2002 rings for ever."""
    leg.ring()
    if leg.called == "2001":
        leg.answer()
        leg.port.hear(leg.port)


def serve_for_half_a_second(leg: Leg) -> None:
    serve(leg)
    asyncio.get_running_loop().call_later(0.5, leg.hangup)


@asynccontextmanager
async def gateway() -> AsyncIterator[SipWorld]:
    world = SipWorld(on_leg=serve)
    async with world.server:
        yield world
        for leg in world.legs:
            leg.hangup()


async def play(
    world: SipWorld, scenario: str, directory: Path, *, port: int = 0, calls: int = 1, rate: int = 10
) -> int:
    server = world.server.addresses[0]
    return await sipp((server.host, server.port), scenario, directory, port=port, calls=calls, rate=rate)


async def test_it_registers_calls_and_hangs_up(tmp_path: Path) -> None:
    async with gateway() as world:
        assert await play(world, "register", tmp_path, port=15099) == 0, errors(tmp_path)
        assert world.server.phones.is_reachable("101")
        assert await play(world, "call_and_hang_up", tmp_path) == 0, errors(tmp_path)
        assert [(leg.cause, leg.ended_by_peer) for leg in world.legs] == [(Cause.HUNG_UP, True)]


async def test_it_calls_and_we_hang_up(tmp_path: Path) -> None:
    async with gateway() as world:
        world.on_leg = serve_for_half_a_second
        assert await play(world, "call_until_hung_up", tmp_path) == 0, errors(tmp_path)


async def test_it_gives_up_while_it_rings(tmp_path: Path) -> None:
    async with gateway() as world:
        assert await play(world, "call_and_cancel", tmp_path) == 0, errors(tmp_path)
        assert world.legs[0].cause is Cause.CANCELLED


@pytest.mark.parametrize("scenario", ["is_called", "is_called_and_hangs_up"])
async def test_it_is_called_and_either_side_hangs_up(tmp_path: Path, scenario: str) -> None:
    async with gateway() as world:
        assert await play(world, "register", tmp_path, port=15098) == 0, errors(tmp_path)
        phone = asyncio.ensure_future(play(world, scenario, tmp_path, port=15098))
        await asyncio.sleep(0.5)
        leg = world.server.phones.dial("101", caller=Caller(number="+79161234567", name="Anna"))
        assert await leg.up(within=5)
        if scenario == "is_called":
            leg.hangup()
        assert await leg.ended(within=5) is Cause.HUNG_UP
        assert await phone == 0, errors(tmp_path)


async def test_twenty_calls_a_second_all_succeed(tmp_path: Path) -> None:
    async with gateway() as world:
        assert await play(world, "call_and_hang_up", tmp_path, calls=60, rate=20) == 0, errors(tmp_path)
        assert len(world.legs) == 60
        assert {leg.cause for leg in world.legs} == {Cause.HUNG_UP}
