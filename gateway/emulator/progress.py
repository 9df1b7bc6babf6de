"""How far a call has come, and who waits for it; the same for mobile calls and those of SIP phones."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from enum import StrEnum


class CallState(StrEnum):
    """How far a call has come; only forwards."""

    DIALLING = "dialling"
    RINGING = "ringing"
    ACTIVE = "active"
    ENDED = "ended"


_ORDER = list(CallState)


class CallEndedEarly(RuntimeError):
    """The awaited state will not come: the call has ended."""


@dataclass(slots=True)
class Progress:
    """The state of a call and when it was reached, in monotonic seconds."""

    state: CallState = CallState.DIALLING
    started: float = field(default_factory=time.monotonic)
    ringing: float | None = None
    answered: float | None = None
    ended: float | None = None
    _waiting: list[tuple[CallState, asyncio.Future[None]]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long the call was (or is) up."""
        if self.answered is None:
            return 0.0
        return (time.monotonic() if self.ended is None else self.ended) - self.answered

    def has_been(self, state: CallState) -> bool:
        """The state was reached once."""
        match state:
            case CallState.DIALLING:
                return True
            case CallState.RINGING:
                return self.ringing is not None or self.answered is not None
            case CallState.ACTIVE:
                return self.answered is not None
            case CallState.ENDED:
                return self.ended is not None

    def enter(self, state: CallState) -> bool:
        """Go on to a later state; False, and nothing happens, when it is not later. Those who wait are not told."""
        if _ORDER.index(state) <= _ORDER.index(self.state):
            return False
        self.state = state
        now = time.monotonic()
        match state:
            case CallState.RINGING:
                self.ringing = now
            case CallState.ACTIVE:
                self.answered = now
            case _:
                self.ended = now
        return True

    def tell(self) -> None:
        """Wake those who waited for this state, and those who wait in vain."""
        waiting, self._waiting = self._waiting, []
        for wanted, future in waiting:
            if future.done():
                continue
            if self.has_been(wanted):
                future.set_result(None)
            elif self.state is CallState.ENDED:
                future.set_exception(CallEndedEarly(f"The call ended before it was {wanted}."))
            else:
                self._waiting.append((wanted, future))

    async def reached(self, state: CallState) -> None:
        """Return once the call is, or has been, in `state`; CallEndedEarly when it ended before."""
        if self.has_been(state):
            return
        if self.state is CallState.ENDED:
            raise CallEndedEarly(f"The call ended before it was {state}.")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((state, future))
        await future
