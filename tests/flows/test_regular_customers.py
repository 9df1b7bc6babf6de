"""Callers whom the shop knows: their name is shown, and a regular customer's own manager rings first (A5, A6)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gateway.events import CallRouted, CallStarted
from gateway.telephony.causes import Cause
from gateway.telephony.contacts import ContactRules
from gateway.telephony.leg import LegState
from gateway.telephony.reception import Reception
from gateway.telephony.shop import CourierSettings, LineSettings, PhoneSettings, Shop, TrunkSettings
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg
from tests.flows.test_courier_orders import order

REGULAR, MOBILE, COURIER = "+79031112233", "+79035550009", "+79161234567"
SHOP = Shop(
    lines=(
        LineSettings(name="red", modem="m0", number="+79160000001", rings=("101",)),
        LineSettings(name="blue", modem="m1", number="+79160000002"),
    ),
    phones=(
        PhoneSettings(extension="101", password="a-long-password"),
        PhoneSettings(extension="102", name="Olga", password="a-long-password", mobile=MOBILE),
        PhoneSettings(extension="103", password="a-long-password"),
    ),
    couriers=(CourierSettings(extension="2001", mobile=COURIER, pin="482913"),),
    trunks=(TrunkSettings(name="provider", host="sip.example.net", number="+74951234567"),),
    contacts=ContactRules(manager_seconds=10, mobile_seconds=15, colleagues=("102", "103"), colleague_seconds=5),
    reception=Reception(on=False),
)


@asynccontextmanager
async def regular_calls(
    shop: Shop = SHOP, by: str = "red", caller: str = REGULAR
) -> AsyncIterator[tuple[Scene, FakeLeg]]:
    """A customer of the manager 102 calls."""
    async with scene(shop) as s:
        s.people.names[REGULAR], s.people.managers[REGULAR] = "Мария", "102"
        leg = s.call_to_line(by, caller) if by == "red" else s.call_to_trunk(by, caller, "+74951234567")
        await s.after(0.1)
        yield s, leg
        leg.hangs_up()
        await s.after(0.1)


@pytest.mark.parametrize("by", ["red", "provider"])
async def test_the_own_manager_rings_and_nobody_is_greeted(by: str) -> None:
    async with regular_calls(replace(SHOP, reception=Reception()), by) as (s, caller):
        assert set(s.phones.legs) == {"102"}
        assert s.phones.legs["102"][0].display_name == "Мария", "the phone shows who calls"
        (started,) = [event for event in s.events if isinstance(event, CallStarted)]
        assert (started.caller_name, started.flow) == ("Мария", "to-manager")
        await s.after(9)
        assert (caller.told, s.prompts_played) == (["ringing"], []), "it rings on, and nobody pays"
        s.phones.legs["102"][0].answers()
        await s.after(0.5)
        assert caller.state is LegState.UP
        assert s.prompts_played == []
        assert s.lines["blue"].dialled == []


async def test_who_is_not_reached_is_looked_for_step_by_step() -> None:
    async with regular_calls() as (s, caller):
        await s.after(10)
        assert s.phones.legs["102"][0].state is LegState.ENDED
        assert s.trunks["provider"].dialled == [(MOBILE, "102")], "paid for by the manager"
        await s.after(15)
        assert set(s.phones.legs) == {"102", "103"}, "the colleagues, besides the manager"
        await s.after(5)
        assert set(s.phones.legs) == {"102", "103", "101"}, "then as for anybody who calls this line"
        s.phones.legs["101"][0].answers()
        await s.after(0.5)
        assert caller.state is LegState.UP
        steps = [(event.called, event.flow) for event in s.events if isinstance(event, CallRouted)]
        assert steps == [("102", "to-manager"), ("red", "ring-phones")]


async def test_nobody_at_all_ends_as_for_anybody() -> None:
    async with regular_calls() as (s, caller):
        await s.after(30 + 60)
        assert caller.cause is Cause.NO_ANSWER


async def test_the_mobile_answers() -> None:
    async with regular_calls() as (s, caller):
        s.phones.legs["102"][0].hangs_up(Cause.BUSY)
        await s.after(0.1)
        s.trunks["provider"].legs[0].answers()
        await s.after(0.5)
        assert caller.state is LegState.UP


@pytest.mark.parametrize("cause", [Cause.NO_FREE_LINE, Cause.BUDGET_SPENT, Cause.CONGESTION])
async def test_a_way_that_fails_is_followed_by_the_next(cause: Cause) -> None:
    async with regular_calls() as (s, _):
        s.phones.legs["102"][0].hangs_up(Cause.UNREACHABLE)
        await s.after(0.1)
        s.trunks["provider"].legs[0].hangs_up(cause)
        await s.after(0.1)
        assert s.lines["blue"].dialled == [(MOBILE, "102")], "never the SIM that the caller is on"
        s.lines["blue"].legs[0].hangs_up(Cause.REJECTED)
        await s.after(0.1)
        assert set(s.phones.legs) == {"102", "103"}, "who does not want to is asked by no other way"


@pytest.mark.parametrize("mobile", [None, "112", "+88213000000", "x"])
async def test_a_mobile_that_may_not_be_called_is_not(mobile: str | None) -> None:
    phones = (SHOP.phones[0], replace(SHOP.phones[1], mobile=mobile), SHOP.phones[2])
    async with regular_calls(replace(SHOP, phones=phones)) as (s, _):
        s.phones.legs["102"][0].hangs_up(Cause.BUSY)
        await s.after(0.1)
        assert (s.trunks["provider"].dialled, s.lines["blue"].dialled) == ([], [])
        assert set(s.phones.legs) == {"102", "103"}


async def test_a_manager_who_is_not_to_be_disturbed_is_not_rung() -> None:
    phones = (SHOP.phones[0], replace(SHOP.phones[1], do_not_disturb=True, mobile=None), SHOP.phones[2])
    async with regular_calls(replace(SHOP, phones=phones)) as (s, _):
        assert set(s.phones.legs) == {"103"}


@pytest.mark.parametrize(
    "who", ["a stranger", "a withheld number", "whose order is on its way", "of a phone that is gone"]
)
async def test_everybody_else_goes_the_usual_way(who: str) -> None:
    phones = SHOP.phones if who != "of a phone that is gone" else (SHOP.phones[0], SHOP.phones[2])
    rules = replace(SHOP.contacts, colleagues=())
    caller = {"a stranger": "+79031112234", "a withheld number": ""}.get(who, REGULAR)
    async with scene(replace(SHOP, phones=phones, contacts=rules)) as s:
        s.people.managers[REGULAR] = "102"
        if who == "whose order is on its way":
            s.orders = [order(phone=REGULAR)]
        leg = s.call_to_line("red", caller)
        await s.after(0.1)
        assert set(s.phones.legs) == (set() if s.orders else {"101"})
        assert len(s.lines["blue"].dialled) == len(s.orders), "the courier of the living order goes before the manager"
        leg.hangs_up()


async def test_a_phone_of_ours_is_no_customer() -> None:
    async with scene(SHOP) as s:
        s.people.names["101"], s.people.managers["101"] = "Мария", "102"
        caller = s.call_from_phone("101", "103")
        await s.after(0.1)
        assert [leg.display_name for leg in s.phones.legs["103"]] == [""]
        caller.hangs_up()


@pytest.mark.parametrize("seconds", [0.5 * step for step in range(1, 64, 6)])
async def test_the_caller_hangs_up_here(seconds: float) -> None:
    """Rule 3: no phone rings on, wherever the caller gives up."""
    async with regular_calls() as (s, caller):
        await s.after(seconds)
        caller.hangs_up()
        await s.after(0.1)
        s.check_nothing_left()
        assert s.ended().cause is Cause.CANCELLED
