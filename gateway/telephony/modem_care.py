"""What a person may do for a modem: restart it, give its SIM the PIN, read its dialogue, ask it harmless things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class RestartStep(StrEnum):
    """Where a restart begins; whatever does not help is followed by the next step by itself."""

    REOPEN = "reopen"
    """Its port is opened anew, and all that it was told is told again."""
    RESTART = "restart"
    """The modem is told to start anew."""
    POWER = "power"
    """The power of its USB socket is switched off and on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModemCondition:
    """What can be done with a modem now."""

    name: str
    line: str | None
    state: str
    in_call: bool
    steps: tuple[RestartStep, ...]
    """What a restart may begin with, the gentlest first; none for a modem that is gone."""
    questions: tuple[str, ...]
    """What it may be asked; nothing while its port is not open."""
    wants_pin: bool
    pin_tries: int | None
    """How many are left; None: the modem does not say."""
    keeps_pin: bool
    """A PIN that a person gave is kept for the SIM in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModemVitals:
    """What a modem says of itself when it is asked; None: it does not tell."""

    celsius: int | None
    """How warm it is; of several sensors the warmest."""
    band: str | None
    message_centre: str | None
    """The number by which its SIM sends SMS."""
    restarts: int
    """How often it came back within the last 24 hours: unplugged, hung, or restarted by somebody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogueLine:
    """A line between us and a modem, without secrets, texts and whole numbers. `way` is "in" or "out"."""

    time: datetime
    way: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModemReply:
    """What a modem has answered, masked as its dialogue is; `result` is "OK", or how it refused."""

    lines: tuple[str, ...]
    result: str


class ModemCare(Protocol):
    """The modems, for a person. Every verb raises LookupError for a modem that there is not."""

    def condition(self, modem: str) -> ModemCondition:
        """What can be done with it now."""

    async def vitals(self, modem: str) -> ModemVitals:
        """Ask it, which takes it a moment. Raises AtTimeout, and ModemLost while its port is not open."""

    def dialogue(self, modem: str) -> Sequence[DialogueLine]:
        """The last lines, the oldest first; at most some minutes old."""

    async def ask(self, modem: str, question: str) -> ModemReply:
        """The answer to one of its `questions`. Raises ValueError for another, AtTimeout, ModemLost."""

    async def restart(self, modem: str, step: RestartStep, *, ends_call: bool) -> None:
        """Begin; what becomes of it is seen at its state.

        Raises ModemInCall when a call would be ended and nobody has said that it may be, ValueError for a step
        that is not possible now.
        """

    async def enter_pin(self, modem: str, pin: str, *, keeps: bool, last_try: bool) -> None:
        """Give the SIM its PIN, once. `keeps`: it is given by itself at each start from now on.

        Raises TextRefused, PinNotWanted, PinTriedBefore, LastPinTry unless `last_try` allows it, PinWrong, AtTimeout
        and ModemLost.
        """

    async def forget_pin(self, modem: str) -> bool:
        """Keep the PIN of the SIM in it no longer; False: none was kept."""
