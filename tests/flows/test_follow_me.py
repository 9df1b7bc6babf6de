"""A courier with a SIP phone of the same extension: both ring, or one after the other, and the shift is for both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import SettingsError
from gateway.store.shop_document.shop_file import read_shop
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.line import LineState
from gateway.telephony.shop import FollowMe, PhoneSettings, Shop
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg
from tests.flows.test_courier_orders import COURIER, SHOP, courier

APP = PhoneSettings(extension="2001", name="App of 2001", password="a-long-password")


def shop(**changes: Any) -> Shop:
    """The shop of couriers, and a SIP phone for courier 2001."""
    return replace(courier(**changes), phones=(*SHOP.phones, APP))


@asynccontextmanager
async def called(**changes: Any) -> AsyncIterator[tuple[Scene, FakeLeg]]:
    """The front desk has dialled 2001."""
    async with scene(shop(**changes)) as s:
        caller = s.call_from_phone("101", "2001")
        await s.after(0.2)
        yield s, caller
        if caller.state is not LegState.ENDED:
            caller.hangs_up()
        await s.after(0.1)


def dialled(s: Scene) -> list[str]:
    return [line.name for line in s.lines.values() if line.dialled]


async def test_the_app_comes_first_and_the_mobile_after_it() -> None:
    async with called() as (s, _):
        (app,) = s.phones.legs["2001"]
        assert dialled(s) == []
        await s.after(11.5)
        assert dialled(s) == []
        await s.after(1)
        assert app.state is LegState.ENDED
        assert s.lines["red"].dialled == [(COURIER, "2001")]


async def test_an_app_that_answers_costs_nothing() -> None:
    async with called(confirms=True) as (s, caller):
        s.phones.legs["2001"][0].answers()
        await s.after(1)
        assert caller.state is LegState.UP
        assert "press-1-to-take" not in s.prompts_played, "a SIP phone has no voicemail of an operator"
        assert dialled(s) == []


async def test_an_app_that_declines_or_is_away_lets_the_mobile_ring_at_once() -> None:
    async with called() as (s, _):
        s.phones.legs["2001"][0].hangs_up(Cause.REJECTED)
        await s.after(0.1)
        assert dialled(s) == ["red"]
    async with scene(shop()) as s:
        s.phones.away.add("2001")
        caller = s.call_from_phone("101", "2001")
        await s.after(0.1)
        assert dialled(s) == ["red"]
        assert "2001" not in s.phones.legs
        caller.hangs_up()


async def test_both_ring_and_the_first_to_answer_has_the_call() -> None:
    async with called(follow=FollowMe.BOTH) as (s, caller):
        (app,), (mobile,) = s.phones.legs["2001"], s.lines["red"].legs
        mobile.answers()
        await s.after(1)
        assert caller.state is LegState.UP
        assert (app.state, mobile.state) == (LegState.ENDED, LegState.UP)
    async with called(follow=FollowMe.BOTH) as (s, caller):
        (app,), (mobile,) = s.phones.legs["2001"], s.lines["red"].legs
        app.answers()
        await s.after(1)
        assert (app.state, mobile.state) == (LegState.UP, LegState.ENDED)


async def test_a_line_that_fails_leaves_the_app_ringing_and_the_next_line_is_tried() -> None:
    async with called(follow=FollowMe.BOTH) as (s, caller):
        s.lines["red"].legs[0].hangs_up(Cause.NETWORK_LOST)
        await s.after(0.1)
        assert dialled(s) == ["red", "blue"]
        s.lines["blue"].legs[0].hangs_up(Cause.BUSY)
        await s.after(0.1)
        (app,) = s.phones.legs["2001"]
        assert app.state is not LegState.ENDED
        app.answers()
        await s.after(1)
        assert caller.state is LegState.UP


async def test_the_voicemail_of_the_mobile_leaves_the_app_ringing() -> None:
    async with called(follow=FollowMe.BOTH, confirms=True) as (s, caller):
        s.lines["red"].legs[0].answers()
        await s.after(12)
        assert s.lines["red"].legs[0].state is LegState.ENDED
        s.phones.legs["2001"][0].answers()
        await s.after(1)
        assert caller.state is LegState.UP


async def test_both_give_up_together() -> None:
    async with called(follow=FollowMe.BOTH) as (s, caller):
        await s.after(26)
        assert caller.told[-1] == f"hangup {Cause.NO_ANSWER}"


async def test_with_no_line_free_the_app_rings_alone() -> None:
    async with scene(shop(follow=FollowMe.BOTH)) as s:
        for line in s.lines.values():
            line.state = LineState.BUSY
        caller = s.call_from_phone("101", "2001")
        await s.after(0.2)
        s.phones.legs["2001"][0].answers()
        await s.after(1)
        assert caller.state is LegState.UP
        caller.hangs_up()


@pytest.mark.parametrize("follow", list(FollowMe))
async def test_off_shift_neither_rings(follow: FollowMe) -> None:
    async with called(follow=follow, on_shift=False) as (s, caller):
        assert (dialled(s), s.phones.legs) == ([], {})
        assert caller.told == [f"hangup {Cause.UNREACHABLE}"]


async def test_the_app_calls_its_own_mobile() -> None:
    async with scene(shop()) as s:
        caller = s.call_from_phone("2001", "2001")
        await s.after(0.1)
        assert dialled(s) == ["red"]
        caller.hangs_up()


async def test_a_stranger_rings_no_courier() -> None:
    line = replace(SHOP.lines[0], rings=())
    async with scene(replace(shop(), lines=(line, SHOP.lines[1]))) as s:
        caller = s.call_to_line("red", "+79035550002")
        await s.after(0.2)
        assert set(s.phones.legs) == {"101"}
        caller.hangs_up()


async def test_who_has_no_order_is_only_told_that_no_line_is_free() -> None:
    async with scene(courier(lines=("red",))) as s:
        caller = s.call_from_phone("101", "2001")
        await s.after(0.1)
        caller.hangs_up()
        s.lines["red"].state = LineState.BUSY
        caller = s.call_from_phone("101", "2001")
        await s.after(0.2)
        assert caller.told[-1] == f"hangup {Cause.NO_FREE_LINE}"
        assert s.texts == []


def test_a_phone_and_a_courier_may_share_an_extension_and_two_of_a_kind_may_not() -> None:
    both = (
        '[[lines]]\nname = "red"\nmodem = "m0"\n[[phones]]\nextension = "2001"\npassword = "a-long-password"\n'
        '[[couriers]]\nextension = "2001"\nmobile = "+79161234567"\nfollow = "both"\n'
    )
    assert read_shop(both).couriers[0].follow is FollowMe.BOTH
    with pytest.raises(SettingsError, match="taken already"):
        read_shop(both + '[[couriers]]\nextension = "2001"\nmobile = "+79161234568"\n')
