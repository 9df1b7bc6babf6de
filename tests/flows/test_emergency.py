"""112 from any phone at any time: past every limit, by any modem that answers, and the owner is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.events import AlertAcknowledged, AlertCleared, AlertRaised, Event, EventBus
from gateway.telephony.causes import Cause
from gateway.telephony.emergency import EmergencySeen
from gateway.telephony.leg import LegState
from gateway.telephony.line import LineState
from tests.fakes.exchange import Scene, scene
from tests.fakes.talks import CUSTOMER, OUTSIDE, SHOP

NO_TRUNK = replace(SHOP, trunks=())


def dialled(s: Scene) -> list[str]:
    return [line.name for line in s.lines.values() if ("112", "101") in line.dialled]


async def test_a_free_sim_is_dialled_and_the_owner_told() -> None:
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", "112")
        await s.after(0.2)
        assert dialled(s) == ["red"]
        (alert,) = [event for event in s.events if isinstance(event, AlertRaised)]
        assert (alert.code, alert.subject, alert.values) == (
            "emergency-call", "101", {"caller": "101", "number": "112"}
        )  # fmt: skip
        s.lines["red"].legs[0].answers()
        await s.after(0.5)
        assert caller.state is LegState.UP
        caller.hangs_up()
        await s.after(0.1)


def test_the_alert_is_over_when_somebody_has_seen_it() -> None:
    bus = EventBus()
    cleared: list[Event] = []
    bus.subscribe(EmergencySeen(bus.publish))
    bus.subscribe(lambda published: cleared.append(published.event))
    bus.publish(AlertAcknowledged(code="emergency-call", subject="101", by="anna"))
    bus.publish(AlertAcknowledged(code="budget-spent", subject="line red", by="anna"))
    assert [event for event in cleared if isinstance(event, AlertCleared)] == [
        AlertCleared(code="emergency-call", subject="101")
    ]


@pytest.mark.parametrize("state", [LineState.SEARCHING, LineState.ROAMING])
async def test_a_sim_that_no_network_has_taken_will_do(state: LineState) -> None:
    async with scene(NO_TRUNK) as s:
        s.lines["red"].state = LineState.FAULTY
        s.lines["blue"].state = state
        caller = s.call_from_phone("101", OUTSIDE)
        await s.after(0.2)
        assert caller.cause is Cause.NO_FREE_LINE
        caller = s.call_from_phone("101", "112")
        await s.after(0.2)
        assert dialled(s) == ["blue"]
        caller.hangs_up()
        await s.after(0.1)


async def test_a_running_call_is_ended_when_no_modem_is_free() -> None:
    async with scene(NO_TRUNK) as s:
        s.lines["blue"].state = LineState.ABSENT
        customer = s.call_to_line("red", CUSTOMER)
        await s.after(0.2)
        phone = next(leg for legs in s.phones.legs.values() for leg in legs)
        phone.answers()
        await s.after(1)
        caller = s.call_from_phone("103", "112")
        await s.after(0.5)
        assert customer.state is LegState.ENDED
        assert s.lines["red"].dialled == [], "the modem is not free yet"
        s.lines["red"].state = LineState.READY
        await s.after(0.5)
        assert s.lines["red"].dialled == [("112", "103")]
        s.lines["red"].legs[0].answers()
        await s.after(0.5)
        assert caller.state is LegState.UP
        caller.hangs_up()
        await s.after(0.1)


async def test_no_emergency_call_is_ended_for_another() -> None:
    async with scene(NO_TRUNK) as s:
        s.lines["blue"].state = LineState.ABSENT
        first = s.call_from_phone("101", "112")
        await s.after(0.2)
        s.lines["red"].legs[0].answers()
        s.lines["red"].state = LineState.BUSY
        await s.after(0.5)
        second = s.call_from_phone("102", "112")
        await s.after(8)
        assert first.state is LegState.UP
        assert s.prompts_played[-1] == "use-another-phone"
        assert second.state is LegState.ENDED
        first.hangs_up()
        await s.after(0.1)


async def test_where_no_sim_and_no_provider_can_the_caller_is_told_to_use_another_phone() -> None:
    async with scene(NO_TRUNK) as s:
        for line in s.lines.values():
            line.state = LineState.NO_SIM
        caller = s.call_from_phone("101", "112")
        await s.after(3)
        assert s.prompts_played == ["use-another-phone"]
        assert caller.state is LegState.ENDED


async def test_a_way_that_fails_leaves_the_next_and_an_answer_of_the_network_ends_it() -> None:
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", "112")
        await s.after(0.2)
        s.lines["red"].legs[0].hangs_up(Cause.NUMBER_BARRED)
        await s.after(0.2)
        assert dialled(s) == ["red", "blue"]
        s.lines["blue"].legs[0].hangs_up(Cause.UNREACHABLE)
        await s.after(0.2)
        assert s.trunks["provider"].dialled == [("112", "101")]
        s.trunks["provider"].legs[0].hangs_up(Cause.BUSY)
        await s.after(0.2)
        assert caller.told[-1] == f"hangup {Cause.BUSY}"
        assert s.prompts_played == []


@pytest.mark.parametrize("tenths", range(0, 40, 4))
async def test_the_caller_hangs_up_here(tenths: int) -> None:
    async with scene(NO_TRUNK) as s:
        customer = s.call_to_line("red", CUSTOMER)
        s.lines["blue"].state = LineState.SEARCHING
        await s.after(0.3)
        caller = s.call_from_phone("103", "112")
        for step in range(40):
            if step == tenths:
                caller.hangs_up()
            if step == 10 and s.lines["blue"].legs:
                s.lines["blue"].legs[0].hangs_up(Cause.NETWORK_LOST)
                s.lines["blue"].state = LineState.FAULTY
            if step == 25:
                s.lines["red"].state = LineState.READY
            await s.after(0.1)
        if customer.state is not LegState.ENDED:
            customer.hangs_up()
        await s.after(0.1)
