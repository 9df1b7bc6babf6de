"""The telephone in a modem: one call at a time, and what the family says about it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.emulator.mobile_call import EndedBy, MobileCall
from gateway.emulator.personality import Moment, Sign
from gateway.emulator.progress import CallState

if TYPE_CHECKING:
    from gateway.emulator.modem import Modem

_OFF_SETTINGS = ("", "0", "0,0")
_END_STATUS_FAR, _END_STATUS_HERE, _END_STATUS_NOT_UP = 25, 29, 104


class CallSide:
    """Dials, rings, answers, hangs up; speaks the family's signs. `Modem` gives it its voice and settings."""

    def __init__(self, modem: Modem) -> None:
        self._modem = modem
        self._call: MobileCall | None = None
        self._waiting: MobileCall | None = None
        self._ring: asyncio.TimerHandle | None = None
        self._drop: list[asyncio.TimerHandle] = []

    @property
    def call(self) -> MobileCall | None:
        """The call that is not over."""
        return self._call

    def dial(self, number: str) -> None:
        """Start a call; signs that come before the OK are given at once, the others after it."""
        self._call = call = self._modem.network.dial(self._modem, number)
        self._say(Moment.DIALLING, call, before_ok=True)
        self._modem.after_answer(lambda: self._say(Moment.DIALLING, call, before_ok=False))
        self._arm_drop("dialling")

    def offer(self, call: MobileCall) -> bool:
        """Ring, or let the call wait behind one that is up; False when the line is busy."""
        if self._call is None:
            self._call = call
            return True
        if self._waiting is not None or not self._modem.sim.call_waiting or self._call.state is not CallState.ACTIVE:
            return False
        self._waiting = call
        return True

    def answer(self) -> bool:
        """ATA; False when nothing rings."""
        call = self._call
        if call is None or call.from_modem or call.state is not CallState.RINGING:
            return False
        self._modem.after_answer(lambda: self._modem.network.answered_by_modem(call))
        return True

    def hang_up(self) -> None:
        """End whatever there is; the signs follow the OK."""
        call = self._call
        if call is None:
            return
        waiting = call.state is CallState.RINGING and not call.from_modem
        cause = 21 if waiting else 16
        self._modem.after_answer(lambda: call.end(EndedBy.MODEM, cause))

    def lose(self) -> None:
        """The modem is gone: the call ends for the other side, and nobody is told here."""
        self._stop_timers()
        lost = [call for call in (self._call, self._waiting) if call is not None]
        self._call = self._waiting = None
        self._modem.voice.disconnect()
        self._modem.voice.routed = False
        for call in lost:
            call.end(EndedBy.NETWORK, 27)

    def press(self, digits: str) -> bool:
        """The host presses keys by a command; False when no call is up."""
        call = self._call
        if call is None or call.state is not CallState.ACTIVE:
            return False
        call.keys += [(asyncio.get_running_loop().time(), digit) for digit in digits]
        return True

    def rows(self) -> list[str]:
        """The rows of AT+CLCC, voice calls only."""
        call = self._call
        if call is None:
            return []
        state = {
            CallState.DIALLING: 2 if call.from_modem else 4,
            CallState.RINGING: 3 if call.from_modem else 4,
            CallState.ACTIVE: 0,
            CallState.ENDED: 6,
        }[call.state]
        direction = 0 if call.from_modem else 1
        rows = [f'{self._id},{direction},{state},0,0,"{call.number}",{number_type(call.number)}']
        if self._waiting is not None:
            number = self._waiting.number
            rows.append(f'{self._id + 1},1,5,0,0,"{number}",{number_type(number)}')
        return rows

    def moved(self, call: MobileCall) -> None:
        """The network says that the call is in a new state."""
        if call is self._waiting:
            self._waiting_moved(call)
        if call is not self._call:
            return
        match call.state:
            case CallState.RINGING if call.from_modem:
                self._say(Moment.ALERTING, call)
                self._arm_drop("ringing")
            case CallState.RINGING:
                self._say(Moment.INCOMING, call)
                self._ring_again(call)
                self._arm_drop("ringing")
            case CallState.ACTIVE:
                self._stop_timers()
                self._modem.voice.connect(call.track)
                self._say(Moment.ANSWERED, call)
                self._arm_drop("active")
            case CallState.ENDED:
                self._ended(call)
            case _:
                pass

    @property
    def _id(self) -> int:
        return self._modem.personality.first_call_id

    def _ended(self, call: MobileCall) -> None:
        self._stop_timers()
        self._call = None
        self._modem.voice.disconnect()
        self._modem.voice.routed = self._modem.voice_outlives_calls
        self._modem.call_over()
        self._say(Moment.ENDED, call)
        if not call.from_modem and call.progress.answered is None and call.ended_by is not EndedBy.MODEM:
            self._say(Moment.MISSED, call)
        if self._waiting is not None:  # the one that waited rings now
            self._call, self._waiting = self._waiting, None
            self.moved(self._call)

    def _waiting_moved(self, call: MobileCall) -> None:
        if call.state is CallState.ENDED:
            self._waiting = None
        elif call.state is CallState.RINGING and self._modem.settings["+CCWA"] == "1":
            self._modem.say(f'+CCWA: "{call.number}",{number_type(call.number)},1')

    def _ring_again(self, call: MobileCall) -> None:
        settings = self._modem.settings
        self._modem.say("+CRING: VOICE" if settings.get("+CRC") == "1" else "RING")
        if settings.get("+CLIP") == "1":
            validity = 0 if call.number else 1
            self._modem.say(f'+CLIP: "{call.number}",{number_type(call.number)},,,,{validity}')
        loop = asyncio.get_running_loop()
        self._ring = loop.call_later(self._modem.personality.ring_seconds, lambda: self._ring_again(call))

    def _say(self, moment: Moment, call: MobileCall, *, before_ok: bool | None = None) -> None:
        if moment in (Moment.ENDED, Moment.MISSED) and self._modem.fault("silent_end") is not None:
            return
        for sign in self._modem.personality.signs.get(moment, ()):
            if before_ok in (None, sign.before_ok) and is_on(sign, self._modem.settings):
                self._modem.say(_filled(sign.text, call, self._id))

    def _arm_drop(self, state: str) -> None:
        options = self._modem.fault("drops_port_during_call")
        if options is not None and options["state"] == state:
            seconds = float(str(options["after_seconds"]))
            self._drop.append(asyncio.get_running_loop().call_later(seconds, self._modem.drop_port))

    def _stop_timers(self) -> None:
        if self._ring is not None:
            self._ring.cancel()
            self._ring = None
        if self._call is None or self._call.state is CallState.ENDED:
            for timer in self._drop:
                timer.cancel()
            self._drop.clear()


