"""A party's wish that the other one be connected with somebody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from gateway.telephony.causes import Cause

if TYPE_CHECKING:
    from gateway.telephony.leg import Leg


class TransferReport(Protocol):
    """Who asked for a transfer learns what becomes of it. Nothing here waits for a wire."""

    def rings(self) -> None:
        """The new party rings."""

    def succeeded(self) -> None:
        """The new party has answered: who asked is out of the call."""

    def failed(self, cause: Cause) -> None:
        """It came to nothing; who asked has the call back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferWish:
    """`by` wants the other party to be connected with `target`, a text as it would be dialled.

    With `instead_of`, another leg of the same phone, the other party is to take the place of that leg in its
    call: the attended transfer, after a consultation.
    """

    by: Leg
    target: str
    report: TransferReport
    instead_of: Leg | None = None


OnTransfer: TypeAlias = Callable[[TransferWish], Cause | None]
"""Judges a wish at once: None when it will be tried, else why not."""


class Silent:
    """A report that nobody waits for."""

    def rings(self) -> None:
        """Nobody is told."""

    def succeeded(self) -> None:
        """Nobody is told."""

    def failed(self, cause: Cause) -> None:
        """Nobody is told."""
