"""Who takes calls of the queue now: pauses with their reason, the rest after a call, and whose turn it is.

Pauses are on the disk before they count and outlive a restart; the rest after a call, which lasts seconds, does not.
Direct calls to a phone ring there all the same: it is the queue that leaves it alone.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

from gateway.clock import WallClock, wire_time
from gateway.errors import StoreError
from gateway.events import (
    CallAnswered,
    CallEnded,
    CallQueued,
    CallStarted,
    LegEnded,
    LegStarted,
    Publish,
    Published,
    StaffChanged,
)
from gateway.ids import new_id
from gateway.telephony.queue_rules import Strategy
from gateway.telephony.queues import rules_of
from gateway.telephony.shop import ShopView

RETURNS_CALLS = "return-call"
"""The flow that keeps a promise to call back: its employee has talked to a customer, too."""


class DutyState(StrEnum):
    """Whether the queue rings a phone."""

    FREE = "free"
    PAUSED = "paused"
    WRAP_UP = "wrap-up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A phone that takes no calls of the queue; `ended_at` is None while it lasts."""

    id: str
    extension: str
    reason: str
    by: str
    began_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How it is with a phone; `since` and `until` in UTC, where there is something to say."""

    state: DutyState = DutyState.FREE
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How many customers a phone has answered on a day of the shop, and when the last of them."""

    extension: str
    calls: int
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PausedTime:
    """How long an extension has paused for a reason in a time, and how often that began or went on."""

    extension: str
    reason: str
    pauses: int
    seconds: float


class PauseLedger(Protocol):
    """Where pauses are kept."""

    async def keep(self, pause: Pause) -> None:
        """Commit a pause, new or ended. Raises StoreError."""

    async def load(self) -> Sequence[Pause]:
        """Those that last."""

    async def answered_since(self, begin: datetime) -> Sequence[Answered]:
        """What phones have answered from then on."""


class Duty(Protocol):
    """What calls ask of it."""

    def is_free(self, extension: str) -> bool:
        """Neither pauses nor rests."""

    def in_turn(self, extensions: tuple[str, ...], strategy: Strategy, queue: str = "") -> tuple[str, ...]:
        """The same, whoever is to be rung first first for a caller of that queue; an empty name is the shop's own."""

    def has_turn(self, extension: str, queue: str = "") -> None:
        """It was rung first for a caller of that queue."""

    async def pause(self, extension: str, reason: str, *, by: str) -> None:
        """From now on it is left alone. Raises StoreError."""

    async def resume(self, extension: str, *, by: str) -> bool:
        """It takes calls again; False: it did. Raises StoreError."""


class EverybodyOnDuty:
    """Nobody pauses, and nobody can."""

    def is_free(self, extension: str) -> bool:  # noqa: ARG002  # the verb's form
        """Everybody is."""
        return True

    def in_turn(self, extensions: tuple[str, ...], strategy: Strategy, queue: str = "") -> tuple[str, ...]:  # noqa: ARG002  # the verb's form
        """As they are listed."""
        return extensions

    def has_turn(self, extension: str, queue: str = "") -> None:
        """Turns are not counted."""

    async def pause(self, extension: str, reason: str, *, by: str) -> None:  # noqa: ARG002  # the verb's form
        """Raises StoreError."""
        raise StoreError(f"Nothing keeps the pause of {extension} here.")

    async def resume(self, extension: str, *, by: str) -> bool:  # noqa: ARG002  # the verb's form
        """Nobody pauses."""
        return False


@dataclass(slots=True)
class _Day:
    """What a phone has answered on a day of the shop."""

    day: date
    calls: int = 0


@dataclass(slots=True)
class _Talk:
    """A running call, as far as it concerns the queue."""

    caller: str = ""
    is_of_customer: bool = False
    returns: bool = False
    queue: str = ""
    agent: str = ""
    legs: dict[str, str] = field(default_factory=dict)
    """Phones of ours by the leg's id."""


