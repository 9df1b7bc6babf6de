"""Which command is served by what: the family's own first, then the common ones, then data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.emulator import commands_calls, commands_families, commands_identity, commands_messages
from gateway.emulator.at_command import Answer, Command, Kind, Refused
from gateway.emulator.sim import Lock

if TYPE_CHECKING:
    from gateway.emulator.modem import Modem

Serve = Callable[["Modem", Command], "Answer"]

_COMMON: dict[str, Serve] = {**commands_identity.TABLE, **commands_calls.TABLE, **commands_messages.TABLE}
_FAMILIES: dict[str, dict[str, Serve]] = commands_families.TABLES
_NEED_SIM = frozenset(
    ("D", "+CIMI", "+CNUM", "+CPMS", "+CMGL", "+CMGR", "+CMGD", "+CMGS", "+CMGW", "+CSCA", "+CUSD", "+COPS", "+CRSM",
     "+CCID", "+CICCID", "+QCCID", "^ICCID", "+CLCK")
)  # fmt: skip

take_message = commands_messages.take_message


def execute(modem: Modem, command: Command) -> Answer:
    """Serve one command; Refused when its answer is not OK."""
    _check_sim(modem, command)
    serve = _FAMILIES[modem.personality.family].get(command.name) or _COMMON.get(command.name)
    if serve is not None:
        return serve(modem, command)
    fixed = modem.personality.fixed.get(command.text.upper())
    if fixed is not None:
        return [modem.filled(line) for line in fixed]
    if command.name in modem.settings:
        return setting(modem, command)
    if command.name in ("V", "Q", "X", "S", "L", "M", "&C", "&D", "&K", "&W", "&S", "T", "P"):
        return []
    raise Refused(cme=4 if modem.personality.family != "huawei" else None)


def setting(modem: Modem, command: Command) -> list[str]:
    """A command that keeps what it is given and gives it back."""
    match command.kind:
        case Kind.SET:
            modem.settings[command.name] = command.argument
            return []
        case Kind.READ:
            return [f"{command.name}: {modem.settings[command.name]}"]
        case Kind.TEST:
            return [f"{command.name}: (0-2)"]
        case _:
            return []


def _check_sim(modem: Modem, command: Command) -> None:
    if command.name not in _NEED_SIM or (command.name == "+COPS" and command.kind is Kind.TEST):
        return
    messages = command.name.startswith("+CM") or command.name in ("+CPMS", "+CSCA")
    match modem.sim.lock:
        case Lock.ABSENT:
            raise Refused(cms=310) if messages else Refused(cme=10)
        case Lock.PIN:
            raise Refused(cms=311) if messages else Refused(cme=11)
        case Lock.PUK | Lock.BLOCKED:
            raise Refused(cms=316) if messages else Refused(cme=12)
        case _:
            return
