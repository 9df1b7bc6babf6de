"""Staff who ring on through every phase of a call, and what its caller hears meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from gateway.audio.player import SequenceSource
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.ringing import Ringing
from gateway.telephony.watched import WatchedSource

if TYPE_CHECKING:
    from gateway.telephony.call import Call
    from gateway.telephony.exchange import Exchange

LOOK_SECONDS = 1.0
"""How often it is looked whether a phone that does not ring could."""
AGAIN_SECONDS = 20.0
"""A phone that has turned the call down, or was silent too long for itself, is left alone so long."""


class Staff:
    """The phones of some extensions. One that is busy in a call of ours rings as soon as that call is over."""

    def __init__(
        self, call: Call, extensions: tuple[str, ...], ringing: Ringing, is_decided: Callable[[], bool]
    ) -> None:
        self._call = call
        self._extensions = extensions
        self._ringing = ringing
        self._is_decided = is_decided
        self._timer: asyncio.TimerHandle | None = None
        self._latest = {leg.peer: leg for leg in ringing.legs}
        self._ended_at: dict[str, float] = {}

    @property
    def ringing(self) -> Ringing:
        """All legs that were made."""
        return self._ringing

    async def answered(self, *, within: float) -> Leg | None:
        """Whoever answers first; None: nobody in so many seconds, or the caller has decided otherwise."""
        return await self._ringing.answered(within=within, until=self._is_decided)

    async def answered_during(self, *keys: str, within: float) -> Leg | None:
        """As `answered`, while the answered caller hears these prompts, and no longer than they last."""
        if self._is_decided():
            return None
        heard = WatchedSource(
            SequenceSource(*(self._call.exchange.prompts(key) for key in keys)), on_done=self._ringing.wake
        )
        await self._call.answer()
        self._call.caller.port.play(heard)
        return await self._ringing.answered(within=within, until=lambda: self._is_decided() or heard.is_done)

    async def answered_during_music(self, *, within: float) -> Leg | None:
        """As `answered`, while the answered caller hears music."""
        if self._is_decided():
            return None
        await self._call.answer()
        self._call.caller.port.play(self._call.exchange.music())
        return await self.answered(within=within)

    # Inside.

    def look(self) -> None:
        """Ring whoever can be rung again; then wait for the next look."""
        now = asyncio.get_running_loop().time()
        for extension in self._extensions:
            leg = self._latest[extension]
            if leg.state is LegState.ENDED and self._may_ring(extension, leg, now):
                self._latest[extension] = self._call.ring_again(self._ringing, extension)
                del self._ended_at[extension]
        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self.look)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _may_ring(self, extension: str, leg: Leg, now: float) -> bool:
        if leg.redirected_to:
            return False
        ended_at = self._ended_at.setdefault(extension, now)
        exchange = self._call.exchange
        if not exchange.phones.is_reachable(extension) or is_engaged(exchange, extension):
            if leg.cause is Cause.BUSY:  # it turned nothing down: it was in a call, and that is what is waited for
                self._ended_at[extension] = now - AGAIN_SECONDS
            return False
        return leg.cause is Cause.UNREACHABLE or now - ended_at >= AGAIN_SECONDS


def is_engaged(exchange: Exchange, extension: str) -> bool:
    """Whether a phone of that extension takes part in a call of ours, or rings for one."""
    return any(
        leg.peer == extension and leg.line is None and leg.state is not LegState.ENDED
        for call in exchange.calls()
        for leg in call.legs
    )


@asynccontextmanager
async def ringing_staff(
    call: Call, extensions: tuple[str, ...], is_decided: Callable[[], bool]
) -> AsyncIterator[Staff]:
    """Within the block they ring; after it only the one who answered is left.

    `is_decided` is asked whenever something has happened: True, and nobody is waited for any more.
    """
    async with call.ringing(*call.phones(*extensions)) as ringing:
        staff = Staff(call, extensions, ringing, is_decided)
        staff.look()
        try:
            yield staff
        finally:
            staff.stop()
