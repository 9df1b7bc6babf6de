"""Calls (V.250 clause 6.3, 27.007 clauses 6 and 7)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.emulator.at_command import Command, Kind, Refused
from gateway.emulator.progress import CallState

if TYPE_CHECKING:
    from gateway.emulator.modem import Modem

_DIALLABLE = re.compile(r"\+?[0-9*#]+[IiGg]*")
_CAUSES = {
    1: "Unassigned (unallocated) number", 16: "Normal call clearing", 17: "User busy", 18: "No user responding",
    19: "User alerting, no answer", 20: "Subscriber absent", 21: "Call rejected", 27: "Destination out of order",
    41: "Temporary failure",
}  # fmt: skip


def _dial(modem: Modem, command: Command) -> list[str]:
    number = command.argument.rstrip(";")
    if not _DIALLABLE.fullmatch(number):
        raise Refused(cme=50, final="NO CARRIER")
    if not modem.is_registered:
        raise Refused(cme=30, final="NO CARRIER")
    if modem.calls.call is not None:
        raise Refused(cme=3)
    modem.calls.dial(number.rstrip("IiGg"))
    return []


def _answer(modem: Modem, _command: Command) -> list[str]:
    if not modem.calls.answer():
        raise Refused(final="NO CARRIER")
    return []


def _hook(modem: Modem, _command: Command) -> list[str]:
    """ATH; a SIM7600 does not hang up a voice call while CVHU is 1."""
    if modem.settings.get("+CVHU", "0") != "1":
        modem.calls.hang_up()
    return []


def _hang_up(modem: Modem, _command: Command) -> list[str]:
    modem.calls.hang_up()
    return []


def _hold(modem: Modem, command: Command) -> list[str]:
    if command.kind is Kind.TEST:
        return ["+CHLD: (0,1,1x,2,2x,3,4)"]
    if command.argument[:1] in ("0", "1"):
        modem.calls.hang_up()
        return []
    if command.argument[:1] == "2" and modem.calls.answer():
        return []
    raise Refused(cme=3)


def _list(modem: Modem, command: Command) -> list[str]:
    if command.kind is Kind.SET:
        if "+CLCC" not in modem.settings:
            raise Refused(cme=50)
        modem.settings["+CLCC"] = command.argument
        return []
    if command.kind is Kind.READ:
        return [f"+CLCC: {modem.settings.get('+CLCC', '0')}"]
    rows = [] if modem.fault("clcc_empty_while_live") is not None else modem.calls.rows()
    if modem.personality.data_session is not None:
        rows.insert(0, modem.personality.data_session)
    return [f"+CLCC: {row}" for row in rows]


def _tone(modem: Modem, command: Command) -> list[str]:
    digits = command.value(0)
    if command.kind is Kind.TEST:
        return ["+VTS: (0-9,A-D,*,#)"]
    if not re.fullmatch(r"[0-9A-D*#]{1,29}", digits) or not modem.calls.press(digits):
        raise Refused(cme=3)
    return []


def _activity(modem: Modem, _command: Command) -> list[str]:
    call = modem.calls.call
    if call is None:
        return ["+CPAS: 0"]
    return ["+CPAS: 3" if call.state is CallState.RINGING and not call.from_modem else "+CPAS: 4"]


def _report(modem: Modem, _command: Command) -> list[str]:
    """Why the last call ended, in the words of Q.850; their form is unverified."""
    last = [call for call in modem.network.calls.values() if call.modem is modem and call.cause is not None]
    cause = (last[-1].cause or 0) if last else 0
    return [f"+CEER: {_CAUSES.get(cause, 'No cause information available')}"]


def _restriction(modem: Modem, command: Command) -> list[str]:
    if command.kind is Kind.READ:
        return [f"+CLIR: {modem.settings['+CLIR']},4"]
    if command.kind is Kind.SET:
        if command.argument not in ("0", "1", "2"):
            raise Refused(cme=50)
        modem.settings["+CLIR"] = command.argument
    return []


def _waiting(modem: Modem, command: Command) -> list[str]:
    """AT+CCWA=<tell>[,<mode>[,<class>]]: mode 0 off, 1 on, 2 ask (27.007 clause 7.12)."""
    if command.kind is Kind.TEST:
        return ["+CCWA: (0,1)"]
    if command.kind is Kind.READ:
        return [f"+CCWA: {modem.settings['+CCWA']}"]
    if command.kind is not Kind.SET:
        return []
    mode = command.value(1)
    if mode == "2":
        return [f"+CCWA: {int(modem.sim.call_waiting)},1"]
    modem.settings["+CCWA"] = command.value(0, "0")
    if mode:
        modem.sim.call_waiting = mode == "1"
    return []


TABLE = {
    "D": _dial, "A": _answer, "H": _hook, "+CHUP": _hang_up, "+CHLD": _hold, "+CLCC": _list, "+VTS": _tone,
    "+CPAS": _activity, "+CEER": _report, "+CLIR": _restriction, "+CCWA": _waiting,
}  # fmt: skip
