"""What is said to a modem between the opening of its port and its service: who are you, hang up, be set up so."""

from __future__ import annotations

import asyncio
import logging

from gateway.errors import AtRefused, AtTimeout, ModemLost, PortBusy, SoundCardUnusable
from gateway.modem import commands
from gateway.modem.channel import AtChannel, Priority
from gateway.modem.commands import Command
from gateway.modem.dialect import InitStep, ModemDialect, VoicePlan, call_row
from gateway.modem.dialects import choose_dialect
from gateway.modem.modem import Modem, ModemState
from gateway.modem.reports import Stage
from gateway.modem.voice.device import SOUND_CARD, VoiceDevice

log = logging.getLogger(__name__)

_GREETINGS = 3
_HANG_UP_ROUNDS = 4


class ModemStart:
    """The questions and settings of one modem's start."""

    def __init__(self, modem: Modem, channel: AtChannel) -> None:
        self._modem = modem
        self._channel = channel

    async def greet(self) -> None:
        """Have the modem answer at all; raises AtTimeout when it does not."""
        self._modem.enter(ModemState.IDENTIFYING, self._modem.reason)
        for attempt in range(_GREETINGS):
            try:
                await self._channel.send(commands.ATTENTION)
            except AtRefused:
                break
            except AtTimeout:
                if attempt == _GREETINGS - 1:
                    raise
                await self._channel.escape()
            else:
                break
        # Before anything else can happen: a call that an earlier run left up costs money.
        await self._channel.accepts(commands.HANG_UP, priority=Priority.CALL)
        await self._channel.accepts(commands.ECHO_OFF)
        await self._channel.accepts(commands.NUMBERED_ERRORS)

    async def identify(self) -> ModemDialect:
        """Learn what it is, choose how to speak to it, and end every call that an earlier life left up."""
        maker = await self._ask(commands.MANUFACTURER)
        model = await self._ask(commands.MODEL)
        dialect = choose_dialect(self._modem.settings.dialect, manufacturer=maker, model=model)
        imei = await self._ask(commands.IMEI)
        self._modem.learn(
            family=dialect.family,
            maker=maker or None,
            model=model or None,
            firmware=await self._ask(commands.FIRMWARE) or None,
            imei=imei if imei.isdigit() else None,
        )
        await self._hang_up_everything(dialect)
        return dialect

    async def set_up(self, steps: tuple[InitStep, ...]) -> None:
        """Each step; one that is refused costs its comfort. Raises AtTimeout for a mandatory one."""
        for step in steps:
            if await self._channel.accepts(step.command) is not None:
                continue
            log.debug("The modem %s refuses %s.", self._modem.name, step.command.shown)
            if step.instead is not None:
                await self._channel.accepts(step.instead)
            elif step.mandatory:
                raise AtTimeout(f"The modem {self._modem.name} refuses {step.command.shown}.", modem=self._modem.name)

    async def find_voice(self, dialect: ModemDialect, device: VoiceDevice) -> VoicePlan | None:
        """How the modem's voice is had, with its device open; None: not at all, and the facts say why."""
        name, path = self._modem.name, self._modem.settings.voice
        plan = plan_for(dialect, path)
        if plan is None:
            log.warning("The modem %s has no voice port of a kind that can be used: it serves SMS only.", name)
            self._modem.learn(voice=False, voice_problem="no-voice-port")
            return None
        answer = await self._channel.accepts(plan.check) if plan.check is not None else None
        why = dialect.why_mute(plan, answer.lines if answer is not None else None)
        if why is not None:
            log.warning("The modem %s %s: it serves SMS only.", name, why)
            self._modem.learn(voice=False, voice_problem="voice-disabled")
            return None
        for command in plan.setup:
            await self._channel.accepts(command)
        self._modem.rounds.waits_outside()
        try:
            await device.open()
        except (PortBusy, ModemLost, SoundCardUnusable) as fault:
            log.warning("The modem %s has no voice: %s", name, fault)
            self._modem.learn(voice=False, voice_problem="voice-port-unusable")
            return None
        finally:
            self._modem.rounds.back_within(0)
        self._modem.learn(voice=True, voice_problem=None)
        return plan

    async def _ask(self, command: Command) -> str:
        """The one value of an answer, whether or not its name stands in front; "" when refused."""
        answer = await self._channel.accepts(command)
        if answer is None:
            return ""
        value = answer.first
        for name in command.answers:
            value = value.removeprefix(name + ":")
        return value.strip().strip('"')

    async def _hang_up_everything(self, dialect: ModemDialect) -> None:
        """No call of an earlier life goes on. Raises AtTimeout for a modem that does not let go of one."""
        for turn in range(_HANG_UP_ROUNDS):
            for command in dialect.hang_up + (dialect.hang_up_otherwise if turn else ()):
                await self._channel.accepts(command, priority=Priority.CALL)
            answer = await self._channel.accepts(commands.LIST_CALLS, priority=Priority.CALL)
            rows = [row for row in map(call_row, answer.lines if answer else ()) if row is not None]
            if all(row.stage is Stage.ENDED for row in rows):
                return
            await asyncio.sleep(0.5)
        raise AtTimeout(f"The modem {self._modem.name} does not end an old call.", modem=self._modem.name)


def plan_for(dialect: ModemDialect, voice: str | None) -> VoicePlan | None:
    """How the family's voice is had by the path that `voice` of the settings names."""
    if voice is None:
        return None
    return dialect.card_voice if voice.startswith(SOUND_CARD) else dialect.serial_voice
