"""Promised call-backs: who is to be called back, when, and what became of it (A12, A13)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from gateway.clock import wire_time
from gateway.events import CallBackChanged, CallBackPromised
from gateway.telephony.causes import NEXT_WAY, Cause
from gateway.telephony.reception import Reception


class PromiseState(StrEnum):
    """What has become of a promise."""

    WAITING = "waiting"
    DIALLING = "dialling"
    KEPT = "kept"
    """We have called, and they have talked."""
    DROPPED = "dropped"
    """The customer has got through otherwise."""
    CANCELLED = "cancelled"
    """Somebody of the shop has taken it off."""
    FAILED = "failed"
    """The customer did not answer, as often as we tried."""
    EXPIRED = "expired"
    """Nobody was free in time."""


OPEN = (PromiseState.WAITING, PromiseState.DIALLING)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisedCall:
    """A promise. `number` is E.164; `extensions` are those who may keep it, none: every phone."""

    id: str
    number: str
    name: str = ""
    called: str = ""
    """What the customer had called."""
    extensions: tuple[str, ...] = ()
    call_id: str = ""
    """The call in which it was promised."""
    promised_at: datetime
    due_at: datetime
    expires_at: datetime
    changed_at: datetime
    state: PromiseState = PromiseState.WAITING
    attempts: int = 0
    last_cause: str = ""
    visit_id: str = ""
    """Of the visit of the shop's web site by which it was asked for last; empty: by a call alone."""

    @property
    def is_open(self) -> bool:
        """Something is still to be done."""
        return self.state in OPEN

    def after_vain_call(self, cause: str, now: datetime, rules: Reception) -> PromisedCall:
        """What it is after the customer was rung in vain: a later try, or the end."""
        if self.attempts >= rules.call_back_tries:
            return replace(self, state=PromiseState.FAILED, last_cause=cause, changed_at=now)
        gap = timedelta(minutes=rules.call_back_gap_minutes * self.attempts)
        return replace(
            self, state=PromiseState.WAITING, due_at=now + gap, last_cause=cause, changed_at=now,
            expires_at=max(self.expires_at, now + gap + timedelta(hours=1)),
        )  # fmt: skip

    def not_tried(self, cause: str, now: datetime, pause_seconds: float) -> PromisedCall:
        """What it is when the customer was not rung after all: the try does not count."""
        return replace(
            self, state=PromiseState.WAITING, due_at=now + timedelta(seconds=pause_seconds), last_cause=cause,
            changed_at=now, attempts=max(0, self.attempts - 1),
        )  # fmt: skip

    def promised_event(self) -> CallBackPromised:
        """What is told when it is made in a call."""
        return CallBackPromised(
            call_id=self.call_id, promise_id=self.id, number=self.number, due_at=wire_time(self.due_at, "seconds")
        )

    def changed_event(self) -> CallBackChanged:
        """What is told when it stands otherwise than before."""
        return CallBackChanged(
            promise_id=self.id, number=self.number, state=str(self.state), attempts=self.attempts,
            due_at=wire_time(self.due_at, "seconds"), cause=self.last_cause,
        )  # fmt: skip


NOT_THE_CUSTOMER = NEXT_WAY | {Cause.TOO_MANY_CALLS, Cause.FAULT, Cause.SHUTDOWN}
"""The way failed: the customer has not been asked."""


class Kept:
    """Done once a promise is on the disk; who waits may be cancelled, and nothing is undone."""

    def __init__(self, committed: asyncio.Future[None]) -> None:
        self._committed = committed

    def __await__(self) -> Generator[Any, None, None]:
        return asyncio.shield(self._committed).__await__()


class PromiseLedger(Protocol):
    """Where promises are kept (rule 10). Each verb hands its row to the disk before it returns."""

    def keep(self, promise: PromisedCall) -> asyncio.Future[None]:
        """Commit a promise, new or changed; done once it is on the disk. Raises StoreError there."""

    def keep_later(self, promise: PromisedCall) -> None:
        """Commit a change soon, also when the disk is away now."""

    async def load(self) -> Sequence[PromisedCall]:
        """Those that are open, the oldest first."""

    async def over(self, *, limit: int) -> Sequence[PromisedCall]:
        """Those that are over, the last changed first."""


class CallBackPromises(Protocol):
    """What a flow is given to make promises with."""

    def can_promise(self, number: str) -> bool:
        """Whether that caller can be called back at all."""

    def promise(
        self, *, number: str, name: str, called: str, extensions: tuple[str, ...], call_id: str, due_at: datetime | None
    ) -> Awaitable[None]:
        """Promise, at once and for good (rule 8): one call to a number, however often it is promised.

        What is returned is done once the promise is on the disk, and raises StoreError when it is not kept; to
        cancel the waiting undoes nothing.
        """


class NoPromises:
    """Nothing is kept here, so nothing is promised."""

    def can_promise(self, number: str) -> bool:  # noqa: ARG002  # the verb's form
        """Nobody is."""
        return False

    def promise(self, *, number: str, **_: object) -> Awaitable[None]:
        """Raises LookupError, as for every number that cannot be called back."""
        raise LookupError(f"nobody can call {number} back")
