"""The minutes of one outgoing call: committed before they are spent, settled at the end, by whatever way it leaves."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable

from gateway.errors import BudgetSpent, GatewayError, NightLocked, TooManyAtOnce, TooManyCalls
from gateway.telephony.causes import Cause
from gateway.telephony.faults import cause_of_fault
from gateway.telephony.ledger import Budget, Reservation
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.numbers import Dialable

log = logging.getLogger(__name__)

LONGEST_CALL_SECONDS = 3600.0
"""A paid call ends then, whatever the budget still holds."""

_EXTEND_AHEAD_SECONDS = 5.0
_LOOK_EVERY_SECONDS = 0.5


class CallBudget:
    """Keeps the reservation of `leg`; ends the leg when no minute is left. An emergency call passes every limit."""

    def __init__(self, budget: Budget, leg: Leg, fail: Callable[[Cause], None]) -> None:
        """`fail` ends the leg before anything of it is on the wire."""
        self._budget = budget
        self._leg = leg
        self._fail = fail
        self._reservation: Reservation | None = None
        self._is_spent = False
        self._is_emergency = False
        self._answered_at: float | None = None
        self._ended_at: float | None = None

    @property
    def is_open(self) -> bool:
        """The first minute is committed, or does not matter: the call may be dialled."""
        return self._reservation is not None or self._is_emergency

    async def reserve(self, number: Dialable, *, call_id: str, extension: str | None) -> None:
        """Commit the first minute; where that cannot be, the leg ends."""
        self._is_emergency = number.emergency
        try:
            self._reservation = await self._budget.open(
                call_id=call_id,
                leg_id=self._leg.id,
                line=self._leg.line or "",
                extension=extension,
                number=number.digits,
            )
        except (BudgetSpent, NightLocked, TooManyAtOnce, TooManyCalls) as refusal:
            self._refuse(cause_of_fault(refusal))
        except GatewayError as fault:
            log.error("The minutes for a call by %s cannot be counted: %s", self._leg.line, fault)
            self._refuse(Cause.FAULT)

    async def keep(self, talked_seconds: float) -> None:
        """Commit the next minute before it begins; where there is none, hang up when the last one is over."""
        if self._reservation is None:
            return
        if talked_seconds >= self._reservation.granted_seconds - _EXTEND_AHEAD_SECONDS and not self._is_spent:
            try:
                self._reservation = await self._budget.extend(self._reservation)
            except BudgetSpent:
                self._is_spent = True
            except GatewayError as fault:
                log.error("The next minute of a call by %s cannot be counted: %s", self._leg.line, fault)
                self._is_spent = True
        if talked_seconds >= self._reservation.granted_seconds and not self._is_emergency:
            self._leg.hangup(Cause.BUDGET_SPENT)

    async def settle(self, talk_seconds: int) -> None:
        """Give back what was not used."""
        reservation, self._reservation = self._reservation, None
        if reservation is None:
            return
        try:
            await self._budget.close(reservation, talk_seconds=talk_seconds)
        except GatewayError as fault:
            log.error("The minutes of a call by %s cannot be settled: %s", self._leg.line, fault)

    async def spend(
        self,
        number: Dialable,
        dial: Callable[[], None],
        *,
        call_id: str,
        extension: str | None,
        patience_seconds: float,
    ) -> None:
        """The whole life of a paid call: reserve, `dial`, keep while it talks, settle.

        For a driver whose wire needs no loop of its own. A leg that nobody has answered after `patience_seconds`
        ends. What was talked is settled, and the leg ends, also when the task is cancelled.
        """
        loop = asyncio.get_running_loop()
        self._leg.on_change(self._leg_changed)
        try:
            await self.reserve(number, call_id=call_id, extension=extension)
            if not self.is_open or self._leg.state is LegState.ENDED:
                return
            dial()
            if not await self._leg.up(within=patience_seconds):
                self._leg.hangup(Cause.NO_ANSWER)
                return
            while await self._leg.ended(within=_LOOK_EVERY_SECONDS) is None:
                talked = 0.0 if self._answered_at is None else loop.time() - self._answered_at
                if talked >= LONGEST_CALL_SECONDS:
                    self._leg.hangup(Cause.TOO_LONG)
                await self.keep(talked)
        finally:
            self._leg.hangup(Cause.SHUTDOWN)
            await self.settle(self._talk_seconds())

    def _leg_changed(self, leg: Leg) -> None:
        now = asyncio.get_running_loop().time()
        if leg.state is LegState.UP:
            self._answered_at = now
        elif leg.state is LegState.ENDED:
            self._ended_at = now

    def _talk_seconds(self) -> int:
        if self._answered_at is None or self._ended_at is None:
            return 0
        return max(1, math.ceil(self._ended_at - self._answered_at))

    def _refuse(self, cause: Cause) -> None:
        if not self._is_emergency:
            self._fail(cause)
