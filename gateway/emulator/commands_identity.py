"""Who the modem and its SIM are, the lock of the SIM, and the network (27.007 clauses 5, 7 and 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.emulator import sms_pdu
from gateway.emulator.at_command import Command, Kind, Refused
from gateway.emulator.sim import Lock

if TYPE_CHECKING:
    from gateway.emulator.modem import Modem

_CHARSETS = '("GSM","IRA","UCS2")'


def in_charset(modem: Modem, text: str) -> str:
    """`text` as the host wants strings: UCS-2 in hex when CSCS says so."""
    return text.encode("utf-16-be").hex().upper() if modem.settings.get("+CSCS") == "UCS2" else text


def from_charset(modem: Modem, text: str) -> str:
    """The opposite; what is no UCS-2 hex is taken as it is."""
    if modem.settings.get("+CSCS") != "UCS2":
        return text
    try:
        return bytes.fromhex(text).decode("utf-16-be")
    except ValueError:
        return text


def _information(modem: Modem, _command: Command) -> list[str]:
    who = modem.personality
    if who.family == "huawei":
        return [
            f"Manufacturer: {who.manufacturer}", f"Model: {who.model}", f"Revision: {who.revision}",
            f"IMEI: {modem.imei}", "+GCAP: +CGSM,+DS,+ES",
        ]  # fmt: skip
    return [who.manufacturer, who.model, f"Revision: {who.revision}"]


def _manufacturer(modem: Modem, _command: Command) -> list[str]:
    return [modem.personality.manufacturer]


def _model(modem: Modem, _command: Command) -> list[str]:
    return [modem.personality.model]


def _revision(modem: Modem, _command: Command) -> list[str]:
    prefix = "+CGMR: " if modem.personality.family == "simcom" else ""
    return [prefix + modem.personality.revision]


def _serial_number(modem: Modem, _command: Command) -> list[str]:
    return [modem.imei]


def _imsi(modem: Modem, _command: Command) -> list[str]:
    return [modem.sim.imsi]


def _pin(modem: Modem, command: Command) -> list[str]:
    lock = modem.sim.lock
    if lock is Lock.ABSENT:
        raise Refused(cme=10)
    if command.kind is Kind.READ:
        return [f"+CPIN: {lock.value}"]
    if command.kind is not Kind.SET:
        return []
    match lock:
        case Lock.PIN:
            if not modem.sim.enter_pin(command.value(0)):
                raise Refused(cme=12 if modem.sim.lock is Lock.PUK else 16)
        case Lock.PUK:
            if not modem.sim.enter_puk(command.value(0), command.value(1)):
                raise Refused(cme=16)
        case Lock.BLOCKED:
            raise Refused(cme=13)
        case _:
            raise Refused(cme=3)
    modem.after_answer(modem.registration_changed)
    return []


def _lock(modem: Modem, command: Command) -> list[str]:
    if command.value(0) == "SC" and command.value(1) == "2":
        return [f"+CLCK: {0 if modem.sim.pin is None else 1}"]
    raise Refused(cme=4)


def _own_number(modem: Modem, _command: Command) -> list[str]:
    if not modem.sim.tells_number:
        return []
    return [f'+CNUM: "{in_charset(modem, "")}","{in_charset(modem, modem.number)}",145']


def _registration(modem: Modem, command: Command) -> list[str]:
    name = command.name
    if command.kind is Kind.READ:
        mode = modem.settings.get(name, "0")
        return [f"{name}: {mode},{modem.radio.report(mode, lte=name == '+CEREG')}"]
    if command.kind is Kind.TEST:
        return [f"{name}: (0-2)"]
    if command.argument not in ("0", "1", "2"):
        raise Refused(cme=50)
    modem.settings[name] = command.argument
    return []


def _operator(modem: Modem, command: Command) -> list[str]:
    radio = modem.radio
    if command.kind is Kind.TEST:
        return [f'+COPS: (2,"{radio.operator}","{radio.operator}","{radio.operator_code}",7),,(0-4),(0-2)']
    if command.kind is Kind.READ:
        if not radio.is_registered:
            return ["+COPS: 0"]
        shape = modem.settings.get("COPS format", "0")
        name = radio.operator_code if shape == "2" else in_charset(modem, radio.operator)
        return [f'+COPS: 0,{shape},"{name}",{radio.technology}']
    modem.settings["COPS format"] = command.value(1, modem.settings.get("COPS format", "0"))
    return []


def _signal(modem: Modem, command: Command) -> list[str]:
    if command.kind is Kind.TEST:
        return ["+CSQ: (0-31,99),(0-7,99)"]
    return [f"+CSQ: {modem.radio.signal},99"]


def _functionality(modem: Modem, command: Command) -> list[str]:
    if command.kind is Kind.READ:
        return [f"+CFUN: {4 if modem.radio.is_off else 1}"]
    if command.kind is Kind.TEST:
        return ["+CFUN: (0,1,4),(0,1)"]
    level, reset = command.value(0), command.value(1, "0")
    if level not in ("0", "1", "4"):
        raise Refused(cme=50)
    if reset == "1":
        modem.after_answer(modem.restart)
        return []
    modem.radio.is_off = level != "1"
    modem.after_answer(modem.registration_changed)
    return []


def _charset(modem: Modem, command: Command) -> list[str]:
    match command.kind:
        case Kind.READ:
            return [f'+CSCS: "{modem.settings["+CSCS"]}"']
        case Kind.TEST:
            return [f"+CSCS: {_CHARSETS}"]
        case _:
            if command.value(0).upper() not in ("GSM", "IRA", "UCS2"):
                raise Refused(cme=50)
            modem.settings["+CSCS"] = command.value(0).upper()
            return []


def _icc(modem: Modem, command: Command) -> list[str]:
    """EF-ICCID by CRSM: nibbles swapped (31.102 clause 4.2.2); other files are not there."""
    if command.value(0) == "176" and command.value(1) == "12258":
        return [f'+CRSM: 144,0,"{sms_pdu.semi_octets(modem.sim.iccid).hex().upper()}"']
    return ["+CRSM: 106,130"]


def _ussd(modem: Modem, command: Command) -> list[str]:
    if command.kind is Kind.TEST:
        return ["+CUSD: (0,1,2)"]
    if command.kind is Kind.READ:
        return ["+CUSD: 1"]
    if command.value(0) != "1" or not command.value(1):
        return []
    if modem.fault("reboots_on_ussd") is not None:
        modem.after_answer(modem.restart)
        return []
    code = _ussd_code(modem, command.value(1))
    reply = modem.network.ussd.get(code)
    modem.later(modem.network.pace.ussd, lambda: modem.say(_ussd_line(modem, reply)))
    return []


def _ussd_code(modem: Modem, text: str) -> str:
    if not modem.personality.ussd_packed:
        return from_charset(modem, text)
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        return text
    return sms_pdu.from_septets(sms_pdu.unpack(octets, len(octets) * 8 // 7)).rstrip("@\r")


def _ussd_line(modem: Modem, reply: str | None) -> str:
    if reply is None:
        return "+CUSD: 4"
    if not sms_pdu.is_gsm7(reply):
        return f'+CUSD: 0,"{reply.encode("utf-16-be").hex().upper()}",72'
    if modem.personality.ussd_packed:
        return f'+CUSD: 0,"{sms_pdu.pack(sms_pdu.to_septets(reply)).hex().upper()}",15'
    return f'+CUSD: 0,"{in_charset(modem, reply)}",15'


def _clock(_modem: Modem, command: Command) -> list[str]:
    return ['+CCLK: "26/01/15,12:30:00+12"'] if command.kind is Kind.READ else []


def _capabilities(_modem: Modem, _command: Command) -> list[str]:
    return ["+GCAP: +CGSM,+DS,+ES"]


def _list_of_commands(modem: Modem, _command: Command) -> list[str]:
    return sorted(name for name in (*TABLE, *modem.settings) if name[0] in "+^")


TABLE = {
    "I": _information, "+CGMI": _manufacturer, "+GMI": _manufacturer, "+CGMM": _model, "+GMM": _model,
    "+CGMR": _revision, "+GMR": _revision, "+CGSN": _serial_number, "+GSN": _serial_number, "+CIMI": _imsi,
    "+CPIN": _pin, "+CLCK": _lock, "+CNUM": _own_number, "+CREG": _registration, "+CGREG": _registration,
    "+CEREG": _registration, "+COPS": _operator, "+CSQ": _signal, "+CFUN": _functionality, "+CSCS": _charset,
    "+CRSM": _icc, "+CUSD": _ussd, "+CCLK": _clock, "+GCAP": _capabilities, "+CLAC": _list_of_commands,
}  # fmt: skip
