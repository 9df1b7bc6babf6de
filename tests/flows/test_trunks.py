"""Calls by a SIP provider, both ways: which way a call leaves, and whom a call from outside reaches."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.events import CallStarted
from gateway.flows.to_outside import MOST_REDIRECTS
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import Receive, Refuse
from gateway.telephony.leg import Direction, LegState
from gateway.telephony.line import LineState
from gateway.telephony.routing import route
from gateway.telephony.shop import CourierSettings, LineSettings, PbxSettings, PhoneSettings, Shop, TrunkSettings
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
    assert route(SHOP, leg) == Receive(extensions=("101", "102"))
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


# Another way, when one fails.


@pytest.mark.parametrize("cause", [Cause.CONGESTION, Cause.NETWORK_LOST, Cause.UNAUTHORISED, Cause.BUDGET_SPENT])
async def test_a_provider_that_fails_before_the_answer_is_followed_by_the_next_way(cause: Cause) -> None:
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", CUSTOMER)
        await s.after(0.5)
        s.trunks["provider"].legs[0].hangs_up(cause)
        await s.after(0.5)
        assert ways(s) == {"provider": 1, "spare": 1, "red": 0}
        s.trunks["spare"].legs[0].hangs_up(cause)
        await s.after(0.5)
        assert ways(s) == {"provider": 1, "spare": 1, "red": 1}
        s.lines["red"].legs[0].answers()
        await s.after(5)
        assert caller.state is LegState.UP
        caller.hangs_up()
        await s.after(0.1)


async def test_when_every_way_fails_the_caller_is_told_and_nothing_is_tried_twice() -> None:
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", CUSTOMER)
        await s.after(0.5)
        for legs in (s.trunks["provider"].legs, s.trunks["spare"].legs, s.lines["red"].legs):
            legs[0].hangs_up(Cause.CONGESTION)
            await s.after(0.5)
        assert caller.told[-1] == f"hangup {Cause.CONGESTION}"
        assert ways(s) == {"provider": 1, "spare": 1, "red": 1}


async def test_a_caller_who_gives_up_between_two_ways_rings_no_further_one() -> None:
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", CUSTOMER)
        await s.after(0.5)
        caller.hangs_up()
        s.trunks["provider"].legs[0].hangs_up(Cause.CONGESTION)
        await s.after(1)
        assert ways(s) == {"provider": 1, "spare": 0, "red": 0}


# A provider that says where the party is to be found.


async def test_a_call_that_the_provider_sends_elsewhere_is_dialled_and_paid_for_anew() -> None:
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", CUSTOMER)
        await s.after(0.5)
        s.trunks["provider"].legs[0].redirected_to = "89161112233"
        s.trunks["provider"].legs[0].hangs_up(Cause.REJECTED)
        await s.after(0.5)
        assert s.trunks["provider"].dialled == [(CUSTOMER, "101"), ("+79161112233", "101")]
        s.trunks["provider"].legs[1].answers()
        await s.after(2)
        assert caller.state is LegState.UP
        caller.hangs_up()
        await s.after(0.1)


@pytest.mark.parametrize("target", ["+882123456789", "*21*89161112233#", "09001234567", "+49301234567", "101@evil"])
async def test_a_provider_cannot_send_a_call_where_the_caller_might_not_dial(target: str) -> None:
    """T-F4."""
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", CUSTOMER)
        await s.after(0.5)
        s.trunks["provider"].legs[0].redirected_to = target
        s.trunks["provider"].legs[0].hangs_up(Cause.REJECTED)
        await s.after(0.5)
        assert caller.state is LegState.ENDED
        assert ways(s) == {"provider": 1, "spare": 0, "red": 0}


async def test_a_circle_of_redirections_ends() -> None:
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", CUSTOMER)
        for number in range(10):
            await s.after(0.5)
            legs = s.trunks["provider"].legs
            if len(legs) > number:
                legs[number].redirected_to = CUSTOMER
                legs[number].hangs_up(Cause.REJECTED)
        assert caller.state is LegState.ENDED
        assert ways(s) == {"provider": 1 + MOST_REDIRECTS, "spare": 0, "red": 0}


# The PBX.

AT_PBX = replace(
    SHOP,
    couriers=(replace(SHOP.couriers[0], pbx_password="secret"),),
    pbx=PbxSettings(host="10.0.0.1"),
)


def call_from_pbx(s: Scene, extension: str) -> FakeLeg:
    leg = FakeLeg(direction=Direction.INCOMING, peer="105", called=extension, line=f"pbx {extension}")
    s.switchboard.incoming(leg)
    return leg


async def test_a_call_to_the_couriers_extension_at_the_pbx_rings_the_mobile() -> None:
    async with scene(AT_PBX) as s:
        caller = call_from_pbx(s, "2001")
        await s.after(0.5)
        assert s.lines["red"].dialled == [("+79161234567", "2001")]
        s.lines["red"].legs[0].answers()
        await s.after(2)
        assert caller.state is LegState.UP
        caller.hangs_up()
        await s.after(0.1)


async def test_an_account_of_nobody_reaches_nobody() -> None:
    async with scene(AT_PBX) as s:
        caller = call_from_pbx(s, "2002")
        await s.after(0.5)
        assert ways(s) == {"provider": 0, "spare": 0, "red": 0}
        caller.hangs_up()
        await s.after(0.1)


async def test_what_the_courier_dials_leaves_by_the_couriers_own_account() -> None:
    """So the PBX presents the shop's number; and when the PBX is away, the call leaves by what there is."""
    async with scene(AT_PBX) as s:
        for usable in (True, False):
            s.pbx_accounts["pbx 2001"].is_usable = usable
            courier = s.call_to_line("red", "+79161234567")
            await s.after(3)
            for key in "482913#":
                courier.presses(key)
            await s.after(3)
            for key in "89035550001#":
                courier.presses(key)
            await s.after(1)
            courier.hangs_up()
            await s.after(0.1)
        assert s.pbx_accounts["pbx 2001"].dialled == [(CUSTOMER, "2001")]
        assert s.trunks["provider"].dialled == [(CUSTOMER, "2001")]


async def test_a_phone_of_the_office_does_not_use_a_couriers_account() -> None:
    async with scene(AT_PBX) as s:
        caller = s.call_from_phone("101", CUSTOMER)
        await s.after(0.5)
        assert not s.pbx_accounts["pbx 2001"].dialled
        caller.hangs_up()
        await s.after(0.1)
