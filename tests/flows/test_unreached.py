"""B9: three calls in vain for one order, and the office knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.events import AlertCleared, AlertRaised
from gateway.telephony.causes import Cause
from gateway.telephony.line import LineState
from gateway.telephony.unreached import UnreachedCustomers
from tests.fakes.exchange import Scene, scene
from tests.flows.test_courier_orders import SHOP, in_the_menu, order


def _watch(s: Scene) -> None:
    s.orders = [order()]
    s.bus.subscribe(UnreachedCustomers(shop=lambda: s.shop, orders=s.exchange.orders, publish=s.bus.publish))


def _alerts(s: Scene) -> list[object]:
    return [event for event in s.events if isinstance(event, (AlertRaised, AlertCleared))]


async def _call(s: Scene, *, answers: bool) -> None:
    """The courier dials the order."""
    caller = await in_the_menu(s)
    caller.presses("1001#")
    await s.after(0.5)
    customer = s.trunks["provider"].legs[-1]
    if answers:
        customer.answers()
        await s.after(2)
    customer.hangs_up(Cause.HUNG_UP if answers else Cause.NO_ANSWER)
    await s.after(3)
    s.lines["red"].state = LineState.READY


async def test_three_calls_in_vain_are_told_once_and_an_answer_ends_it() -> None:
    async with scene(SHOP) as s:
        _watch(s)
        for _ in range(2):
            await _call(s, answers=False)
        assert _alerts(s) == []
        for _ in range(2):
            await _call(s, answers=False)
        values = {"order": "1001", "tries": "3"}
        assert _alerts(s) == [AlertRaised(code="customer-unreachable", subject="1001", values=values)]
        await _call(s, answers=True)
        assert _alerts(s)[1:] == [AlertCleared(code="customer-unreachable", subject="1001")]


async def test_a_customer_who_answers_in_between_is_reachable() -> None:
    async with scene(SHOP) as s:
        _watch(s)
        for answers in (False, False, True, False, False):
            await _call(s, answers=answers)
        assert _alerts(s) == []


async def test_what_was_counted_before_a_restart_counts_and_is_told_again() -> None:
    async with scene(SHOP) as s:
        s.orders = [order()]
        unreached = UnreachedCustomers(
            shop=lambda: s.shop, orders=s.exchange.orders, publish=s.bus.publish, in_vain={"1001": 2}
        )
        s.bus.subscribe(unreached)
        unreached.tell()
        assert _alerts(s) == []
        await _call(s, answers=False)
        third = AlertRaised(code="customer-unreachable", subject="1001", values={"order": "1001", "tries": "3"})
        assert _alerts(s) == [third]
        unreached.tell()
        assert _alerts(s) == [third, third], "a daemon that starts with three says so"
        await _call(s, answers=True)
        assert _alerts(s)[2:] == [AlertCleared(code="customer-unreachable", subject="1001")]


@pytest.mark.parametrize("cause", [Cause.MODEM_LOST, Cause.NETWORK_LOST, Cause.NO_FREE_LINE])
async def test_a_way_that_fails_is_not_the_customer(cause: Cause) -> None:
    async with scene(replace(SHOP, lines=SHOP.lines[:1])) as s:
        _watch(s)
        for _ in range(4):
            caller = await in_the_menu(s)
            caller.presses("1001#")
            await s.after(0.5)
            s.trunks["provider"].legs[-1].hangs_up(cause)
            await s.after(3)
            s.lines["red"].state = LineState.READY
        assert len(s.trunks["provider"].legs) == 4
        assert _alerts(s) == []
