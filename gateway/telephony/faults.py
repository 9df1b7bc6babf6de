"""What a fault means to the parties of a call."""

from __future__ import annotations

from gateway.errors import GatewayError, NumberBarred
from gateway.telephony.causes import Cause
from gateway.telephony.numbers import BarredReason

_CAUSES = {
    "no-free-line": Cause.NO_FREE_LINE,
    "number-barred": Cause.NUMBER_BARRED,
    "budget-spent": Cause.BUDGET_SPENT,
    "month-spent": Cause.BUDGET_SPENT,
    "night-lock": Cause.NIGHT_LOCK,
    "too-many-calls": Cause.TOO_MANY_CALLS,
    "too-many-at-once": Cause.TOO_MANY_CALLS,
}
"""Faults that are an answer to the caller; any other is one of ours."""


def cause_of_fault(fault: GatewayError) -> Cause:
    """Why the call comes to nothing, as the caller is told."""
    if isinstance(fault, NumberBarred):
        return cause_of_barred(fault.values.get("reason"))
    return _CAUSES.get(fault.code, Cause.FAULT)


def cause_of_barred(reason: object) -> Cause:
    """Why a call to a number that may not be dialled comes to nothing; `reason` is a BarredReason."""
    return Cause.NO_SUCH_NUMBER if reason == BarredReason.NO_SUCH_NUMBER else Cause.NUMBER_BARRED
