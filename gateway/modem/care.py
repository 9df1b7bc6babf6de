"""A person looks after a modem: restarts it, gives its SIM the PIN, reads its dialogue, asks it harmless things."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from gateway.clock import WallClock
from gateway.errors import AtRefused, ModemInCall, ModemLost
from gateway.modem import commands
from gateway.modem.at import fields_of
from gateway.modem.commands import Command
from gateway.modem.fleet import HANG_UP_SECONDS, ModemFleet, idle
from gateway.modem.modem import RESTARTING, Access, Modem, ModemState
from gateway.modem.network import readable
from gateway.modem.pin_files import PinFiles
from gateway.modem.recovery import Rung
from gateway.telephony.causes import Cause
from gateway.telephony.modem_care import DialogueLine, ModemCondition, ModemReply, ModemVitals, RestartStep
from gateway.telephony.trace import Traces, at_text

QUESTIONS = {
    command.text: command
    for command in (
        commands.INFORMATION,
        commands.FIRMWARE,
        commands.FUNCTIONALITY,
        commands.PIN_STATE,
        commands.SIGNAL,
        commands.OPERATOR,
        commands.REGISTRATION,
        commands.LTE_REGISTRATION,
        commands.STORAGES,
    )
}
"""All that a person may have a modem asked: none of these costs money, changes anything or tells of people."""

_DAY = timedelta(days=1)

_RUNGS = {
    RestartStep.REOPEN: Rung.REOPEN,
    RestartStep.RESTART: Rung.RESTART,
    RestartStep.POWER: Rung.POWER_CYCLE,
}


class FleetCare:
    """Implements telephony.modem_care.ModemCare."""

    def __init__(self, fleet: ModemFleet, traces: Traces, pins: PinFiles, clock: WallClock) -> None:
        self._fleet = fleet
        self._traces = traces
        self._pins = pins
        self._clock = clock

    def condition(self, modem: str) -> ModemCondition:
        """See ModemCare."""
        found = self._modem(modem)
        line = found.line
        return ModemCondition(
            name=found.name,
            line=line.name if line is not None else None,
            state=found.state,
            in_call=_is_in_call(found),
            steps=_steps(found),
            questions=tuple(QUESTIONS) if found.access is not None else (),
            wants_pin=_wants_pin(found),
            pin_tries=found.facts.pin_tries,
            keeps_pin=self._pins.is_kept(found.sim_key),
        )

    async def vitals(self, modem: str) -> ModemVitals:
        """See ModemCare."""
        found = self._modem(modem)
        access = found.access
        if access is None:
            raise _away(found)
        dialect, now = access.dialect, self._clock()
        warm = await _answer(access, dialect.temperature)
        where = await _answer(access, dialect.band)
        centre = [fields_of(line)[0] for line in await _answer(access, commands.MESSAGE_CENTRE)]
        return ModemVitals(
            celsius=dialect.celsius(warm),
            band=dialect.band_name(where),
            message_centre=readable(centre[0]) or None if centre else None,
            restarts=max(0, sum(now - each < _DAY for each in found.served_since) - 1),
        )

    def dialogue(self, modem: str) -> Sequence[DialogueLine]:
        """See ModemCare."""
        found, now, at = self._modem(modem), self._clock(), asyncio.get_running_loop().time()
        return [
            DialogueLine(time=now - timedelta(seconds=at - entry.at), way=entry.way, text=entry.text)
            for entry in self._traces.dialogue(found.dialogue_key)
        ]

    async def ask(self, modem: str, question: str) -> ModemReply:
        """See ModemCare."""
        found, command = self._modem(modem), QUESTIONS.get(question)
        if command is None:
            raise ValueError(question)
        if found.access is None:
            raise _away(found)
        try:
            answer = await found.access.ask(command)
        except AtRefused as refused:
            return ModemReply(lines=(), result=str(refused.values["result"]))
        return ModemReply(lines=tuple(at_text(line) for line in answer.lines), result=answer.result)

    async def restart(self, modem: str, step: RestartStep, *, ends_call: bool) -> None:
        """See ModemCare."""
        found = self._modem(modem)
        if step not in _steps(found):
            raise ValueError(step)
        if _is_in_call(found) and not ends_call:
            raise ModemInCall(f"The modem {found.name} is in a call.", modem=found.name)
        if not found.is_gone:
            found.enter(ModemState.FAULTY, RESTARTING)  # no other call is given to it from here on
        if found.service is not None:
            found.service.calls.hang_up(Cause.MODEM_LOST)
            await idle([found], HANG_UP_SECONDS)
        found.bell.ring(_RUNGS[step])

    async def enter_pin(self, modem: str, pin: str, *, keeps: bool, last_try: bool) -> None:
        """See ModemCare."""
        found = self._modem(modem)
        if found.access is None:
            raise _away(found)
        await found.access.enter_pin(pin, last_try)
        if keeps:
            await self._pins.keep(found.sim_key, pin)

    async def forget_pin(self, modem: str) -> bool:
        """See ModemCare."""
        return await self._pins.forget(self._modem(modem).sim_key)

    def _modem(self, name: str) -> Modem:
        return self._fleet.modems[name]


async def _answer(access: Access, question: Command | None) -> tuple[str, ...]:
    """The lines of the answer; none where the family has no such question, or this modem refuses it."""
    if question is None:
        return ()
    try:
        return (await access.ask(question)).lines
    except AtRefused:
        return ()


def _steps(modem: Modem) -> tuple[RestartStep, ...]:
    soft = () if modem.is_gone else (RestartStep.REOPEN, RestartStep.RESTART)
    power, place = modem.outside.power, modem.facts.usb_path
    has_power = power is not None and place is not None and power.can_cycle(place)
    return (*soft, RestartStep.POWER) if has_power else soft


def _is_in_call(modem: Modem) -> bool:
    return modem.service is not None and modem.service.calls.is_busy


def _wants_pin(modem: Modem) -> bool:
    return modem.access is not None and modem.state is ModemState.LOCKED and modem.facts.sim == "sim pin"


def _away(modem: Modem) -> ModemLost:
    return ModemLost(f"The port of the modem {modem.name} is not open now.", modem=modem.name)
