"""X-N7: whatever message of a call is lost, both sides end, and nothing is left on either (Goal-16)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import combinations

import pytest

from gateway.clock import utc_now
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.line import Caller
from tests.fakes.sip import SipWorld
from tests.fakes.sip_lossy import OURS, THEIRS, Link, LinkFlow, LinkPhone


@asynccontextmanager
async def link_scene(
    lost: frozenset[int], on_leg: Callable[[Leg], None]
) -> AsyncIterator[tuple[SipWorld, LinkPhone, Link]]:
    """The server and a phone that is registered already, on one link."""
    link = Link(lost)
    world = SipWorld(on_leg=on_leg)
    expires_at = utc_now() + timedelta(days=1)
    world.bindings.rows["101", f"sip:101@{THEIRS}"] = (str(THEIRS), expires_at, "phone")
    async with world.server:
        phone = LinkPhone(link, on_leg)
        link.receivers[OURS] = world.server.receive
        binding = world.server._registrar.everything()[0]
        binding.flow = LinkFlow(link, OURS, THEIRS)
        binding.answers_options = False
        yield world, phone, link
        phone.wire.transactions.abandon_all()


async def phone_calls_and_hangs_up(world: SipWorld, phone: LinkPhone) -> None:
    leg = phone.call("2001")
    await leg.up(within=20)
    await asyncio.sleep(2)
    leg.hangup()


async def phone_calls_and_we_hang_up(world: SipWorld, phone: LinkPhone) -> None:
    leg = phone.call("2001")
    await leg.up(within=20)
    await asyncio.sleep(2)
    for ours in world.legs:
        ours.hangup()
    if not world.legs:
        leg.hangup()


async def phone_gives_up(world: SipWorld, phone: LinkPhone) -> None:
    leg = phone.call("2002")
    await asyncio.sleep(3)
    leg.hangup()


async def we_call_and_hang_up(world: SipWorld, phone: LinkPhone) -> None:
    leg = world.server.phones.dial("101", caller=Caller(number="102"))
    await leg.up(within=20)
    await asyncio.sleep(2)
    leg.hangup()


async def we_call_and_the_phone_hangs_up(world: SipWorld, phone: LinkPhone) -> None:
    leg = world.server.phones.dial("101", caller=Caller(number="102"))
    await leg.up(within=20)
    await asyncio.sleep(2)
    for theirs in phone.legs:
        theirs.hangup()
    if await leg.ended(within=60) is None:
        leg.hangup()  # a flow's patience: a phone that rang may ring for ever


async def we_give_up(world: SipWorld, phone: LinkPhone) -> None:
    leg = world.server.phones.dial("101", caller=Caller(number="102"))
    await asyncio.sleep(0.4)
    leg.hangup()


Story = Callable[[SipWorld, LinkPhone], Awaitable[None]]
STORIES: list[Story] = [
    phone_calls_and_hangs_up,
    phone_calls_and_we_hang_up,
    phone_gives_up,
    we_call_and_hang_up,
    we_call_and_the_phone_hangs_up,
    we_give_up,
]


def ring_and_answer(leg: Leg) -> None:
    leg.ring()
    if leg.called != "2002":
        asyncio.get_running_loop().call_later(0.5, lambda: _answer(leg))


def _answer(leg: Leg) -> None:
    if leg.state is not LegState.ENDED:
        leg.answer()


async def play(story: Story, lost: frozenset[int], *, patience: bool = False) -> int:
    """Play the story with those messages lost; return how many were sent.

    With `patience`, a leg that still rings after a minute is given up, as every flow does.
    """
    async with link_scene(lost, ring_and_answer) as (world, phone, link):
        await story(world, phone)
        await asyncio.sleep(60)
        for leg in (*world.legs, *phone.legs):
            if patience and leg.state is LegState.RINGING:
                leg.hangup()
        await asyncio.sleep(80)
        for leg in (*world.legs, *phone.legs):
            assert leg.state is LegState.ENDED, (lost, leg)
        for wire in (world.server._wire, phone.wire):
            assert len(wire.dialogs) == 0, lost
            assert len(wire.transactions) == 0, lost
        assert not world.server._arrivals
        return len(link.sent)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_both_sides_end_whatever_single_message_is_lost(story: Story) -> None:
    count = await play(story, frozenset())
    assert count >= 6
    for number in range(count + 4):
        await play(story, frozenset([number]))


@pytest.mark.parametrize("story", STORIES[:4:3], ids=lambda story: story.__name__)
async def test_both_sides_end_whatever_two_messages_are_lost(story: Story) -> None:
    count = await play(story, frozenset())
    pairs = list(combinations(range(count + 2), 2))
    for pair in pairs:
        await play(story, frozenset(pair))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
@pytest.mark.parametrize("silent_from", range(0, 14, 2))
async def test_both_sides_end_when_the_link_dies(story: Story, silent_from: int) -> None:
    await play(story, frozenset(range(silent_from, 500)), patience=True)
