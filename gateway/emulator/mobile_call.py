"""A call in the emulated mobile network, between one modem and one subscriber."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from gateway.emulator.progress import CallState, Progress
from gateway.emulator.track import Track


class EndedBy(StrEnum):
    """Who ended a call."""

    SUBSCRIBER = "subscriber"
    MODEM = "modem"
    NETWORK = "network"


class ModemSide(Protocol):
    """What the network tells a modem about its call."""

    def call_moved(self, call: MobileCall) -> None:
        """The call's state is a new one."""


@dataclass(slots=True, eq=False)
class MobileCall:
    """One call. `track` is the mouth and ear of the subscriber."""

    id: str
    modem: ModemSide
    number: str
    """The subscriber's number as dialled, or as shown to the modem; "" when it is withheld."""
    from_modem: bool
    track: Track = field(default_factory=Track)
    progress: Progress = field(default_factory=Progress)
    cause: int | None = None
    """Q.850, once it has ended."""
    ended_by: EndedBy | None = None
    keys: list[tuple[float, str]] = field(default_factory=list)
    """What the host pressed with a command (the network's DTMF, not in-band), with monotonic times."""
    pressed: list[tuple[float, str]] = field(default_factory=list)
    """What the subscriber pressed."""

    @property
    def state(self) -> CallState:
        """How far it has come."""
        return self.progress.state

    def ring(self) -> None:
        """The called side rings."""
        self._move(CallState.RINGING)

    def answer(self) -> None:
        """The called side takes the call."""
        self._move(CallState.ACTIVE)

    def end(self, by: EndedBy, cause: int = 16) -> None:
        """It is over; once."""
        if self.state is not CallState.ENDED:
            self.ended_by, self.cause = by, cause
            self._move(CallState.ENDED)
            self.track.hush()

    def _move(self, state: CallState) -> None:
        if self.progress.enter(state):
            self.modem.call_moved(self)
            self.progress.tell()
