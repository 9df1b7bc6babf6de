"""Blind and attended transfer between phones, SIM lines and trunks, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.audio.tones import ToneSource
from gateway.errors import BudgetSpent
from gateway.events import CallTransferred
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg
from tests.fakes.talks import COURIER, CUSTOMER, OUTSIDE, SHOP, hear_each_other, records, talking, wish


@asynccontextmanager
async def a_customer_talks() -> AsyncIterator[tuple[Scene, FakeLeg, FakeLeg]]:
    """A customer on the red SIM and the phone 101, in a call; the customer hangs up in the end."""
    async with scene(SHOP) as s:
        customer = s.call_to_line("red", CUSTOMER)
        yield s, customer, await talking(s, customer, "101")
        customer.hangs_up()
        await s.after(0.1)


# Blind transfer.


async def test_a_customer_on_a_sim_is_transferred_to_another_phone_and_hears_it() -> None:
    async with a_customer_talks() as (s, customer, agent):
        agent.holds()
        refusal, told = wish(agent, "102")
        assert refusal is None
        await s.after(0.1)
        assert isinstance(customer.fake_port.played[-1], ToneSource), "the customer hears that it rings"
        new = s.phones.legs["102"][0]
        new.rings()
        await s.after(2)
        assert "hangup" not in " ".join(agent.told)
        new.answers()
        await s.after(0.02)
        assert told.said == ["rings", "succeeded"]
        assert hear_each_other(customer, new)
        assert (agent.state, agent.told[-1]) == (LegState.ENDED, f"hangup {Cause.TRANSFERRED}")
        assert [each.keeps for each in s.recordings.made] == [True]
        assert [event for event in s.events if isinstance(event, CallTransferred)] == [
            CallTransferred(call_id=customer.call_id, by="101", to="102")
        ]
        new.hangs_up()
        await s.after(0.1)
        assert customer.state is LegState.ENDED
        assert (s.ended().cause, s.ended().ended_by) == (Cause.HUNG_UP, "callee")


async def test_whom_a_phone_has_called_by_sim_is_transferred_to_a_courier_by_another_sim() -> None:
    """The caller leaves; the callee becomes the caller of what follows (rule 7), and the courier's minutes count."""
    async with scene(SHOP) as s:
        s.trunks["provider"].is_usable = False
        agent = s.call_from_phone("101", OUTSIDE)
        await s.after(0.1)
        (customer,) = s.lines["red"].legs
        s.lines["red"].state = s.lines["red"].state.BUSY
        customer.answers()
        await s.after(0.5)
        refusal, told = wish(agent, "2001")
        await s.after(0.1)
        assert refusal is None
        assert s.lines["blue"].dialled == [(COURIER, "2001")]
        s.lines["blue"].legs[0].answers()
        await s.after(0.1)
        assert told.said == ["succeeded"]
        assert agent.state is LegState.ENDED
        assert hear_each_other(customer, s.lines["blue"].legs[0])
        customer.hangs_up()
        await s.after(0.1)
        assert s.lines["blue"].legs[0].state is LegState.ENDED
        assert s.ended().ended_by == "caller"


async def test_who_is_transferred_outside_is_paid_for_by_who_transferred() -> None:
    async with scene(SHOP) as s:
        customer = s.call_to_trunk("provider", CUSTOMER, "+74951234567")
        agent = await talking(s, customer, "101")
        wish(agent, OUTSIDE)
        await s.after(0.1)
        assert s.trunks["provider"].dialled == [(OUTSIDE, "101")]
        customer.hangs_up()
        await s.after(0.1)


@pytest.mark.parametrize("agent_is_caller", [True, False])
async def test_a_transfer_that_fails_returns_the_call(agent_is_caller: bool) -> None:
    async with scene(SHOP) as s:
        if agent_is_caller:
            agent = s.call_from_phone("101", "103")
            other = await talking(s, agent, "103")
        else:
            other = s.call_to_line("red", CUSTOMER)
            agent = await talking(s, other, "101")
        _, told = wish(agent, "102")
        await s.after(0.5)
        s.phones.legs["102"][0].hangs_up(Cause.BUSY)
        await s.after(0.1)
        assert told.said == ["failed busy"]
        assert hear_each_other(agent, other)
        _, told = wish(agent, "102")  # and it may be tried again
        await s.after(0.5)
        s.phones.legs["102"][1].answers()
        await s.after(0.1)
        assert told.said == ["succeeded"]
        other.hangs_up()
        await s.after(0.1)


