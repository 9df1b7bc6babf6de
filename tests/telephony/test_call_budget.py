"""The minutes of one paid call, by whatever way it leaves: committed first, extended in time, settled in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from gateway.errors import BudgetSpent, GatewayError, NightLocked, StoreError, TooManyAtOnce, TooManyCalls
from gateway.telephony.call_budget import LONGEST_CALL_SECONDS, CallBudget
from gateway.telephony.causes import Cause
from gateway.telephony.ledger import Reservation
from gateway.telephony.leg import Direction, LegState
from gateway.telephony.numbers import Dialable
from tests.fakes.legs import FakeLeg
from tests.fakes.modem_ledgers import MemoryBudget
from tests.fakes.numbers import dialable

CUSTOMER = "+79035550001"


class Refusing(MemoryBudget):
    """Opens and closes nothing but by this fault."""

    def __init__(self, fault: GatewayError) -> None:
        super().__init__()
        self.fault = fault

    async def open(self, *, call_id: str, leg_id: str, line: str, extension: str | None, number: str) -> Reservation:
        raise self.fault

    async def close(self, reservation: Reservation, *, talk_seconds: int) -> None:
        raise self.fault


class _Call:
    """One call of a driver that has no loop of its own."""

    def __init__(self, budget: MemoryBudget, number: Dialable | None = None) -> None:
        self.leg = FakeLeg(direction=Direction.OUTGOING, peer=CUSTOMER, line="red")
        self.failed: list[Cause] = []
        self.dialled = False
        self.budget = CallBudget(budget, self.leg, self._fail)
        self._number = number or dialable(CUSTOMER)

    def _fail(self, cause: Cause) -> None:
        self.failed.append(cause)
        self.leg.hangup(cause)

    def _dial(self) -> None:
        self.dialled = True

    async def spend(self, dial: Callable[[], None] | None = None, patience_seconds: float = 30.0) -> None:
        await self.budget.spend(
            self._number, dial or self._dial, call_id="c", extension="101", patience_seconds=patience_seconds
        )


@pytest.mark.parametrize(
    ("refusal", "cause"),
    [
        (BudgetSpent("No."), Cause.BUDGET_SPENT),
        (NightLocked("No."), None),
        (TooManyAtOnce("No."), None),
        (TooManyCalls("No."), None),
        (StoreError("The disk is full."), Cause.FAULT),
    ],
)
async def test_what_is_refused_is_never_dialled(refusal: GatewayError, cause: Cause | None) -> None:
    call = _Call(Refusing(refusal))
    await call.spend()
    assert not call.dialled
    assert not call.budget.is_open
    assert len(call.failed) == 1
    assert cause is None or call.failed == [cause]
    assert call.failed != [Cause.FAULT] or isinstance(refusal, StoreError)


async def test_an_emergency_is_dialled_whatever_the_ledger_says() -> None:
    call = _Call(Refusing(StoreError("The disk is full.")), dialable("112"))
    task = asyncio.ensure_future(call.spend())
    await asyncio.sleep(0.1)
    assert call.dialled
    assert call.budget.is_open
    call.leg.answers()
    await asyncio.sleep(600)
    assert call.leg.state is LegState.UP
    call.leg.hangs_up()
    await task
    assert call.failed == []


async def test_each_minute_is_committed_five_seconds_ahead_and_the_rest_goes_back() -> None:
    ledger = MemoryBudget(minutes=3)
    call = _Call(ledger)
    task = asyncio.ensure_future(call.spend())
    await asyncio.sleep(1)
    call.leg.answers()
    await asyncio.sleep(54)
    assert ledger.minutes == 2
    await asyncio.sleep(2)
    assert ledger.minutes == 1
    await asyncio.sleep(9.5)
    call.leg.hangs_up()
    await task
    assert ledger.closed == {call.leg.id: 66}, "what is begun of a second counts"


async def test_the_call_ends_with_its_last_minute_and_not_before() -> None:
    call = _Call(MemoryBudget(minutes=2))
    task = asyncio.ensure_future(call.spend())
    await asyncio.sleep(1)
    call.leg.answers()
    await asyncio.sleep(119)
    assert call.leg.state is LegState.UP
    await asyncio.sleep(2)
    assert call.leg.cause is Cause.BUDGET_SPENT
    await task


async def test_a_disk_that_fails_in_a_call_ends_it_with_the_minute() -> None:
    ledger = MemoryBudget()
    call = _Call(ledger)
    task = asyncio.ensure_future(call.spend())
    await asyncio.sleep(1)
    call.leg.answers()
    await asyncio.sleep(1)
    ledger.broken = True
    await asyncio.sleep(57)
    assert call.leg.state is LegState.UP
    await asyncio.sleep(3)
    assert call.leg.cause is Cause.BUDGET_SPENT
    await task


async def test_no_call_is_longer_than_an_hour() -> None:
    call = _Call(MemoryBudget())
    task = asyncio.ensure_future(call.spend())
    await asyncio.sleep(1)
    call.leg.answers()
    await asyncio.sleep(LONGEST_CALL_SECONDS - 1)
    assert call.leg.state is LegState.UP
    await asyncio.sleep(2)
    assert call.leg.cause is Cause.TOO_LONG
    await task


async def test_who_does_not_answer_costs_nothing() -> None:
    ledger = MemoryBudget()
    call = _Call(ledger)
    began = asyncio.get_running_loop().time()
    await call.spend(patience_seconds=20)
    assert asyncio.get_running_loop().time() - began == pytest.approx(20)
    assert call.leg.cause is Cause.NO_ANSWER
    assert ledger.closed == {call.leg.id: 0}


async def test_a_leg_that_ended_while_the_minute_was_committed_is_not_dialled() -> None:
    ledger = MemoryBudget()
    call = _Call(ledger)
    call.leg.hangs_up()
    await call.spend()
    assert not call.dialled
    assert ledger.closed == {call.leg.id: 0}


async def test_a_talk_of_a_moment_is_a_second_and_a_settlement_that_fails_ends_nothing_else() -> None:
    ledger = MemoryBudget()
    call = _Call(ledger)
    task = asyncio.ensure_future(call.spend())
    await asyncio.sleep(1)
    call.leg.answers()
    call.leg.hangs_up()
    await task
    assert ledger.closed == {call.leg.id: 1}

    fails = MemoryBudget()
    other = _Call(fails)
    fails.close = Refusing(StoreError("The disk is full.")).close  # type: ignore[method-assign]  # only that verb fails
    other.leg.hangs_up()
    await other.spend()
    await other.budget.settle(0)
    await other.budget.keep(1_000)


class Counting(MemoryBudget):
    """Notes each wish for a minute, and for whom it was."""

    def __init__(self, minutes: int) -> None:
        super().__init__(minutes)
        self.wishes = 0
        self.lines: list[str] = []

    def _take(self, line: str) -> None:
        self.wishes += 1
        self.lines.append(line)
        super()._take(line)


async def test_the_next_minute_is_asked_for_at_55_seconds_and_the_last_one_ends_at_60() -> None:
    ledger = Counting(1)
    call = _Call(ledger)
    await call.budget.reserve(dialable(CUSTOMER), call_id="c", extension="101")
    assert ledger.lines == ["red"]
    call.leg.answers()
    await call.budget.keep(54.99)
    assert ledger.wishes == 1
    await call.budget.keep(55.0)
    assert ledger.wishes == 2
    await call.budget.keep(59.99)
    assert ledger.wishes == 2, "what was refused is not asked for again and again"
    assert call.leg.state is LegState.UP
    await call.budget.keep(60.0)
    assert call.leg.cause is Cause.BUDGET_SPENT


async def test_a_disk_that_fails_is_asked_once_for_a_minute() -> None:
    ledger = Counting(1_000)
    call = _Call(ledger)
    await call.budget.reserve(dialable(CUSTOMER), call_id="c", extension="101")
    ledger.broken = True
    for second in (55.0, 56.0, 57.0):
        await call.budget.keep(second)
    assert ledger.wishes == 2
