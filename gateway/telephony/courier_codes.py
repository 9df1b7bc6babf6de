"""What a courier at the mobile, or a phone of ours, does with a running call by keys (flow G, D1, D2).

`**1` has the other party wait with music, and comes back; `**2` and an extension and `#` hands the call over; `**3`
and an extension and `#` has that phone take part; `**4` keeps silence in the recording, and keeps what is said again;
`**5` and an extension and `#` consults that phone while the other party waits: hanging up hands the call over to it,
`**5#` or `**1` comes back.
Keys of a code do not go on to the other party; what is no code does, a moment later. Only extensions are reached in
this way, never a number outside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.audio.frame import Frame
from gateway.audio.port import FrameSource
from gateway.telephony.causes import Cause
from gateway.telephony.company import Role
from gateway.telephony.key_code import BETWEEN_KEYS_SECONDS
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.transfer import TransferWish

if TYPE_CHECKING:
    from gateway.telephony.call import Call

LONGEST_EXTENSION = 8
ACKNOWLEDGED = "recording-beep"
"""What is played to the courier when a code was understood."""


class CodeWish(StrEnum):
    """What a code asks for, by the key behind the prefix."""

    HOLD = "1"
    TRANSFER = "2"
    CONFERENCE = "3"
    PAUSE_RECORDING = "4"
    CONSULT = "5"


_WITH_EXTENSION = (CodeWish.TRANSFER, CodeWish.CONFERENCE, CodeWish.CONSULT)


class CodeReader:
    """Takes keys one by one; calls `act` with a whole code and `pass_on` with every key that belongs to none.

    A key that could begin a code is kept back until the next one, BETWEEN_KEYS_SECONDS at most; after that time a
    code that was begun is forgotten.
    """

    def __init__(self, prefix: str, act: Callable[[CodeWish, str], None], pass_on: Callable[[str], None]) -> None:
        """`act` gets the extension too, empty for a code that has none. `prefix` is not empty."""
        self._prefix = prefix
        self._act = act
        self._pass_on = pass_on
        self._typed = ""
        self._timer: asyncio.TimerHandle | None = None

    def press(self, key: str) -> None:
        """One more key."""
        self._stop_timer()
        self._typed += key
        while self._typed and not self._prefix.startswith(self._typed[: len(self._prefix)]):
            first, self._typed = self._typed[0], self._typed[1:]
            self._pass_on(first)
        if len(self._typed) > len(self._prefix):
            self._read(self._typed[len(self._prefix) :])
        if self._typed:
            self._timer = asyncio.get_running_loop().call_later(BETWEEN_KEYS_SECONDS, self._give_up)

    def close(self) -> None:
        """The call goes on without it; what was begun is forgotten."""
        self._stop_timer()
        self._typed = ""

    def _read(self, code: str) -> None:
        wish = next((each for each in CodeWish if each == code[0]), None)
        if wish is not None and wish not in _WITH_EXTENSION:
            self._typed = ""
            self._act(wish, "")
        elif wish is not None and code.endswith("#"):
            self._typed = ""
            self._act(wish, code[1:-1])
        elif wish is None or not (code.isascii() and code.isdigit()) or len(code) > 1 + LONGEST_EXTENSION:
            self._typed = ""

    def _give_up(self) -> None:
        self._timer = None
        typed, self._typed = self._typed, ""
        if len(typed) < len(self._prefix):
            for key in typed:
                self._pass_on(key)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class CourierCodes:
    """Carries out what `extension` asks for by codes in the talk of `leg`, and tells it what becomes of it."""

    def __init__(self, call: Call, leg: Leg, extension: str) -> None:
        self._call = call
        self._leg = leg
        self._extension = extension

    def act(self, wish: CodeWish, target: str) -> None:
        """Do it; a refusal is said to the courier."""
        match wish:
            case CodeWish.HOLD | CodeWish.CONSULT if self._comes_back(target):
                self._tell(ACKNOWLEDGED)
            case CodeWish.CONSULT:
                self._answer(self._call.exchange.bring_in(self._call.id, target, Role.CONSULTS, self._extension))
            case CodeWish.HOLD:
                self._leg.let_wait(not self._leg.on_hold)
                self._tell(ACKNOWLEDGED)
            case CodeWish.TRANSFER:
                self._answer(self._leg.ask_for_transfer(TransferWish(by=self._leg, target=target, report=self)))
            case CodeWish.CONFERENCE:
                self._answer(self._call.exchange.bring_in(self._call.id, target, Role.SPEAKS, self._extension))
            case CodeWish.PAUSE_RECORDING:
                self._tell(ACKNOWLEDGED if self._call.recorder.pause_for_card() else "no-such-extension")

    def _comes_back(self, target: str) -> bool:
        """End the consultation that this party has begun; False: there is none, or another one is wanted."""
        company = self._call.company
        consulted = company.consulted
        if target or consulted is None or company.host_of(consulted) is not self._leg:
            return False
        consulted.hangup()
        if self._leg.on_hold:
            self._leg.let_wait(False)
        return True

    def rings(self) -> None:
        """The new party of a transfer rings: the courier hears nothing more of it."""

    def succeeded(self) -> None:
        """The courier is out of the call."""

    def failed(self, cause: Cause) -> None:
        """The courier has the call back, and hears why, once the two hear each other again."""
        asyncio.get_running_loop().call_soon(self._answer, cause)

    def _answer(self, cause: Cause | None) -> None:
        if cause is None:
            self._tell(ACKNOWLEDGED)
        else:
            self._tell("busy" if cause is Cause.BUSY else "no-such-extension")

    def _tell(self, key: str) -> None:
        """Say it over what the other party says, which goes on afterwards; in a conference the mix is not disturbed."""
        if self._leg.state is LegState.UP and not self._call.company.guests:
            self._leg.port.play(_Then(self._call.exchange.prompts(key), self._call.rearrange))


class _Then:
    """A source that has something done once its last frame was pulled."""

    def __init__(self, source: FrameSource, then: Callable[[], None]) -> None:
        self._source = source
        self._then = then

    def next_frame(self) -> Frame | None:
        """The next frame of the source."""
        frame = self._source.next_frame()
        if frame is None:
            # Not from within the pull: it sets what the port plays.
            asyncio.get_running_loop().call_soon(self._then)
        return frame
