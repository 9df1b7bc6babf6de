"""The ladder of recovery: what is tried with a modem that has stopped working, in which order, and how long apart."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.modem import commands
from gateway.modem.commands import Command, fixed

LEAST_BACK_OFF_SECONDS = 5.0
MOST_BACK_OFF_SECONDS = 300.0
_PAUSE_SECONDS = 1.0

_FAMILY_RESET: dict[str, tuple[Command, ...]] = {
    # Where AT+CFUN=1,1 does not bring the sound back (firmware-notes/simcom.md).
    "simcom": (fixed("AT+CRESET"),),
    "huawei": (fixed("AT^RESET"),),
}
"""Quectel has none: AT+QPOWD switches the module off, and only its power supply brings it back."""


class Rung(Enum):
    """One step. Two more tries with an escape are made within the session, before any of these."""

    REOPEN = "the port is opened anew"
    RESTART = "the modem is told to restart"
    FAMILY_RESET = "the modem is told to restart in its family's own way"
    POWER_CYCLE = "the power of its USB socket is switched off and on"
    LEFT_ALONE = "it is left alone for a while"


@dataclass(frozen=True, slots=True)
class Step:
    """What is done before the next attempt, after a pause of so many seconds."""

    rung: Rung
    pause_seconds: float
    reset: tuple[Command, ...] = ()


class Ladder:
    """Counts the failures of one modem. A modem that was in service begins at the bottom again."""

    def __init__(self) -> None:
        self.failures = 0

    def was_served(self) -> None:
        """It worked in between."""
        self.failures = 0

    def climb(self, family: str | None, *, has_power: bool) -> Step:
        """After one more failure: what comes next."""
        self.failures += 1
        rungs = _rungs(family, has_power=has_power)
        if self.failures <= len(rungs):
            return rungs[self.failures - 1]
        times = self.failures - len(rungs) - 1
        pause = min(LEAST_BACK_OFF_SECONDS * 2 ** min(times, 10), MOST_BACK_OFF_SECONDS)
        # What did not help is tried again: the fault may be another one by then.
        return Step(Rung.LEFT_ALONE, pause, rungs[1].reset)

    def begin_at(self, rung: Rung, family: str | None, *, has_power: bool) -> Step:
        """A person wants that rung now; what does not help is followed by the one above it."""
        rungs = _rungs(family, has_power=has_power)
        self.failures = next((place for place, step in enumerate(rungs, start=1) if step.rung is rung), 1)
        return rungs[self.failures - 1]


def _rungs(family: str | None, *, has_power: bool) -> list[Step]:
    rungs = [Step(Rung.REOPEN, _PAUSE_SECONDS), Step(Rung.RESTART, _PAUSE_SECONDS, (commands.RESTART,))]
    if (reset := family_reset(family)) != (commands.RESTART,):
        rungs.append(Step(Rung.FAMILY_RESET, _PAUSE_SECONDS, reset))
    if has_power:
        rungs.append(Step(Rung.POWER_CYCLE, _PAUSE_SECONDS))
    return rungs


def family_reset(family: str | None) -> tuple[Command, ...]:
    """How a modem of that family is restarted most thoroughly by a command."""
    return _FAMILY_RESET.get(family or "", (commands.RESTART,))
