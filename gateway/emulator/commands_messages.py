"""Messages (27.005): PDU mode in full, text mode as far as common programs need it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.emulator import sms_pdu, sms_text
from gateway.emulator.at_command import Answer, Command, Kind, Prompt, Refused
from gateway.emulator.commands_identity import from_charset, in_charset
from gateway.emulator.sim import StoredMessage

if TYPE_CHECKING:
    from gateway.emulator.modem import Modem

_STATUS_WORDS = {"REC UNREAD": 0, "REC READ": 1, "STO UNSENT": 2, "STO SENT": 3, "ALL": 4}
_WORDS = {number: word for word, number in _STATUS_WORDS.items()}


def take_message(modem: Modem, pdu: str) -> bool:
    """A message from the network: to the SIM with +CMTI, or straight to the host, as CNMI says."""
    _mode, message_type, _cells, report_type, _buffer = _cnmi(modem)
    is_report = bytes.fromhex(pdu)[1 + int(pdu[:2], 16)] & 0x03 == 0x02
    if is_report and report_type == "1":
        modem.say(f"+CDS: {sms_pdu.tpdu_length(pdu)}", pdu) if not _is_text(modem) else modem.say("+CDS: 6")
        return True
    if not is_report and message_type == "2":
        if _is_text(modem):
            sender, text, when = sms_text.read_deliver(pdu)
            modem.say(f'+CMT: "{in_charset(modem, sender)}",,"{when}"', in_charset(modem, text))
        else:
            modem.say(f"+CMT: ,{sms_pdu.tpdu_length(pdu)}", pdu)
        return True
    memory, store = modem.store(2)
    index = store.put(StoredMessage(0, pdu))
    if index is None:
        if modem.personality.family == "huawei":
            modem.say(f'^SMMEMFULL: "{memory}"')
        return False
    if is_report and report_type == "2":
        modem.say(f'+CDSI: "{memory}",{index}')
    elif not is_report and message_type == "1":
        modem.say(f'+CMTI: "{memory}",{index}')
    return True


def _cnmi(modem: Modem) -> list[str]:
    values = modem.settings["+CNMI"].split(",")
    return values + ["0"] * (5 - len(values))


def _is_text(modem: Modem) -> bool:
    return modem.settings["+CMGF"] == "1"


def _storage(modem: Modem, command: Command) -> list[str]:
    if command.kind is Kind.TEST:
        return ['+CPMS: ("SM","ME"),("SM","ME"),("SM","ME")']
    if command.kind is Kind.SET:
        if any(value not in ("SM", "ME", "MT") for value in command.values):
            raise Refused(cms=302)
        chosen = ["ME" if value == "MT" else value for value in command.values]
        kept = modem.settings["+CPMS"].split(",")[len(chosen) :]
        modem.settings["+CPMS"] = ",".join(chosen + kept)
    stores = [modem.store(which) for which in range(3)]
    used = [f"{len(store.messages)},{store.slots}" for _, store in stores]
    if command.kind is Kind.READ:
        return ["+CPMS: " + ",".join(f'"{name}",{each}' for (name, _), each in zip(stores, used, strict=True))]
    return [f"+CPMS: {','.join(used)}"]


def _indications(modem: Modem, command: Command) -> list[str]:
    match command.kind:
        case Kind.TEST:
            return ["+CNMI: (0,1,2),(0,1,2,3),(0,2),(0,1,2),(0,1)"]
        case Kind.READ:
            return [f"+CNMI: {','.join(_cnmi(modem))}"]
        case _:
            given = command.argument.split(",") if command.argument else []
            values = [new or old for new, old in zip(given + [""] * 5, _cnmi(modem), strict=False)]
            if any(value not in ("0", "1", "2", "3") for value in values[:5]):
                raise Refused(cms=303)
            modem.settings["+CNMI"] = ",".join(values[:5])
            return []


def _centre(modem: Modem, command: Command) -> list[str]:
    if command.kind is Kind.READ:
        return [f'+CSCA: "{in_charset(modem, modem.sim.centre)}",145']
    if command.kind is Kind.SET:
        modem.sim.centre = from_charset(modem, command.value(0))
    return []


def _service(_modem: Modem, command: Command) -> list[str]:
    if command.kind is Kind.READ:
        return ["+CSMS: 0,1,1,1"]
    return ["+CSMS: (0,1)"] if command.kind is Kind.TEST else ["+CSMS: 1,1,1"]


def _form(modem: Modem, command: Command) -> list[str]:
    if command.kind is Kind.READ:
        return [f"+CMGF: {modem.settings['+CMGF']}"]
    if command.kind is Kind.TEST:
        return ["+CMGF: (0,1)"]
    if command.argument not in ("0", "1"):
        raise Refused(cms=303)
    modem.settings["+CMGF"] = command.argument
    return []


def _list(modem: Modem, command: Command) -> list[str]:
    if command.kind is Kind.TEST:
        words = ",".join(f'"{word}"' for word in _STATUS_WORDS)
        return [f"+CMGL: ({words})" if _is_text(modem) else "+CMGL: (0-4)"]
    wanted = command.value(0, "REC UNREAD" if _is_text(modem) else "0")
    status = _STATUS_WORDS.get(wanted.upper(), int(wanted) if wanted.isdecimal() else -1)
    if not 0 <= status <= 4:
        raise Refused(cms=302)
    lines: list[str] = []
    for index, message in sorted(modem.store(0)[1].messages.items()):
        if status in (4, message.status):
            lines += _shown(modem, message, f"+CMGL: {index},")
            message.status = 1 if message.status == 0 else message.status
    return lines


def _read(modem: Modem, command: Command) -> list[str]:
    message = _stored(modem, command)
    lines = _shown(modem, message, "+CMGR: ")
    message.status = 1 if message.status == 0 else message.status
    return lines


def _shown(modem: Modem, message: StoredMessage, head: str) -> list[str]:
    if not _is_text(modem):
        return [f"{head}{message.status},,{sms_pdu.tpdu_length(message.pdu)}", message.pdu]
    number, text, when = sms_text.read(message.pdu)
    return [
        f'{head}"{_WORDS[message.status]}","{in_charset(modem, number)}",,"{when}"',
        *in_charset(modem, text).split("\n"),
    ]


def _delete(modem: Modem, command: Command) -> list[str]:
    if command.kind is Kind.TEST:
        return [f"+CMGD: (1-{modem.store(0)[1].slots}),(0-4)"]
    store = modem.store(0)[1]
    doomed = {"1": (1,), "2": (1, 3), "3": (1, 2, 3), "4": (0, 1, 2, 3)}.get(command.value(1, "0"))
    if doomed is not None:
        store.messages = {index: each for index, each in store.messages.items() if each.status not in doomed}
        return []
    _index(command)
    store.messages.pop(int(command.value(0)), None)
    return []


def _index(command: Command) -> int:
    text = command.value(0)
    if not text.isdecimal() or not 0 <= int(text) <= 255:
        raise Refused(cms=321)
    return int(text)


def _stored(modem: Modem, command: Command) -> StoredMessage:
    message = modem.store(0)[1].messages.get(_index(command))
    if message is None:
        raise Refused(cms=321)
    return message


def _send(modem: Modem, command: Command) -> Answer:
    if command.kind is not Kind.SET or not command.argument:
        if command.kind is Kind.TEST:
            return []
        raise Refused(cms=304)
    if _is_text(modem):
        recipient = from_charset(modem, command.value(0))
        return Prompt(lambda body: _submit_text(modem, recipient, body))
    length = command.value(0)
    if not length.isdecimal():
        raise Refused(cms=304)
    return Prompt(lambda body: _submit_pdu(modem, int(length), body))


def _submit_pdu(modem: Modem, length: int, body: str) -> list[str]:
    pdu = "".join(body.split())
    try:
        bytes.fromhex(pdu)
        if sms_pdu.tpdu_length(pdu) != length:
            raise Refused(cms=304)
        return _submit(modem, pdu)
    except (ValueError, KeyError):
        raise Refused(cms=304) from None


def _submit_text(modem: Modem, recipient: str, body: str) -> list[str]:
    text = from_charset(modem, body.replace("\r", "\n"))
    wants_report = int(modem.settings["+CSMP"].split(",")[0] or "17") & 0x20 != 0
    return _submit(modem, sms_text.submit(recipient, text, wants_report=wants_report))


def _submit(modem: Modem, pdu: str) -> list[str]:
    if not modem.is_registered:
        raise Refused(cms=331)
    if modem.network.messages.refuses_with is not None:
        raise Refused(cms=modem.network.messages.refuses_with)
    return [f"+CMGS: {modem.network.messages.submit(modem, pdu)}"]


def _acknowledge(_modem: Modem, _command: Command) -> list[str]:
    return []


TABLE = {
    "+CPMS": _storage, "+CNMI": _indications, "+CSCA": _centre, "+CSMS": _service, "+CMGF": _form, "+CMGL": _list,
    "+CMGR": _read, "+CMGD": _delete, "+CMGS": _send, "+CNMA": _acknowledge,
}  # fmt: skip
