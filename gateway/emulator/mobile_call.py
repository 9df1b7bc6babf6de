"""A call in the emulated mobile network, between one modem and one subscriber."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from gateway.emulator.track import Track


class CallState(StrEnum):
    """How far a call has come; only forwards."""

    DIALLING = "dialling"
    RINGING = "ringing"
    ACTIVE = "active"
    ENDED = "ended"


class EndedBy(StrEnum):
    """Who ended a call."""

    SUBSCRIBER = "subscriber"
    MODEM = "modem"
    NETWORK = "network"


_ORDER = list(CallState)


class CallEndedEarly(RuntimeError):
    """The awaited state will not come: the call has ended."""


class ModemSide(Protocol):
    """What the network tells a modem about its call."""

    def call_moved(self, call: MobileCall) -> None:
        """The call's state is a new one."""


@dataclass(slots=True)
class Times:
    """Monotonic seconds; None: it has not happened."""

    started: float
    ringing: float | None = None
    answered: float | None = None
    ended: float | None = None


@dataclass(slots=True, eq=False)
class MobileCall:
    """One call. `track` is the mouth and ear of the subscriber."""

    id: str
    modem: ModemSide
    number: str
    """The subscriber's number as dialled, or as shown to the modem; "" when it is withheld."""
    from_modem: bool
    track: Track = field(default_factory=Track)
    state: CallState = CallState.DIALLING
    times: Times = field(default_factory=lambda: Times(time.monotonic()))
    cause: int | None = None
    """Q.850, once it has ended."""
    ended_by: EndedBy | None = None
    keys: list[tuple[float, str]] = field(default_factory=list)
    """What the host pressed with a command (the network's DTMF, not in-band), with monotonic times."""
    pressed: list[tuple[float, str]] = field(default_factory=list)
    """What the subscriber pressed."""
    _waiting: list[tuple[CallState, asyncio.Future[None]]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long it was (or is) up."""
        if self.times.answered is None:
            return 0.0
        return (self.times.ended or time.monotonic()) - self.times.answered

    def ring(self) -> None:
        """The called side rings."""
        if self.state is CallState.DIALLING:
            self.times.ringing = time.monotonic()
            self._move(CallState.RINGING)

    def answer(self) -> None:
        """The called side takes the call."""
        if self.state in (CallState.DIALLING, CallState.RINGING):
            self.times.answered = time.monotonic()
            self._move(CallState.ACTIVE)

    def end(self, by: EndedBy, cause: int = 16) -> None:
        """It is over; once."""
        if self.state is not CallState.ENDED:
            self.times.ended = time.monotonic()
            self.ended_by, self.cause = by, cause
            self._move(CallState.ENDED)
            self.track.hush()

    async def reached(self, state: CallState) -> None:
        """Return when the call is in `state` or beyond; CallEndedEarly when it ended before."""
        if _ORDER.index(self.state) < _ORDER.index(state):
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((state, future))
            await future
        elif self.state is CallState.ENDED and not self._has_been(state):
            raise CallEndedEarly(self._why(state))

    def _has_been(self, state: CallState) -> bool:
        match state:
            case CallState.RINGING:
                return self.times.ringing is not None
            case CallState.ACTIVE:
                return self.times.answered is not None
            case _:
                return True

    def _why(self, state: CallState) -> str:
        return f"Call {self.id} ended (by the {self.ended_by}, cause {self.cause}) before it was {state}."

    def _move(self, state: CallState) -> None:
        self.state = state
        self.modem.call_moved(self)
        waiting, self._waiting = self._waiting, []
        for wanted, future in waiting:
            if future.done():
                continue
            if _ORDER.index(wanted) > _ORDER.index(state):
                self._waiting.append((wanted, future))
            elif state is CallState.ENDED and not self._has_been(wanted):
                future.set_exception(CallEndedEarly(self._why(wanted)))
            else:
                future.set_result(None)
