"""A caller whose number is blocked, as scenes: declined before anybody rings, until the block is over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import NumberNotBlockable
from gateway.events import CallEnded, CallStarted
from gateway.telephony.blocked import TURNED_AWAY
from gateway.telephony.causes import Cause
from gateway.telephony.route_steps import RouteQuestion, StepCode
from gateway.telephony.route_trial import try_route
from gateway.telephony.shop import CourierSettings
from tests.fakes.exchange import scene
from tests.flows.test_toll_free import SHOP

NUISANCE, CUSTOMER, COURIER = "+79035550001", "+79035550002", "+79161234567"
CITY = "+74951234567"
MATTERS = replace(SHOP, couriers=(CourierSettings(extension="2001", name="Ivan", mobile=COURIER),))


async def test_a_blocked_caller_rings_nobody_until_the_days_are_over() -> None:
    async with scene(MATTERS) as s:
        await s.blocked.block("8 (903) 555-00-01", by="anna", why="spam", days=1)
        blocked = s.call_to_trunk("city", "89035550001", CITY)
        other = s.call_to_trunk("city", CUSTOMER, CITY)
        await s.after(1)
        assert blocked.told == [f"hangup {Cause.REJECTED}"]
        assert "ringing" in other.told
        started = next(event for event in s.events if isinstance(event, CallStarted) and event.caller == "89035550001")
        ended = next(event for event in s.events if isinstance(event, CallEnded) and event.call_id == started.call_id)
        assert (started.flow, ended.cause) == TURNED_AWAY, "by that the lists know that nobody was missed"
        other.hangs_up()
        free = s.call_to_trunk("free", NUISANCE, "+78001234567")
        await s.after(1)
        assert free.told == [f"hangup {Cause.REJECTED}"], "and is no call that the guard of toll-free numbers counts"
        await s.after(24 * 3600)
        again = s.call_to_trunk("city", NUISANCE, CITY)
        await s.after(1)
        assert "ringing" in again.told
        again.hangs_up()
        await s.after(1)


async def test_who_withholds_the_number_and_a_courier_get_through() -> None:
    async with scene(MATTERS) as s:
        await s.blocked.block(NUISANCE, by="anna")
        withheld = s.call_to_trunk("city", "", CITY)
        await s.after(1)
        assert "ringing" in withheld.told
        withheld.hangs_up()
        await s.after(1)
        for number in (COURIER, CITY, "101", "", "bank"):
            with pytest.raises(NumberNotBlockable):
                await s.blocked.block(number, by="anna")
        s.shop = replace(s.shop, couriers=(replace(s.shop.couriers[0], mobile=NUISANCE),))
        courier = s.call_to_trunk("city", NUISANCE, CITY)
        await s.after(1)
        assert "ringing" in courier.told, "somebody became a courier meanwhile"
        courier.hangs_up()
        await s.after(1)


async def test_the_route_test_tells_it_as_it_would_be() -> None:
    async with scene(MATTERS) as s:
        await s.blocked.block(NUISANCE, by="anna")
        question = RouteQuestion(caller=NUISANCE, called=CITY, at=s.clock())
        steps = [step.code for step in try_route(s.exchange, question).steps]
        assert StepCode.BLOCKED in steps
        assert StepCode.RINGS not in steps
        assert await s.blocked.unblock("8 903 555 00 01", by="anna")
        assert not await s.blocked.unblock(NUISANCE, by="anna")
        assert StepCode.BLOCKED not in [step.code for step in try_route(s.exchange, question).steps]
