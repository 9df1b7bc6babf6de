"""X-N7 within calls: refresh, reliable responses and transfer, with each message lost, and each pair of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import combinations

import pytest

from gateway.sip.session import Session
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.line import Caller
from gateway.telephony.transfer import TransferWish
from tests.fakes.sip import SipWorld
from tests.fakes.sip_lossy import LinkPhone
from tests.sip.test_lossy import link_scene

Story = Callable[[SipWorld, LinkPhone], Awaitable[None]]


def session_of(leg: Leg) -> Session:
    """The dialog that carries a leg, whichever side has begun it."""
    session = leg._side._session  # type: ignore[attr-defined]  # a test looks where nobody else may
    assert isinstance(session, Session)
    return session


def refresh(leg: Leg, *, by_invite: bool) -> None:
    """What the session timer does when its time has come."""
    session = session_of(leg)
    session._refresher._takes_update = not by_invite
    session._refresher.start()


async def both_refresh_by_invite(world: SipWorld, phone: LinkPhone) -> None:
    """The worst case: both at once, so that they meet."""
    leg = phone.call("2001")
    if await leg.up(within=20):
        await asyncio.sleep(1)
        for each in (leg, *world.legs):
            if each.state is LegState.UP:
                refresh(each, by_invite=True)
        await asyncio.sleep(15)
    leg.hangup()


async def phone_refreshes_by_update(world: SipWorld, phone: LinkPhone) -> None:
    leg = phone.call("2001")
    if await leg.up(within=20):
        refresh(leg, by_invite=False)
        await asyncio.sleep(15)
    leg.hangup()


async def we_refresh_by_invite_and_hang_up_at_once(world: SipWorld, phone: LinkPhone) -> None:
    leg = world.server.phones.dial("101", caller=Caller(number="102"))
    if await leg.up(within=20):
        refresh(leg, by_invite=True)
        await asyncio.sleep(0.0015)
    leg.hangup()


async def phone_refers(world: SipWorld, phone: LinkPhone) -> None:
    """It is told of the success, and let go."""

    def carry_out(wish: TransferWish) -> None:
        wish.report.succeeded()
        wish.by.hangup(Cause.TRANSFERRED)

    def judge(wish: TransferWish) -> Cause | None:
        asyncio.get_running_loop().call_later(1, carry_out, wish)
        return None

    leg = phone.call("2001")
    if await leg.up(within=20):
        for ours in world.legs:
            ours.on_transfer = judge
        dialog = session_of(leg).dialog
        assert dialog is not None
        refer = dialog.request("REFER")
        refer.headers.add("Refer-To", "<sip:102@127.0.0.1>")
        phone.wire.transactions.ask(refer, dialog.next_hop(), lambda _response: None)
        if await leg.ended(within=60) is None:
            leg.hangup()
    leg.hangup()


STORIES: list[Story] = [
    both_refresh_by_invite,
    phone_refreshes_by_update,
    we_refresh_by_invite_and_hang_up_at_once,
    phone_refers,
]


MARKS = {
    "both_refresh_by_invite": b"SIP/2.0 491 ",
    "phone_refreshes_by_update": b"UPDATE sip:",
    "we_refresh_by_invite_and_hang_up_at_once": b"CSeq: 4 BYE",
    "phone_refers": b"\r\n\r\nSIP/2.0 200 OK\r\n",
}
"""What must be on the wire when nothing is lost."""


def ring_and_answer(leg: Leg) -> None:
    leg.ring()
    asyncio.get_running_loop().call_later(0.3, _answer, leg)


def _answer(leg: Leg) -> None:
    if leg.state is not LegState.ENDED:
        leg.answer()


async def play(story: Story, lost: frozenset[int]) -> list[bytes]:
    """Play the story with those messages lost; nothing may be left on either side. What was sent."""
    async with link_scene(lost, ring_and_answer) as (world, phone, link):
        await story(world, phone)
        await asyncio.sleep(140)
        for leg in (*world.legs, *phone.legs):
            assert leg.state is LegState.ENDED, (lost, leg)
        for wire in (world.server._wire, phone.wire):
            assert (len(wire.dialogs), len(wire.dialogs._legs), len(wire.transactions)) == (0, 0, 0), lost
        return link.sent


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_both_sides_end_whatever_single_message_is_lost(story: Story) -> None:
    sent = await play(story, frozenset())
    assert any(MARKS[story.__name__] in message for message in sent), "the story is what it says"
    for number in range(len(sent) + 4):
        await play(story, frozenset([number]))


@pytest.mark.parametrize("story", STORIES[3:], ids=lambda story: story.__name__)
async def test_both_sides_end_whatever_two_messages_are_lost(story: Story) -> None:
    """From the REFER on: what comes before is test_lossy's."""
    sent = await play(story, frozenset())
    first = next(number for number, message in enumerate(sent) if message.startswith(b"REFER"))
    for pair in combinations(range(first, len(sent) + 1), 2):
        await play(story, frozenset(pair))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
@pytest.mark.parametrize("silent_from", range(4, 24, 5))
async def test_both_sides_end_when_the_link_dies(story: Story, silent_from: int) -> None:
    await play(story, frozenset(range(silent_from, 900)))
