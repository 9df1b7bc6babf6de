"""Keeps promises to call back: by itself, as soon as somebody is free and the shop is open (A13).

Each promise is one row that is on the disk before the caller hears of it, and before a call is placed. What became
of a call is learned from the events of the call, so that it is noted also while the daemon stops.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import NoReturn, Self, TypeAlias

from gateway.clock import WallClock
from gateway.errors import GatewayError, StoreError
from gateway.events import (
    CallAnswered,
    CallEnded,
    CallStarted,
    LegEnded,
    PhoneRegistered,
    Publish,
    Published,
    ShopChanged,
    StaffChanged,
)
from gateway.ids import new_id
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import Destination, ReturnCall
from gateway.telephony.exchange import Exchange
from gateway.telephony.forwarding import plan_ringing
from gateway.telephony.leg import Leg
from gateway.telephony.line import Caller
from gateway.telephony.numbers import Dialable
from gateway.telephony.promised import NOT_THE_CUSTOMER, OPEN, Kept, PromisedCall, PromiseLedger, PromiseState
from gateway.telephony.reception import CallBackFirst
from gateway.telephony.ringing import ring
from gateway.telephony.staff import is_engaged

log = logging.getLogger(__name__)

REST_SECONDS = 2.0
"""Whoever has just hung up takes a breath, and so does a modem."""
GOODBYE_SECONDS = 4.0
"""Who has just been promised a call hears it said and hangs up first."""
EMPLOYEE_SECONDS = 30.0
"""How long staff ring for a promise."""
PAUSE_SECONDS = 60.0
"""Before the next look, where the customer has not been rung after all."""
MOST_OPEN = 100
"""So many promises wait at most; who calls then is offered to wait only."""
LOOK_SECONDS = 60.0
"""The wall clock may have been set, or a line may have come back."""

Place: TypeAlias = Callable[[Leg, Destination, str], bool]
"""Let a leg of ours be the caller of a new call with that id; False: no calls are taken now."""


@dataclass(slots=True)
class _Attempt:
    """A promise that is being kept now."""

    promise: PromisedCall
    extensions: tuple[str, ...]
    first: CallBackFirst
    task: asyncio.Task[None] | None = None
    call_id: str = ""


class CallBackDesk:
    """`async with CallBackDesk(...)`: promises are kept from entry to exit. It implements CallBackPromises."""

    def __init__(self, ledger: PromiseLedger, *, publish: Publish, clock: WallClock) -> None:
        self._ledger = ledger
        self._publish = publish
        self._clock = clock
        self._exchange: Exchange | None = None
        self._place: Place | None = None
        self._open: dict[str, PromisedCall] = {}
        """By the customer's number."""
        self._attempts: dict[str, _Attempt] = {}
        """By the customer's number, too."""
        self._callers: dict[str, str] = {}
        """Who calls, by the running call."""
        self._woken = asyncio.Event()
        self._group = asyncio.TaskGroup()
        self._run: asyncio.Task[NoReturn] | None = None

    def connect(self, exchange: Exchange, place: Place) -> None:
        """Work with these surroundings."""
        self._exchange, self._place = exchange, place

    async def __aenter__(self) -> Self:
        """Take up what the last run has promised; what was being dialled when it ended is tried once more."""
        now = self._clock()
        for found in await self._ledger.load():
            is_cut_off = found.state is PromiseState.DIALLING
            self._open[found.number] = (
                replace(found, state=PromiseState.WAITING, due_at=now, changed_at=now) if is_cut_off else found
            )
        await self._group.__aenter__()
        self._run = self._group.create_task(self._keep_promises())
        return self

    async def __aexit__(self, *fault: object) -> None:
        """Place no more calls; those that run go on."""
        if self._run is not None:
            self._run.cancel()
        for attempt in self._attempts.values():
            if attempt.task is not None:
                attempt.task.cancel()
        await self._group.__aexit__(None, None, None)

    # Promises.

    def can_promise(self, number: str) -> bool:
        """Whether that caller can be called back at all: not ourselves, and not one more when very many wait.

        A caller's number can be forged: the bound keeps others from having us call half a town.
        """
        dialable = self._dialable(number)
        if dialable is None or self._exchange is None:
            return False
        shop = self._exchange.shop()
        ours = {line.number for line in shop.lines} | {trunk.number for trunk in shop.trunks}
        return dialable.digits in self._open or (len(self._open) < MOST_OPEN and dialable.digits not in ours)

    def promise(
        self, *, number: str, name: str, called: str, extensions: tuple[str, ...], call_id: str,
        due_at: datetime | None, visit_id: str = "",
    ) -> Awaitable[None]:  # fmt: skip
        """Promise, at once and for good: one call to a number, however often it is promised. See CallBackPromises."""
        dialable = self._dialable(number)
        if dialable is None or self._exchange is None:
            raise LookupError(f"nobody can call {number} back")
        now = self._clock()
        due = max(due_at or now, now + timedelta(seconds=GOODBYE_SECONDS))
        hours = timedelta(hours=self._exchange.shop().reception.call_back_hours)
        known = self._open.get(dialable.digits)
        if known is None:
            made = PromisedCall(
                id=new_id(), number=dialable.digits, name=name, called=called, extensions=extensions, call_id=call_id,
                promised_at=now, due_at=due, expires_at=due + hours, changed_at=now, visit_id=visit_id,
            )  # fmt: skip
        elif visit_id:  # anybody may have typed that number: what was tried in vain counts on
            made = replace(known, due_at=min(known.due_at, due), visit_id=visit_id, changed_at=now)
        else:  # who asks again is still waiting: the sooner of both times counts, and the tries begin anew
            made = replace(known, due_at=min(known.due_at, due), expires_at=due + hours, attempts=0, changed_at=now)
        self._open[made.number] = made
        kept = self._ledger.keep(made)
        kept.add_done_callback(partial(self._is_kept, made, known))
        self._woken.set()
        return Kept(kept)

    @property
    def open_visits(self) -> int:
        """How many of those that are open came by the shop's web site."""
        return sum(bool(each.visit_id) for each in self._open.values())

    def waiting(self) -> Sequence[PromisedCall]:
        """Those that are open, the one that is due first first."""
        return sorted(self._open.values(), key=lambda promise: (promise.due_at, promise.id))

    async def over(self, *, limit: int) -> Sequence[PromisedCall]:
        """Those that are over, the last changed first."""
        return await self._ledger.over(limit=limit)

    def cancel(self, promise_id: str) -> bool:
        """Take a promise off; False when it is not open."""
        found = next((each for each in self._open.values() if each.id == promise_id), None)
        if found is None:
            return False
        self._end(found, PromiseState.CANCELLED)
        return True

    def _is_kept(self, made: PromisedCall, before: PromisedCall | None, committed: asyncio.Future[None]) -> None:
        """What the disk has not taken was not promised."""
        if not committed.cancelled() and committed.exception() is None:
            if not made.call_id:
                self._publish(made.changed_event())
            elif before is None:
                log.info("%s is promised to be called back.", made.number)
                self._publish(made.promised_event())
        elif self._open.get(made.number) is not made:
            pass  # it is over already
        elif before is not None:
            self._open[made.number] = before
        else:
            del self._open[made.number]

    # What happens.

    def follow(self, published: Published) -> None:
        """A subscriber of the bus."""
        match published.event:
            case CallStarted(call_id=call_id, caller=caller):
                self._callers[call_id] = caller
            case CallAnswered(call_id=call_id, answered_by=answered_by):
                self._have_talked(call_id, (self._callers.get(call_id, ""), answered_by))
            case CallEnded() as event:
                self._callers.pop(event.call_id, None)
                self._has_ended(event)
                self._woken.set()
            case LegEnded() | PhoneRegistered() | ShopChanged() | StaffChanged():
                self._woken.set()
            case _:
                pass

    def _have_talked(self, call_id: str, peers: Iterable[str]) -> None:
        """Whoever has talked with the shop waits no longer."""
        for promise in [self._open[each] for each in self._spellings(peers) if each in self._open]:
            attempt = self._attempts.get(promise.number)
            is_ours = attempt is not None and attempt.call_id == call_id
            self._end(promise, PromiseState.KEPT if is_ours else PromiseState.DROPPED)

    def _has_ended(self, event: CallEnded) -> None:
        attempt = next((each for each in self._attempts.values() if each.call_id == event.call_id), None)
        if attempt is None or self._exchange is None:
            return
        del self._attempts[attempt.promise.number]
        promise = self._open.get(attempt.promise.number)
        if promise is None or promise.id != attempt.promise.id:
            return
        now, rules = self._clock(), self._exchange.shop().reception
        gave_up = attempt.first is CallBackFirst.EMPLOYEE and event.ended_by == "caller"
        if gave_up or event.cause in NOT_THE_CUSTOMER:
            self._change(promise.not_tried(event.cause, now, PAUSE_SECONDS))
        else:
            self._change(promise.after_vain_call(event.cause, now, rules))

    # Keeping them.

    async def _keep_promises(self) -> NoReturn:
        while True:
            self._woken.clear()
            pause = self._start_due()
            try:
                async with asyncio.timeout(pause):
                    await self._woken.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(REST_SECONDS)

    def _start_due(self) -> float | None:
        """Begin to keep what can be kept now; how long to sleep then, None: until something happens."""
        exchange, now = self._exchange, self._clock()
        for promise in self.waiting():
            if promise.expires_at <= now and promise.number not in self._attempts:
                self._end(promise, PromiseState.EXPIRED)
        waiting = [each for each in self.waiting() if each.number not in self._attempts]
        if exchange is None or not waiting:
            return None
        opening = exchange.shop().schedule.state_at(now)
        if opening.is_open:
            for promise in waiting:
                if promise.due_at <= now:
                    self._try_to_begin(promise, exchange)
        later = [each.due_at for each in waiting if each.due_at > now]
        if opening.opens_at is not None:
            later.append(opening.opens_at)
        return min((max((each - now).total_seconds(), 0.0) for each in later), default=LOOK_SECONDS)

    def _try_to_begin(self, promise: PromisedCall, exchange: Exchange) -> None:
        shop = exchange.shop()
        wanted = promise.extensions or tuple(phone.extension for phone in shop.phones)
        taken = {each for attempt in self._attempts.values() for each in attempt.extensions}
        free = tuple(
            each
            for each in plan_ringing(shop, wanted).rings
            if each not in taken
            and exchange.duty.is_free(each)
            and exchange.phones.is_reachable(each)
            and not is_engaged(exchange, each)
        )
        number = self._dialable(promise.number) if free else None  # looked at every minute, and parsed when it matters
        if number is None or not exchange.has_way_outside(payer=free[0]):
            return
        # Who has only typed a number is nobody's call: a person of the shop is there first.
        first = CallBackFirst.EMPLOYEE if promise.visit_id else shop.reception.call_back_first
        attempt = _Attempt(promise, free, first)
        self._attempts[promise.number] = attempt
        attempt.task = self._group.create_task(self._attempt(attempt, number, exchange), name="call back")

    async def _attempt(self, attempt: _Attempt, number: Dialable, exchange: Exchange) -> None:
        """Ring whoever comes first; from then on it is a call like any other, and its events say what became of it."""
        try:
            if attempt.first is CallBackFirst.EMPLOYEE:
                await self._employee_first(attempt, exchange)
            else:
                await self._customer_first(attempt, number, exchange)
        except GatewayError as fault:
            log.info("%s cannot be called back now: %s", number.digits, fault)
        finally:
            if not attempt.call_id:
                self._attempts.pop(number.digits, None)
                self._woken.set()
                promise = self._open.get(number.digits)
                if promise is not None and promise.state is PromiseState.DIALLING:
                    self._change(promise.not_tried(Cause.NO_FREE_LINE, self._clock(), PAUSE_SECONDS))

    async def _employee_first(self, attempt: _Attempt, exchange: Exchange) -> None:
        promise = attempt.promise
        caller = Caller(number=promise.number, name=promise.name)
        async with ring([exchange.phones.dial(each, caller=caller) for each in attempt.extensions]) as ringing:
            agent = await ringing.answered(within=EMPLOYEE_SECONDS)
            if agent is not None and await self._begin(attempt):
                self._hand_over(agent, attempt)
                return
        if promise.number in self._open and agent is None:
            pause = self._open[promise.number].not_tried(ringing.cause, self._clock(), PAUSE_SECONDS)
            self._change(replace(pause, attempts=self._open[promise.number].attempts))
        elif agent is not None:
            agent.hangup(Cause.CANCELLED)

    async def _customer_first(self, attempt: _Attempt, number: Dialable, exchange: Exchange) -> None:
        if not await self._begin(attempt):
            return
        call_id, payer = new_id(), attempt.extensions[0]
        # First the SIM that the customer has called and knows.
        ways = exchange.ways_outside(number, call_id=call_id, payer=payer, first=attempt.promise.called)
        leg = next(ways, None)
        if leg is not None:
            self._hand_over(leg, attempt, call_id)

    async def _begin(self, attempt: _Attempt) -> bool:
        """Commit the try before it is made (rule 10); False: it shall not be made any more."""
        promise = self._open.get(attempt.promise.number)
        if promise is None:
            return False
        begun = replace(
            promise, state=PromiseState.DIALLING, attempts=promise.attempts + 1, changed_at=self._clock()
        )  # fmt: skip
        self._open[begun.number] = begun
        try:
            await self._ledger.keep(begun)
        except StoreError:
            self._open[begun.number] = promise
            return False
        self._publish(begun.changed_event())
        return begun.number in self._open

    def _hand_over(self, leg: Leg, attempt: _Attempt, call_id: str | None = None) -> None:
        attempt.call_id = call_id or new_id()
        promise = attempt.promise
        flow = ReturnCall(
            number=promise.number, extensions=attempt.extensions, first=attempt.first, visit_id=promise.visit_id
        )
        if self._place is None or not self._place(leg, flow, attempt.call_id):
            leg.hangup(Cause.SHUTDOWN)
            attempt.call_id = ""
        elif attempt.first is CallBackFirst.EMPLOYEE:
            attempt.extensions = ()  # who has answered is seen in the call; the others are free for the next promise

    # Inside.

    def _dialable(self, number: str) -> Dialable | None:
        verdict = self._exchange.policy().check(number) if self._exchange is not None and number else None
        return verdict if isinstance(verdict, Dialable) and not verdict.emergency else None

    def _spellings(self, peers: Iterable[str]) -> set[str]:
        """The numbers of outside parties, as promises have them."""
        policy = self._exchange.policy() if self._exchange is not None and self._open else None
        return {policy.normalise(each) or each for each in peers if each} if policy is not None else set()

    def _end(self, promise: PromisedCall, state: PromiseState) -> None:
        ended = replace(promise, state=state, changed_at=self._clock())
        attempt = self._attempts.get(promise.number)
        if attempt is not None and attempt.task is not None and not attempt.call_id:
            attempt.task.cancel()  # staff ring for nothing
        self._change(ended)

    def _change(self, promise: PromisedCall) -> None:
        if promise.state in OPEN:
            self._open[promise.number] = promise
        else:
            self._open.pop(promise.number, None)
        self._ledger.keep_later(promise)
        self._publish(promise.changed_event())
        self._woken.set()
