"""Staff who ring on through every phase of a call, and what its caller hears meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from gateway.audio.player import SequenceSource
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.queue_rules import QueueRules, Strategy
from gateway.telephony.ringing import Ringing
from gateway.telephony.waiting_line import Wish
from gateway.telephony.watched import WatchedSource

if TYPE_CHECKING:
    from gateway.telephony.call import Call
    from gateway.telephony.exchange import Exchange

AGAIN_SECONDS = 20.0
"""A phone that has turned the call down, or was silent too long for itself, is left alone so long."""


class Staff:
    """The phones of some extensions, for one caller. One that is busy rings as soon as it is free for this caller."""

    def __init__(
        self,
        call: Call,
        extensions: tuple[str, ...],
        is_decided: Callable[[], bool],
        rules: QueueRules,
        queue: str = "",
    ) -> None:
        """`queue` is the name of the one that the caller waits in; empty: the shop's own."""
        self.call = call
        self.queue = queue
        self._strategy = rules.strategy
        self.extensions = extensions
        self.since = asyncio.get_running_loop().time()
        self._order = call.exchange.duty.in_turn(extensions, rules.strategy, queue)
        self._step_seconds = None if rules.strategy is Strategy.ALL else rules.step_seconds
        self._is_decided = is_decided
        self._joined: tuple[str, ...] = ()
        """Those who ring beside whom the strategy has ring."""
        self._ringing: Ringing | None = None
        self._latest: dict[str, Leg] = {}
        self._ended_at: dict[str, float] = {}
        self.first_place = 1 + call.exchange.line_up.ahead(extensions)
        """In the queue, on arrival."""

    @property
    def ringing(self) -> Ringing:
        """All legs that were made."""
        if self._ringing is None:
            raise LookupError("nobody rings yet")
        return self._ringing

    @property
    def is_waited_for(self) -> bool:
        """The caller has not decided otherwise."""
        return not self._is_decided()

    async def answered(self, *, within: float) -> Leg | None:
        """Whoever answers first; None: nobody in so many seconds, or the caller has decided otherwise."""
        return await self.ringing.answered(within=within, until=self._is_decided)

    async def answered_during(self, *keys: str, within: float) -> Leg | None:
        """As `answered`, while the answered caller hears these prompts, and no longer than they last."""
        if self._is_decided():
            return None
        heard = WatchedSource(
            SequenceSource(*(self.call.exchange.prompts(key) for key in keys)), on_done=self.ringing.wake
        )
        await self.call.answer()
        self.call.caller.port.play(heard)
        return await self.ringing.answered(within=within, until=lambda: self._is_decided() or heard.is_done)

    async def answered_during_music(self, *, within: float) -> Leg | None:
        """As `answered`, while the answered caller hears music."""
        if self._is_decided():
            return None
        await self.call.answer()
        self.call.caller.port.play(self.call.exchange.music())
        return await self.answered(within=within)

    def join(self, extensions: tuple[str, ...]) -> None:
        """More phones ring for the caller, too."""
        more = tuple(each for each in extensions if each not in self.extensions)
        self.extensions += more
        self._joined += more
        self._order = more + self._order
        self.call.exchange.line_up.look_soon()

    # For the line of those who wait.

    def wish(self) -> Wish:
        """Who rings for the caller, and who could."""
        if self._ringing is None:
            return wish_of_newcomer(self.call.exchange, self._order, self._strategy)
        now = asyncio.get_running_loop().time()
        rings = frozenset(each for each, leg in self._latest.items() if leg.state is not LegState.ENDED)
        may = tuple(each for each in self._order if self._may_ring(each, now))
        most: int | None = None
        if self._step_seconds is not None:
            beside = sum(each in rings or each in may for each in self._joined)
            most = 1 + int((now - self.since) // self._step_seconds) + beside
        return Wish(rings=rings, may=may, most=most)

    def has_begun(self, ringing: Ringing) -> None:
        """The first phones ring."""
        self._ringing = ringing
        for leg in ringing.legs:
            self._take(leg)

    def ring(self, extensions: tuple[str, ...]) -> None:
        """Ring these, too."""
        for extension in extensions:
            self._take(self.call.ring_again(self.ringing, extension))

    def give_up(self, extensions: tuple[str, ...]) -> None:
        """These ring for somebody else from now on."""
        for extension in extensions:
            leg = self._latest.get(extension)
            if leg is not None and leg.state in (LegState.NEW, LegState.RINGING):
                leg.hangup(Cause.CANCELLED)
                del self._latest[extension]

    def let_rest(self) -> None:
        """Whoever pauses, or rests after a call, rings no more."""
        self.give_up(tuple(each for each in self._latest if not self.call.exchange.duty.is_free(each)))

    def is_rung_by(self, leg: object) -> bool:
        """Whether that leg rings for the caller, and nobody has answered it."""
        return any(each is leg and each.state is not LegState.UP for each in self._latest.values())

    # Inside.

    def _take(self, leg: Leg) -> None:
        if not self._latest:
            self.call.exchange.duty.has_turn(leg.peer, self.queue)
        self._latest[leg.peer] = leg
        self._ended_at.pop(leg.peer, None)

    def _may_ring(self, extension: str, now: float) -> bool:
        exchange, leg = self.call.exchange, self._latest.get(extension)
        if not exchange.duty.is_free(extension) or (leg is not None and leg.state is not LegState.ENDED):
            return False
        is_there = _is_there(exchange, extension)
        if leg is None:
            return is_there
        if leg.redirected_to:
            return False
        ended_at = self._ended_at.setdefault(extension, now)
        if not is_there:
            if leg.cause is Cause.BUSY:  # it turned nothing down: it was in a call, and that is what is waited for
                self._ended_at[extension] = now - AGAIN_SECONDS
            return False
        return leg.cause is Cause.UNREACHABLE or now - ended_at >= AGAIN_SECONDS


def wish_of_newcomer(exchange: Exchange, order: tuple[str, ...], strategy: Strategy) -> Wish:
    """Whom a caller who has just come would have rung; `order` is that of their turns."""
    free = tuple(each for each in order if exchange.duty.is_free(each))
    if strategy is Strategy.ALL:
        return Wish(rings=frozenset(), may=free)  # a phone in a call says by itself whether it takes another one
    return Wish(rings=frozenset(), may=tuple(each for each in free if _is_there(exchange, each)), most=1)


def is_engaged(exchange: Exchange, extension: str) -> bool:
    """Whether a phone of that extension takes part in a call of ours, or rings for one."""
    return next(_legs_at(exchange, extension), None) is not None


def _is_there(exchange: Exchange, extension: str) -> bool:
    """The phone can be reached, and is not busy with somebody who does not wait in the queue."""
    return exchange.phones.is_reachable(extension) and not _is_engaged_elsewhere(exchange, extension)


def _is_engaged_elsewhere(exchange: Exchange, extension: str) -> bool:
    """As `is_engaged`, but for those who wait in the queue: the queue itself knows for whom it rings."""
    return any(not exchange.line_up.rings(leg) for leg in _legs_at(exchange, extension))


def _legs_at(exchange: Exchange, extension: str) -> Iterator[Leg]:
    return (
        leg
        for call in exchange.calls()
        for leg in call.legs
        if leg.peer == extension and leg.line is None and leg.state is not LegState.ENDED
    )


@asynccontextmanager
async def ringing_staff(
    call: Call,
    extensions: tuple[str, ...],
    is_decided: Callable[[], bool],
    rules: QueueRules | None = None,
    queue: str = "",
) -> AsyncIterator[Staff]:
    """Within the block they ring; after it only who answered is left. Without `rules` those of the shop's own hold.

    `is_decided` is asked whenever something has happened: True, and nobody is waited for any more.
    """
    staff = Staff(call, extensions, is_decided, rules or call.exchange.shop().queue, queue)
    line = call.exchange.line_up
    first = line.enter(staff)
    try:
        async with call.ringing(*call.phones(*first)) as ringing:
            staff.has_begun(ringing)
            yield staff
    finally:
        line.leave(staff)
