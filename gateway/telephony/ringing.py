"""Ringing several legs until one answers; the others are hung up whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from gateway.audio.port import FrameSource
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg, LegState

_TELLING = (
    Cause.BUSY,
    Cause.REJECTED,
    Cause.NO_ANSWER,
    Cause.NUMBER_BARRED,
    Cause.BUDGET_SPENT,
    Cause.TOO_MANY_CALLS,
    Cause.NIGHT_LOCK,
    Cause.NO_SUCH_NUMBER,
    Cause.UNREACHABLE,
)
"""Of several causes, the one that tells the caller most."""


class Ringing:
    """Legs that ring."""

    def __init__(self, legs: Sequence[Leg]) -> None:
        self.legs: tuple[Leg, ...] = ()
        self._taken: Leg | None = None
        self._changed = asyncio.Event()
        for leg in legs:
            self.add(leg)

    def add(self, leg: Leg) -> None:
        """One more leg that may answer: somebody who picks the call up."""
        self.legs = (*self.legs, leg)
        leg.on_change(lambda _leg: self._changed.set())
        self._changed.set()

    def wake(self) -> None:
        """Have whoever waits for an answer look again."""
        self._changed.set()

    async def answered(self, *, within: float | None, until: Callable[[], bool] | None = None) -> Leg | None:
        """The first leg that answers; None when `within` seconds went by or every leg has ended.

        With `until` the end of every leg ends nothing, as one may ring again: None comes once that holds.
        """
        try:
            async with asyncio.timeout(within):
                while self._who_is_up() is None:
                    if until() if until is not None else all(leg.state is LegState.ENDED for leg in self.legs):
                        return None
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass
        return self._who_is_up()  # also one who has answered in the very moment in which the time was over

    def _who_is_up(self) -> Leg | None:
        """The one that has answered, which is left when the others are hung up."""
        up = next((leg for leg in self.legs if leg.state is LegState.UP), None)
        self._taken = up or self._taken
        return up

    @property
    def cause(self) -> Cause:
        """Why nobody answered: the most telling cause of the legs; NO_ANSWER while some still ring."""
        if not self.legs:
            return Cause.UNREACHABLE
        if any(leg.cause is None for leg in self.legs):
            return Cause.NO_ANSWER
        causes = [leg.cause for leg in self.legs if leg.cause is not None]
        return next((cause for cause in _TELLING if cause in causes), causes[0])

    def stop(self) -> None:
        """Hang up every leg but the one that answered."""
        left = Cause.CANCELLED if self._taken is None else Cause.ANSWERED_ELSEWHERE
        for leg in self.legs:
            if leg is not self._taken:
                leg.hangup(left)


@asynccontextmanager
async def ring(legs: Sequence[Leg]) -> AsyncIterator[Ringing]:
    """Within the block the legs ring; after it only the one that answered is left.

    When the block ends by an exception (the caller hung up), that one is hung up too.
    """
    ringing = Ringing(legs)
    try:
        yield ringing
    except BaseException:
        for leg in ringing.legs:
            leg.hangup(Cause.CANCELLED)
        raise
    finally:
        ringing.stop()


class EarlyMedia:
    """Lets a caller hear, before the answer, the first leg that brings audio so early.

    A caller who is answered already hears what the flow has for it: what a phone of the shop plays meanwhile is no
    more than its ringing, and must cut off no greeting.
    """

    def __init__(self, caller: Leg, legs: Sequence[Leg], ringback: Callable[[], FrameSource]) -> None:
        """`ringback` makes what the caller hears when that leg falls silent again and others ring on."""
        self._caller = caller
        self._ringback = ringback
        self._heard: Leg | None = None
        self._is_over = False
        for leg in legs:
            leg.on_change(self._changed)
            self._changed(leg)

    def stop(self) -> None:
        """The ringing is over."""
        self._is_over = True

    def _changed(self, leg: Leg) -> None:
        if self._is_over or (leg.line is None and self._caller.state is LegState.UP):
            return
        if self._heard is None and leg.early_media and leg.state is LegState.RINGING:
            if self._caller.open_early():
                self._heard = leg
                self._caller.port.hear(leg.port)
        elif leg is self._heard and leg.state is LegState.ENDED:
            self._heard = None
            self._caller.port.play(self._ringback())
