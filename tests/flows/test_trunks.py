"""Calls by a SIP provider, both ways: which way a call leaves, and whom a call from outside reaches."""

from __future__ import annotations

import pytest

from gateway.events import CallStarted
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Direction, LegState
from gateway.telephony.line import LineState
from gateway.telephony.routing import Refuse, RingPhones, route
from gateway.telephony.shop import CourierSettings, LineSettings, PhoneSettings, Shop, TrunkSettings
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg

NUMBER = "+74951234567"
CUSTOMER = "+79035550001"
SHOP = Shop(
    lines=(LineSettings(name="red", modem="m0"),),
    phones=(
        PhoneSettings(extension="101", name="Front desk", password="a-long-password"),
        PhoneSettings(extension="102", name="Store", password="a-long-password"),
    ),
    couriers=(CourierSettings(extension="2001", mobile="+79161234567", lines=("red",), pin="482913"),),
    trunks=(
        TrunkSettings(name="provider", host="sip.example.net", number=NUMBER),
        TrunkSettings(name="spare", host="b"),
    ),
)


def ways(s: Scene) -> dict[str, int]:
    """How many calls left by each way."""
    by_trunk = {name: len(trunk.legs) for name, trunk in s.trunks.items()}
    return by_trunk | {name: len(line.legs) for name, line in s.lines.items()}


async def test_a_call_leaves_by_the_first_trunk_and_by_nothing_else() -> None:
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", CUSTOMER)
        await s.after(0.5)
        assert ways(s) == {"provider": 1, "spare": 0, "red": 0}
        assert s.trunks["provider"].dialled == [(CUSTOMER, "101")]
        callee = s.trunks["provider"].legs[0]
        callee.rings()
        await s.after(2)
        callee.answers()
        await s.after(10)
        callee.hangs_up()
        await s.after(0.1)
        assert caller.state is LegState.ENDED
        assert (s.ended().cause, s.ended().ended_by) == (Cause.HUNG_UP, "callee")
        assert ways(s) == {"provider": 1, "spare": 0, "red": 0}


async def test_the_next_trunk_and_then_a_sim_line_carry_what_the_first_cannot() -> None:
    async with scene(SHOP) as s:
        s.trunks["provider"].is_usable = False
        first = s.call_from_phone("101", CUSTOMER)
        await s.after(0.5)
        assert ways(s) == {"provider": 0, "spare": 1, "red": 0}
        first.hangs_up()
        s.trunks["spare"].is_usable = False
        second = s.call_from_phone("101", CUSTOMER)
        await s.after(0.5)
        assert ways(s) == {"provider": 0, "spare": 1, "red": 1}
        assert s.lines["red"].dialled == [(CUSTOMER, "101")]
        second.hangs_up()
        await s.after(0.1)


async def test_without_trunk_and_line_the_caller_is_told() -> None:
    async with scene(SHOP) as s:
        for trunk in s.trunks.values():
            trunk.is_usable = False
        s.lines["red"].state = LineState.SEARCHING
        caller = s.call_from_phone("101", CUSTOMER)
        await s.after(0.5)
        assert caller.told == [f"hangup {Cause.NO_FREE_LINE}"]


async def test_the_providers_refusal_is_the_callers_and_no_second_way_is_tried() -> None:
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", CUSTOMER)
        await s.after(0.5)
        s.trunks["provider"].legs[0].hangs_up(Cause.BUSY)
        await s.after(0.5)
        assert caller.told[-1] == f"hangup {Cause.BUSY}"
        assert ways(s) == {"provider": 1, "spare": 0, "red": 0}


async def test_an_emergency_call_prefers_a_sim_and_takes_a_trunk_when_there_is_none() -> None:
    async with scene(SHOP) as s:
        first = s.call_from_phone("101", "112")
        await s.after(0.5)
        assert ways(s) == {"provider": 0, "spare": 0, "red": 1}
        first.hangs_up()
        s.lines["red"].state = LineState.BUSY
        second = s.call_from_phone("101", "112")
        await s.after(0.5)
        assert ways(s) == {"provider": 1, "spare": 0, "red": 1}
        second.hangs_up()
        await s.after(0.1)


async def test_a_barred_number_leaves_by_no_trunk_either() -> None:
    """T-F1."""
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", "+882123456789")
        await s.after(0.5)
        assert caller.state is LegState.ENDED
        assert ways(s) == {"provider": 0, "spare": 0, "red": 0}


async def test_a_customer_who_calls_the_shops_number_rings_all_phones() -> None:
    async with scene(SHOP) as s:
        caller = s.call_to_trunk("provider", CUSTOMER, NUMBER)
        await s.after(0.5)
        assert caller.told == ["ringing"]
        assert set(s.phones.legs) == {"101", "102"}
        s.phones.legs["102"][0].answers()
        await s.after(5)
        assert s.phones.legs["101"][0].cause is Cause.ANSWERED_ELSEWHERE
        caller.hangs_up()
        await s.after(0.1)
        (started,) = [event for event in s.events if isinstance(event, CallStarted)]
        assert (started.direction, started.line, started.called) == ("incoming", "provider", NUMBER)
        assert ways(s) == {"provider": 0, "spare": 0, "red": 0}


async def test_who_claims_the_number_of_a_phone_gets_neither_its_name_nor_its_rights() -> None:
    """T-F8: a caller id opens nothing."""
    async with scene(SHOP) as s:
        for claimed in ("101", "+79161234567"):
            caller = s.call_to_trunk("provider", claimed, "2001")
            await s.after(0.5)
            assert s.phones.legs["102"][-1].display_name != "Front desk"
            caller.hangs_up()
            await s.after(0.1)
        assert ways(s) == {"provider": 0, "spare": 0, "red": 0}


@pytest.mark.parametrize("line", ["provider", "gone-meanwhile"])
def test_what_comes_from_outside_never_dials_on(line: str) -> None:
    leg = FakeLeg(direction=Direction.INCOMING, peer=CUSTOMER, called=CUSTOMER, line=line)
    assert route(SHOP, leg) == RingPhones(extensions=("101", "102"))
    assert route(Shop(trunks=SHOP.trunks), leg) == Refuse(cause=Cause.UNREACHABLE)


@pytest.mark.parametrize("half_seconds", range(14))
async def test_the_caller_hangs_up_here_on_the_way_outside(half_seconds: int) -> None:
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", CUSTOMER)
        for step in range(14):
            if step == half_seconds:
                caller.hangs_up()
            legs = s.trunks["provider"].legs
            if step == 2 and legs:
                legs[0].rings()
            if step == 6 and legs and legs[0].state is LegState.RINGING:
                legs[0].answers()
            await s.after(0.5)
        assert caller.state is LegState.ENDED
        assert s.ended().ended_by == "caller"