class OnDuty:
    """The state of every phone. A subscriber of the bus by `follow`; `close` when the daemon stops."""

    def __init__(self, ledger: PauseLedger, *, shop: ShopView, publish: Publish, clock: WallClock) -> None:
        self._ledger = ledger
        self._shop = shop
        self._publish = publish
        self._clock = clock
        self._pauses: dict[str, Pause] = {}
        self._rests: dict[str, tuple[asyncio.TimerHandle, Standing]] = {}
        self._days: dict[str, _Day] = {}
        self._last_answered: dict[str, datetime] = {}
        self._last_turn: dict[str, str] = {}
        """By the name of the queue."""
        self._calls: dict[str, _Talk] = {}
        self._changing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def load(self) -> None:
        """Take up what the last run has left."""
        self._pauses = {pause.extension: pause for pause in await self._ledger.load()}
        today = self._today()
        zone = ZoneInfo(self._shop().time_zone)
        midnight = datetime.combine(today, datetime.min.time(), tzinfo=zone)
        for each in await self._ledger.answered_since(midnight):
            self._days[each.extension] = _Day(today, each.calls)
            self._last_answered[each.extension] = each.last_at

    def close(self) -> None:
        """No timer is left."""
        for timer, _ in self._rests.values():
            timer.cancel()
        self._rests.clear()

    # What is asked.

    def is_free(self, extension: str) -> bool:
        """Neither pauses nor rests."""
        return extension not in self._pauses and extension not in self._rests

    def standing(self, extension: str) -> Standing:
        """How it is with a phone."""
        pause = self._pauses.get(extension)
        if pause is not None:
            return Standing(state=DutyState.PAUSED, reason=pause.reason, since=pause.began_at)
        _, rest = self._rests.get(extension, (None, Standing()))
        return rest

    def in_turn(self, extensions: tuple[str, ...], strategy: Strategy, queue: str = "") -> tuple[str, ...]:
        """The same, whoever is to be rung first first in that queue; between equals as they are listed."""
        never = datetime.min.replace(tzinfo=self._clock().tzinfo)
        match strategy:
            case Strategy.ROUND_ROBIN if self._last_turn.get(queue) in extensions:
                next_place = extensions.index(self._last_turn[queue]) + 1
                return extensions[next_place:] + extensions[:next_place]
            case Strategy.LEAST_RECENT:
                return tuple(sorted(extensions, key=lambda each: self._last_answered.get(each, never)))
            case Strategy.FEWEST_CALLS:
                today = self._today()
                return tuple(
                    sorted(
                        extensions, key=lambda each: (self._calls_on(each, today), self._last_answered.get(each, never))
                    )
                )
            case _:
                return extensions

    def has_turn(self, extension: str, queue: str = "") -> None:
        """It was rung first for a caller of that queue."""
        self._last_turn[queue] = extension

    # What is wanted.

    async def pause(self, extension: str, reason: str, *, by: str) -> None:
        """From now on it is left alone; another reason begins another pause. Raises StoreError."""
        async with self._changing[extension]:
            now = self._clock()
            before = self._pauses.get(extension)
            if before is not None and before.reason == reason:
                return
            if before is not None:
                await self._ledger.keep(replace(before, ended_at=now))
            begun = Pause(id=new_id(), extension=extension, reason=reason, by=by, began_at=now)
            await self._ledger.keep(begun)
            self._pauses[extension] = begun
            self._forget_rest(extension)
            self._publish(StaffChanged(extension=extension, state=DutyState.PAUSED, reason=reason, by=by))

    async def resume(self, extension: str, *, by: str) -> bool:
        """It takes calls again, from a pause or from its rest; False: it did. Raises StoreError."""
        async with self._changing[extension]:
            before = self._pauses.get(extension)
            if before is not None:
                await self._ledger.keep(replace(before, ended_at=self._clock()))
                del self._pauses[extension]
            rested = self._forget_rest(extension)
            if before is None and not rested:
                return False
            self._publish(StaffChanged(extension=extension, state=DutyState.FREE, by=by))
            return True

    # What happens.

    def follow(self, published: Published) -> None:
        """A subscriber of the bus."""
        match published.event:
            case CallStarted() as event:
                talk = self._calls.setdefault(event.call_id, _Talk())
                talk.caller, talk.returns = event.caller, event.flow == RETURNS_CALLS
                talk.is_of_customer = talk.returns or event.direction == "incoming"
            case CallQueued(call_id=call_id, queue=queue):
                self._calls.setdefault(call_id, _Talk()).queue = queue
            case LegStarted(call_id=call_id, leg_id=leg_id, peer=peer, line=None):
                self._calls.setdefault(call_id, _Talk()).legs[leg_id] = peer
            case CallAnswered(call_id=call_id, answered_by=answered_by):
                self._has_answered(call_id, answered_by, published.time)
            case LegEnded(call_id=call_id, leg_id=leg_id):
                self._has_left(call_id, leg_id)
            case CallEnded(call_id=call_id):
                self._calls.pop(call_id, None)
            case _:
                pass

    def _has_answered(self, call_id: str, answered_by: str, at: datetime) -> None:
        talk = self._calls.get(call_id)
        if talk is None or not talk.is_of_customer:
            return
        phones = (answered_by, talk.caller) if talk.returns else (answered_by,)
        talk.agent = next((each for each in phones if self._shop().phone(each) is not None), "")
        if talk.agent:
            today = self._today()
            self._days[talk.agent] = _Day(today, self._calls_on(talk.agent, today) + 1)
            self._last_answered[talk.agent] = at

    def _has_left(self, call_id: str, leg_id: str) -> None:
        talk = self._calls.get(call_id)
        peer = talk.legs.pop(leg_id, "") if talk is not None else ""
        if talk is not None and peer and peer == talk.agent and peer not in talk.legs.values():
            self._has_talked(peer, talk.queue)

    def _has_talked(self, extension: str, queue: str) -> None:
        """A customer was talked to: the rest begins, unless there is none in that queue or the phone pauses anyhow."""
        seconds = rules_of(self._shop(), queue).wrap_up_seconds
        if seconds == 0 or extension in self._pauses:
            return
        self._forget_rest(extension)
        now = self._clock()
        until = now + timedelta(seconds=seconds)
        timer = asyncio.get_running_loop().call_later(seconds, partial(self._has_rested, extension))
        self._rests[extension] = (timer, Standing(state=DutyState.WRAP_UP, since=now, until=until))
        self._publish(
            StaffChanged(
                extension=extension,
                state=DutyState.WRAP_UP,
                until=wire_time(until),
            )
        )

    def _has_rested(self, extension: str) -> None:
        del self._rests[extension]
        self._publish(StaffChanged(extension=extension, state=DutyState.FREE))

    def _forget_rest(self, extension: str) -> bool:
        timer, _ = self._rests.pop(extension, (None, None))
        if timer is not None:
            timer.cancel()
        return timer is not None

    def _calls_on(self, extension: str, today: date) -> int:
        found = self._days.get(extension)
        return found.calls if found is not None and found.day == today else 0

    def _today(self) -> date:
        return self._clock().astimezone(ZoneInfo(self._shop().time_zone)).date()