async def test_a_transfer_that_fails_when_nobody_is_left_tells_the_customer() -> None:
    async with a_customer_talks() as (s, customer, agent):
        wish(agent, "102")
        await s.after(0.5)
        agent.hangs_up()
        await s.after(0.5)
        assert not customer.told[-1].startswith("hangup"), "the transfer goes on without who asked for it"
        s.phones.legs["102"][0].hangs_up(Cause.BUSY)
        await s.after(0.5)
        assert s.prompts_played[-1] == "busy"
        await s.after(2)
        assert customer.state is LegState.ENDED


async def test_the_customer_hangs_up_during_the_transfer() -> None:
    async with a_customer_talks() as (s, customer, agent):
        _, told = wish(agent, "102")
        await s.after(0.5)
        customer.hangs_up()
        await s.after(0.1)
        assert told.said == ["failed no-answer"]
        assert agent.state is LegState.ENDED
        assert s.phones.legs["102"][0].state is LegState.ENDED


@pytest.mark.parametrize(
    ("target", "cause"),
    [
        ("+882123456789", Cause.NO_SUCH_NUMBER),
        ("+12025550123", Cause.NUMBER_BARRED),
        ("+79", Cause.NO_SUCH_NUMBER),
        ("*21*79035550001#", Cause.NUMBER_BARRED),
        ("bob", Cause.NO_SUCH_NUMBER),
        ("", Cause.NO_SUCH_NUMBER),
    ],
)
async def test_a_transfer_to_a_number_that_may_not_be_dialled_costs_nothing(target: str, cause: Cause) -> None:
    """T-F5."""
    async with a_customer_talks() as (s, customer, agent):
        refusal, told = wish(agent, target)
        await s.after(1)
        assert (refusal, told.said) == (cause, [])
        assert s.trunks["provider"].legs == s.lines["blue"].legs == []
        assert hear_each_other(customer, agent)


async def test_a_spent_budget_returns_the_call_to_who_asked() -> None:
    async with a_customer_talks() as (s, customer, agent):

        def refuse(*_: object, **__: object) -> FakeLeg:
            raise BudgetSpent("No minutes are left today.")

        s.trunks["provider"].dial = refuse  # type: ignore[method-assign]  # as a provider without minutes
        _, told = wish(agent, OUTSIDE)
        await s.after(0.2)
        assert told.said == ["failed budget-spent"]
        assert hear_each_other(customer, agent)


async def test_whoever_comes_from_outside_transfers_nobody() -> None:
    async with scene(SHOP) as s:
        customer = s.call_to_trunk("provider", CUSTOMER, "+74951234567")
        await talking(s, customer, "101")
        assert wish(customer, OUTSIDE)[0] is Cause.NUMBER_BARRED
        assert wish(s.phones.legs["102"][0], "103")[0] is Cause.REJECTED, "who only rings has nobody to transfer"
        customer.hangs_up()
        await s.after(0.1)


async def test_a_person_transfers_from_the_panel() -> None:
    """As if the phone had asked; of two phones the one that was called leaves."""
    async with scene(SHOP) as s:
        customer = s.call_to_line("red", CUSTOMER)
        await s.after(0.1)
        assert s.switchboard.transfer(s.switchboard.calls()[0].id, "102") is Cause.REJECTED, "nobody talks yet"
        agent = await talking(s, customer, "101")
        call = s.switchboard.calls()[0]
        assert s.switchboard.transfer(call.id, "+12025550123") is Cause.NUMBER_BARRED
        assert s.switchboard.transfer(call.id, "102") is None
        await s.after(0.1)
        s.phones.legs["102"][0].answers()
        await s.after(0.1)
        assert agent.state is LegState.ENDED
        assert hear_each_other(customer, s.phones.legs["102"][0])
        with pytest.raises(LookupError):
            s.switchboard.transfer("nobody", "102")
        customer.hangs_up()
        await s.after(0.1)


# Attended transfer.


