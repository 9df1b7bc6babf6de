"""Click to call in virtual time: the employee first, the other party only then, both on record (C5, C6)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import NoFreeLine, NumberBarred, PhoneNotFree
from gateway.events import CallAnswered, CallEnded, CallStarted, LegEnded
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.line import LineState
from gateway.telephony.shop import CourierSettings
from gateway.telephony.two_legs import TwoLegDesk
from tests.fakes.exchange import Scene, scene
from tests.flows.test_reception import CUSTOMER, SHOP


def desk(s: Scene) -> TwoLegDesk:
    return TwoLegDesk(s.exchange, s.switchboard.place)


def outcomes(s: Scene) -> list[str]:
    """Of the legs, in the order of their end."""
    return [event.cause for event in s.events if isinstance(event, LegEnded)]


async def test_the_other_party_is_called_within_a_second_of_the_employees_answer() -> None:
    async with scene(SHOP) as s:
        call_id = desk(s).connect("101", "8 903 555-00-01")
        await s.after(9)
        assert s.trunks["provider"].legs == [], "nobody is called before the employee is there"
        s.phones.legs["101"][0].answers()
        await s.after(0.9)
        assert s.trunks["provider"].dialled == [(CUSTOMER, "101")], "at the expense of the phone"
        (customer,) = s.trunks["provider"].legs
        customer.answers()
        await s.after(5)
        customer.hangs_up()
        await s.after(1)
        assert s.phones.legs["101"][0].state is LegState.ENDED, "who hangs up ends both"
        (started,) = [event for event in s.events if isinstance(event, CallStarted)]
        assert (started.call_id, started.direction, started.caller, started.called, started.flow) == (
            call_id, "outgoing", "101", CUSTOMER, "two-legs",
        )  # fmt: skip
        assert [event.answered_by for event in s.events if isinstance(event, CallAnswered)] == [CUSTOMER]
        assert len(outcomes(s)) == 2
        assert (s.ended().cause, s.ended().ended_by) == ("hung-up", "callee")


async def test_the_employee_hangs_up_and_the_customer_is_free_too() -> None:
    async with scene(SHOP) as s:
        desk(s).connect("101", CUSTOMER)
        await s.after(1)
        s.phones.legs["101"][0].answers()
        await s.after(1)
        s.trunks["provider"].legs[0].answers()
        await s.after(3)
        s.phones.legs["101"][0].hangs_up()
        await s.after(1)
        assert s.trunks["provider"].legs[0].state is LegState.ENDED


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0])
async def test_the_employee_gives_up_at_any_moment(seconds: float) -> None:
    """Rings for a second, is answered, rings at the customer for a second, talks: nothing is left, whenever it ends."""
    async with scene(SHOP) as s:
        desk(s).connect("101", CUSTOMER)
        left = seconds
        for step in ("ring", "answer", "talk"):
            await s.after(min(left, 1.0))
            left -= min(left, 1.0)
            if step == "ring" and seconds > 1:
                s.phones.legs["101"][0].answers()
            if step == "answer" and seconds > 2:
                s.trunks["provider"].legs[0].answers()
        s.phones.legs["101"][0].hangs_up()
        await s.after(1)
        assert all(leg.state is LegState.ENDED for leg in s.all_legs())
        assert bool(s.trunks["provider"].legs) is (seconds > 1.0)


@pytest.mark.parametrize("refusal", [None, Cause.BUSY, Cause.REJECTED])
async def test_an_employee_who_does_not_answer_costs_nothing(refusal: Cause | None) -> None:
    async with scene(SHOP) as s:
        desk(s).connect("101", CUSTOMER)
        await s.after(2)
        if refusal is not None:
            s.phones.legs["101"][0].hangs_up(refusal)
        await s.after(31)
        assert s.trunks["provider"].legs == s.lines["red"].legs == []
        assert outcomes(s) == [s.ended().cause] == [refusal or "no-answer"]


async def test_a_customer_who_is_busy_is_told_to_the_employee_and_kept_on_record() -> None:
    async with scene(SHOP) as s:
        desk(s).connect("101", CUSTOMER)
        await s.after(1)
        s.phones.legs["101"][0].answers()
        await s.after(1)
        s.trunks["provider"].legs[0].hangs_up(Cause.BUSY)
        await s.after(3)
        assert s.prompts_played == ["busy"]
        assert outcomes(s) == ["busy", "busy"]


async def test_a_colleague_and_a_courier_are_reached_by_their_extensions() -> None:
    courier = CourierSettings(extension="2001", name="Ivan", mobile="+79161234567", lines=("red",))
    async with scene(replace(SHOP, couriers=(courier,))) as s:
        desk(s).connect("101", "102")
        await s.after(1)
        s.phones.legs["101"][0].answers()
        await s.after(1)
        assert len(s.phones.legs["102"]) == 1
        s.phones.legs["101"][0].hangs_up()
        await s.after(1)
        desk(s).connect("101", "2001")
        await s.after(1)
        s.phones.legs["101"][1].answers()
        await s.after(1)
        assert s.lines["red"].dialled == [("+79161234567", "2001")]
        s.phones.legs["101"][1].hangs_up()
        await s.after(1)
        started = [(event.direction, event.called) for event in s.events if isinstance(event, CallStarted)]
        assert started == [("internal", "102"), ("outgoing", "2001")]


async def test_what_may_not_be_dialled_rings_no_phone() -> None:
    async with scene(SHOP) as s:
        for text in ("+88216012345", "+1 212 555 0100", "8 809 123 45 67", "*21*0900#", "112", "03", "abc", "", "🙂"):
            with pytest.raises(NumberBarred):
                desk(s).connect("101", text)
        with pytest.raises(LookupError):
            desk(s).connect("999", CUSTOMER)
        with pytest.raises(PhoneNotFree):
            desk(s).connect("101", "101")
        s.trunks["provider"].is_usable = s.trunks["free"].is_usable = False
        for line in s.lines.values():
            line.state = LineState.BUSY
        with pytest.raises(NoFreeLine):
            desk(s).connect("101", CUSTOMER)
        assert s.phones.legs == {}


async def test_a_phone_is_rung_once_however_often_the_button_is_pressed() -> None:
    async with scene(SHOP) as s:
        s.phones.away.add("102")
        one = desk(s)
        with pytest.raises(PhoneNotFree):
            one.connect("102", CUSTOMER)
        one.connect("101", CUSTOMER)
        for _ in range(3):
            with pytest.raises(PhoneNotFree):
                one.connect("101", CUSTOMER)
            await s.after(1)
        s.phones.legs["101"][0].hangs_up()
        await s.after(1)
        one.connect("101", CUSTOMER)
        await s.after(1)
        s.phones.legs["101"][1].hangs_up()
        await s.after(0.5)
        assert len([event for event in s.events if isinstance(event, CallEnded)]) == 2


async def test_the_phone_shows_whom_it_will_call() -> None:
    async with scene(SHOP) as s:
        s.people.names[CUSTOMER] = "Olga"
        desk(s).connect("101", CUSTOMER)
        await s.after(1)
        assert s.phones.legs["101"][0].display_name == "Olga"
        s.phones.legs["101"][0].hangs_up()
        await s.after(0.5)


async def test_while_the_gateway_stops_nobody_is_rung() -> None:
    async with scene(SHOP) as s:
        stopped = TwoLegDesk(s.exchange, lambda *_: False)
        with pytest.raises(PhoneNotFree):
            stopped.connect("101", CUSTOMER)
        assert s.phones.legs["101"][0].state is LegState.ENDED
