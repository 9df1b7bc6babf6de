"""What only one family has, as far as it is more than data.

Sources: Huawei MU509 AT manual, Quectel EC2x AT manual and audio application note, SIM7500_SIM7600 AT manual.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from gateway.emulator.at_command import Answer, Command, Kind, Refused
from gateway.emulator.progress import CallState

if TYPE_CHECKING:
    from gateway.emulator.modem import Modem

Serve: TypeAlias = "Callable[[Modem, Command], Answer]"


def _refuse_voice(modem: Modem) -> None:
    """Refused while a misbehaviour takes the sound away."""
    if modem.fault("no_voice") is not None:
        raise Refused(cme=3)
    first = modem.fault("voice_refused_first")
    modem.voice_requests += 1
    if first is not None and modem.voice_requests <= int(str(first["times"])):
        raise Refused(cme=3)


# Huawei


def _cvoice(modem: Modem, command: Command) -> list[str]:
    if command.kind is Kind.READ:
        return ["^CVOICE:1" if modem.fault("no_voice") is not None else "^CVOICE:0,8000,16,20"]
    return []


def _ddsetex(modem: Modem, command: Command) -> list[str]:
    """Route the call's sound to the voice port; without a call it has no effect."""
    if command.kind is Kind.SET and command.argument == "2":
        _refuse_voice(modem)
        if modem.calls.call is not None:
            modem.voice.routed = True
    return []


def _huawei_tone(modem: Modem, command: Command) -> list[str]:
    digit = command.value(1)
    if digit.upper() in ("A", "B", "C", "D"):
        digit = "0"  # it sends another digit
    if len(digit) != 1 or digit not in "0123456789*#" or not modem.calls.press(digit):
        raise Refused(cme=3)
    return []


def _reset(modem: Modem, _command: Command) -> list[str]:
    modem.after_answer(modem.restart)
    return []


# Quectel


def _qpcmv(modem: Modem, command: Command) -> list[str]:
    if command.kind is Kind.READ:
        return [f"+QPCMV: {modem.settings['+QPCMV']}"]
    if command.kind is Kind.TEST:
        return ["+QPCMV: (0,1),(0-2)"]
    on, mode = command.value(0), command.value(1, "2")
    if on == "1":
        _refuse_voice(modem)
    modem.settings["+QPCMV"] = f"{on},{mode}"
    modem.voice.routed = modem.voice_outlives_calls = on == "1" and mode == "0"
    return []


def _qindcfg(modem: Modem, command: Command) -> list[str]:
    name, value = command.value(0).lower(), command.value(1)
    if not value:
        return [f'+QINDCFG: "{name}",{modem.settings.get(name, "0")}']
    modem.settings[name] = value
    return []


def _qhup(modem: Modem, command: Command) -> list[str]:
    """AT+QHUP=<cause>[,<idx>]; idx 0 or left out: all calls."""
    if command.kind is Kind.SET:
        index = command.value(1, "0")
        if index not in ("0", str(modem.personality.first_call_id)):
            raise Refused(cme=3)
        modem.calls.hang_up()
    return []


def _quectel_tone(modem: Modem, command: Command) -> list[str]:
    if command.kind is not Kind.SET or not command.value(0) or not modem.calls.press(command.value(0)):
        raise Refused(cme=3)
    return []


# SIMCom


def _cpcmreg(modem: Modem, command: Command) -> list[str]:
    """The sound of the call on the voice port; accepted only while a call is up."""
    if modem.fault("no_voice") is not None:
        raise Refused
    if command.kind is Kind.READ:
        return [f"+CPCMREG: {1 if modem.voice.routed else 0}"]
    if command.kind is Kind.TEST:
        return ["+CPCMREG: (0-1)"]
    if command.value(0) == "1":
        call = modem.calls.call
        if call is None or call.state is not CallState.ACTIVE:
            raise Refused
        _refuse_voice(modem)
        if modem.fault("voice_degrades") is not None and modem.voiced_calls > 0:
            if modem.voice_requests == 1:
                raise Refused
            return []  # granted, and silent
        modem.voice.routed = True
    else:
        modem.voice.routed = False
    return []


TABLES: dict[str, dict[str, Serve]] = {
    "huawei": {"^CVOICE": _cvoice, "^DDSETEX": _ddsetex, "^DTMF": _huawei_tone, "^RESET": _reset},
    "quectel": {
        "+QPCMV": _qpcmv, "+QINDCFG": _qindcfg, "+QHUP": _qhup, "+QVTS": _quectel_tone, "+QPOWD": _reset,
    },
    "simcom": {"+CPCMREG": _cpcmreg, "+CRESET": _reset, "+CPOF": _reset},
    "generic": {},
}  # fmt: skip