@pytest.mark.parametrize("first_is_incoming", [True, False])
@pytest.mark.parametrize("second_is_incoming", [True, False])
async def test_after_a_consultation_the_two_others_talk_at_once(
    first_is_incoming: bool, second_is_incoming: bool
) -> None:
    """D2, D3: whichever side has begun each of the two calls."""
    async with scene(SHOP) as s:
        if first_is_incoming:
            customer = s.call_to_line("red", CUSTOMER)
            agent = await talking(s, customer, "101")
        else:
            agent = s.call_from_phone("101", OUTSIDE)
            await s.after(0.1)
            (customer,) = s.trunks["provider"].legs
            customer.answers()
            await s.after(0.5)
        agent.holds()
        await s.after(1)
        if second_is_incoming:
            expert = s.call_from_phone("102", "101")
            second = await talking(s, expert, "101")
        else:
            second = s.call_from_phone("101", "102")
            expert = await talking(s, second, "102")
        await s.after(3)
        refusal, told = wish(agent, "102", second)
        assert refusal is None
        await s.after(0.01)
        assert told.said == ["succeeded"]
        assert hear_each_other(customer, expert), "within 10 ms of the loop's time"
        assert (agent.state, second.state) == (LegState.ENDED, LegState.ENDED)
        await s.after(5)
        assert (customer.state, expert.state) == (LegState.UP, LegState.UP)
        assert hear_each_other(customer, expert)
        assert [each.runs for each in s.recordings.made] == [True, False]
        expert.hangs_up()
        await s.after(0.1)
        assert customer.state is LegState.ENDED
        assert sorted(cause for cause, _ in records(s).values()) == [Cause.HUNG_UP, Cause.TRANSFERRED]


async def test_the_expert_who_was_given_away_may_hang_up_or_transfer_again() -> None:
    async with a_customer_talks() as (s, customer, agent):
        second = s.call_from_phone("101", "102")
        expert = await talking(s, second, "102")
        wish(agent, "102", second)
        await s.after(0.1)
        refusal, told = wish(expert, "103")
        await s.after(0.1)
        s.phones.legs["103"][0].answers()
        await s.after(0.1)
        assert (refusal, told.said, expert.state) == (None, ["succeeded"], LegState.ENDED)
        assert hear_each_other(customer, s.phones.legs["103"][0])


async def test_a_consultation_that_nobody_has_answered_yet_is_rung_for_the_customer() -> None:
    async with a_customer_talks() as (s, customer, agent):
        second = s.call_from_phone("101", "102")
        await s.after(0.2)
        _, told = wish(agent, "whoever", second)
        await s.after(0.2)
        first_try, second_try = s.phones.legs["102"]
        assert (first_try.state, second.state) == (LegState.ENDED, LegState.ENDED)
        second_try.answers()
        await s.after(0.1)
        assert told.said == ["succeeded"]
        assert hear_each_other(customer, second_try)


async def test_the_call_of_another_phone_is_not_to_be_had() -> None:
    """T-F5: Replaces of a dialog that is not one's own."""
    async with a_customer_talks() as (s, customer, agent):
        stranger = s.call_from_phone("103", "102")
        await talking(s, stranger, "102")
        assert wish(agent, "102", stranger)[0] is Cause.NUMBER_BARRED
        assert wish(agent, "102", agent)[0] is Cause.REJECTED
        assert hear_each_other(customer, agent)
        customer.hangs_up()
        stranger.hangs_up()
        await s.after(0.1)


# Whoever hangs up, and whenever.


@pytest.mark.parametrize("who", ["customer", "agent", "new"])
@pytest.mark.parametrize("half_seconds", range(12))
async def test_nothing_is_left_whoever_hangs_up_at_any_moment_of_a_blind_transfer(who: str, half_seconds: int) -> None:
    async with a_customer_talks() as (s, customer, agent):
        for moment in range(12):
            new = s.phones.legs.get("102", [None])[0]
            if moment == 2:
                wish(agent, "102")
            if moment == 8 and new is not None and new.cause is None:
                new.answers()
            if moment == half_seconds:
                leaving = {"customer": customer, "agent": agent, "new": new}[who]
                if leaving is not None:
                    leaving.hangs_up()
            await s.after(0.5)
        customer.hangs_up()
        await s.after(20)


@pytest.mark.parametrize("who", ["customer", "agent", "second", "expert"])
@pytest.mark.parametrize("tenths", range(0, 30, 3))
async def test_nothing_is_left_whoever_hangs_up_at_any_moment_of_an_attended_transfer(who: str, tenths: int) -> None:
    async with a_customer_talks() as (s, customer, agent):
        second = s.call_from_phone("101", "102")
        await s.after(0.2)
        expert = s.phones.legs["102"][0]
        legs = {"customer": customer, "agent": agent, "second": second, "expert": expert}
        for moment in range(30):
            if moment == tenths:
                legs[who].hangs_up()
            if moment == 5 and expert.state is not LegState.ENDED:
                expert.answers()
            if moment == 15:
                wish(agent, "102", second)
            await s.after(0.1)
        for leg in (*legs.values(), *s.phones.legs["102"]):
            leg.hangs_up()
        await s.after(20)
