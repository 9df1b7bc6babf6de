"""The minutes of one outgoing call: committed before they are spent, settled at the end."""

from __future__ import annotations

import logging

from gateway.errors import BudgetSpent, GatewayError
from gateway.modem.gsm_leg import GsmLeg
from gateway.telephony.causes import Cause
from gateway.telephony.ledger import Budget, Reservation
from gateway.telephony.numbers import Dialable

log = logging.getLogger(__name__)

_EXTEND_AHEAD_SECONDS = 5.0


class CallBudget:
    """Keeps the reservation of `leg`; ends the leg when no minute is left. An emergency call passes every limit."""

    def __init__(self, budget: Budget, leg: GsmLeg) -> None:
        self._budget = budget
        self._leg = leg
        self._reservation: Reservation | None = None
        self._is_spent = False
        self._is_emergency = False

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
        except BudgetSpent:
            self._refuse(Cause.BUDGET_SPENT)
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

    def _refuse(self, cause: Cause) -> None:
        if not self._is_emergency:
            self._leg.fail(cause)