def is_on(sign: Sign, settings: dict[str, str]) -> bool:
    """The setting that the sign needs is on."""
    return sign.needs is None or settings.get(sign.needs, "0") not in _OFF_SETTINGS


def number_type(number: str) -> int:
    """The type of address as AT commands give it: 145 international, 129 other, 128 none (withheld)."""
    return 128 if not number else 145 if number.startswith("+") else 129


def _filled(text: str, call: MobileCall, identity: int) -> str:
    if call.ended_by is EndedBy.MODEM:
        end_status = _END_STATUS_HERE
    else:
        end_status = _END_STATUS_NOT_UP if call.from_modem and call.progress.answered is None else _END_STATUS_FAR
    reached = call.progress.ringing is not None or call.ended_by is not EndedBy.MODEM
    return text.format(
        id=identity,
        direction=0 if call.from_modem else 1,
        number=call.number,
        type=number_type(call.number),
        seconds=int(call.progress.seconds),
        end_status=end_status,
        cause=call.cause if reached and call.cause is not None else "",
        clock=datetime.now().astimezone().strftime("%I:%M%p"),
        result=_result(call),
    ).rstrip(",")


def _result(call: MobileCall) -> str:
    if call.ended_by is EndedBy.MODEM:
        return ""
    if call.from_modem and call.progress.answered is None:
        return {17: "BUSY", 18: "NO ANSWER", 19: "NO ANSWER"}.get(call.cause or 0, "NO CARRIER")
    return "NO CARRIER"
