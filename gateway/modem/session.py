"""One stretch of service: from the opened port to its loss. Identify, open the SIM, initialise, serve."""

from __future__ import annotations

import asyncio
import logging
from typing import NoReturn

from gateway.errors import AtRefused, AtTimeout, GatewayError, ModemLost, PortBusy
from gateway.modem import commands
from gateway.modem.calls import ModemCalls
from gateway.modem.channel import AtChannel, Priority
from gateway.modem.commands import Command
from gateway.modem.dialect import ModemDialect, call_row
from gateway.modem.dialects import choose_dialect
from gateway.modem.faults import raise_the_reason
from gateway.modem.gsm_call import CallTools
from gateway.modem.messages import SimMessages
from gateway.modem.modem import Abilities, Modem, ModemState
from gateway.modem.network import Network
from gateway.modem.reports import (
    CallReport,
    DeliveryReported,
    KeyReport,
    MessageArrived,
    MessageStored,
    RegistrationReport,
    Report,
    Restarted,
    SignalReport,
    SimReport,
    Stage,
    StorageFull,
    UssdReport,
    VoicePaused,
)
from gateway.modem.serial_port import SerialPort
from gateway.modem.sim import SimDoor
from gateway.modem.ussd import Ussd
from gateway.modem.voice.tty_pcm import VoiceTty

log = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 5.0
"""A modem that hangs is noticed after this and the two seconds that a bare AT may take."""
RESTART_SECONDS = 20.0
_GREETINGS = 3
_HANG_UP_ROUNDS = 4
_OPERATOR_EVERY = 16


class ModemSession:
    """Serves `modem` on its ports until something ends it; made anew for each attempt."""

    def __init__(self, modem: Modem) -> None:
        self.was_served = False
        """The modem came as far as to be used."""
        self._modem = modem
        self._dialect = ModemDialect()
        self._keys_by_news = False
        self._channel: AtChannel
        self._voice: VoiceTty
        self._door: SimDoor
        self._disturbed = asyncio.Event()
        """The SIM has changed, or there is trouble."""
        self._trouble: GatewayError | None = None
        self._may_have_restarted = False
        self._network = Network(modem)

    async def run(self, *, restart: bool = False) -> NoReturn:
        """Open the ports and serve; `restart`: tell the modem first to start anew.

        Raises PortBusy, ModemLost, or AtTimeout for a modem that does not answer any more.
        """
        modem = self._modem
        modem.enter(ModemState.OPENING, modem.reason)
        serial = SerialPort(modem.settings.at, self._received, self._lost)
        self._channel = AtChannel(serial, self._take_line, name=modem.name)
        self._voice = VoiceTty(modem.settings.voice or "", self._voice_lost, modem.outside.steadiness)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._channel.run())
                tasks.create_task(self._live(tasks, restart=restart))
        except BaseExceptionGroup as group:
            raise_the_reason(group)
        finally:
            self._end(serial)
        raise ModemLost(f"The modem {modem.name} is not served any more.", modem=modem.name)

    def _end(self, serial: SerialPort) -> None:
        service, self._modem.service = self._modem.service, None
        if service is not None:
            if service.calls.is_busy:
                self._channel.say_last(commands.HANG_UP)
            service.calls.lost()
        serial.close(drop_output=service is None)
        self._voice.close()
        self._modem.forget_sim()

    # The story.

    async def _live(self, tasks: asyncio.TaskGroup, *, restart: bool) -> None:
        await self._greet()
        if restart:
            await self._restart()
        await self._identify()
        service: Abilities | None = None
        while True:
            if self._trouble is None and not self._may_have_restarted:
                self._disturbed.clear()
            await self._door.open()
            self._modem.enter(ModemState.IDENTIFYING, None)
            await self._initialise()
            if service is None:
                service = self._start_service(tasks)
            else:
                service.messages.sweep()
            await self._serve()

    async def _greet(self) -> None:
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

    async def _restart(self) -> None:
        """Start the modem anew and wait for its port to go; raises ModemLost then, AtTimeout if it stays."""
        log.info("The modem %s is told to start anew.", self._modem.name)
        for command in self._dialect.restart:
            await self._channel.accepts(command)
        await asyncio.sleep(RESTART_SECONDS)

    async def _identify(self) -> None:
        manufacturer = await self._ask(commands.MANUFACTURER)
        model = await self._ask(commands.MODEL)
        self._dialect = choose_dialect(self._modem.settings.dialect, manufacturer=manufacturer, model=model)
        self._door = SimDoor(self._modem, self._channel, self._dialect)
        imei = await self._ask(commands.IMEI)
        self._modem.learn(
            family=self._dialect.family,
            model=model or None,
            firmware=await self._ask(commands.FIRMWARE) or None,
            imei=imei if imei.isdigit() else None,
        )
        await self._hang_up_everything()

    async def _ask(self, command: Command) -> str:
        """The one value of an answer, whether or not its name stands in front; "" when refused."""
        answer = await self._channel.accepts(command)
        if answer is None:
            return ""
        value = answer.first
        for name in command.answers:
            value = value.removeprefix(name + ":")
        return value.strip().strip('"')

    async def _hang_up_everything(self) -> None:
        """No call of an earlier life goes on. Raises AtTimeout for a modem that does not let go of one."""
        for turn in range(_HANG_UP_ROUNDS):
            for command in self._dialect.hang_up + (self._dialect.hang_up_otherwise if turn else ()):
                await self._channel.accepts(command, priority=Priority.CALL)
            answer = await self._channel.accepts(commands.LIST_CALLS, priority=Priority.CALL)
            rows = [row for row in map(call_row, answer.lines if answer else ()) if row is not None]
            if all(row.stage is Stage.ENDED for row in rows):
                return
            await asyncio.sleep(0.5)
        raise AtTimeout(f"The modem {self._modem.name} does not end an old call.", modem=self._modem.name)

    async def _initialise(self) -> None:
        await self._door.read()
        for step in self._dialect.init:
            if await self._channel.accepts(step.command) is not None:
                continue
            log.debug("The modem %s refuses %s.", self._modem.name, step.command.shown)
            if step.instead is not None:
                await self._channel.accepts(step.instead)
            elif step.mandatory:
                raise AtTimeout(f"The modem {self._modem.name} refuses {step.command.shown}.", modem=self._modem.name)
        keys_on = self._dialect.keys_on
        self._keys_by_news = keys_on is not None and await self._channel.accepts(keys_on) is not None
        self._modem.learn(voice=await self._find_voice())
        for command in (commands.SIGNAL, commands.REGISTRATION, commands.LTE_REGISTRATION, commands.OPERATOR):
            await self._poll(command)

    async def _find_voice(self) -> bool:
        """Whether the modem's voice passes its port; says in one sentence why not."""
        name, path = self._modem.name, self._modem.settings.voice
        if path is None or path.startswith("alsa:"):
            log.warning("The modem %s has no voice port of a kind that can be used: it serves SMS only.", name)
            return False
        check = self._dialect.voice_check
        answer = await self._channel.accepts(check) if check is not None else None
        if not self._dialect.can_speak(answer.lines if answer is not None else None):
            log.warning("The modem %s does not pass voice to its port: it serves SMS only.", name)
            return False
        try:
            self._voice.open()
        except (PortBusy, ModemLost) as fault:
            log.warning("The modem %s has no voice: %s", name, fault)
            return False
        return True

    def _start_service(self, tasks: asyncio.TaskGroup) -> Abilities:
        modem, outside = self._modem, self._modem.outside
        tools = CallTools(
            modem=modem.name,
            channel=self._channel,
            dialect=self._dialect,
            voice=self._voice,
            budget=outside.budget,
            report_stuck=self._is_stuck,
        )
        calls = ModemCalls(
            tools,
            tasks,
            keys_by_news=self._keys_by_news,
            line=lambda: modem.line.name if modem.line is not None else None,
            incoming=outside.incoming,
            normalise=outside.normalise,
        )
        messages = SimMessages(
            modem.name,
            self._channel,
            outside.inbox,
            line=lambda: modem.line.name if modem.line is not None else modem.name,
            imsi=lambda: modem.facts.imsi or "",
        )
        modem.service = Abilities(calls, messages, Ussd(modem.name, self._channel, self._dialect.ussd_coding))
        tasks.create_task(messages.run())
        return modem.service

    # While it is served.

    async def _serve(self) -> None:
        """Keep alive and look around, until the SIM goes. Raises AtTimeout for a modem that hangs."""
        self.was_served = True
        self._network.show()
        turn = 0
        while not await self._pause(KEEP_ALIVE_SECONDS):
            try:
                await self._channel.send(commands.ATTENTION)
            except AtRefused:
                pass
            except AtTimeout:
                await self._revive()
            turn += 1
            await self._look_around(turn)

    async def _look_around(self, turn: int) -> None:
        """One question per turn, so that nobody waits long behind us."""
        try:
            match turn % 4:
                case 0 | 2:
                    if await self._door.state() not in ("READY", "BUSY"):
                        self._disturbed.set()
                case 1:
                    await self._poll(commands.SIGNAL)
                    if turn % _OPERATOR_EVERY == 1:
                        await self._poll(commands.OPERATOR)
                case _:
                    await self._poll(commands.REGISTRATION)
                    await self._poll(commands.LTE_REGISTRATION)
        except AtTimeout as fault:
            log.debug("%s", fault)  # the next turn's AT finds out whether the modem hangs
        self._reopen_voice()

    async def _revive(self) -> None:
        """The modem has missed an AT: try twice more; raises AtTimeout when it stays silent."""
        self._modem.enter(ModemState.FAULTY, "at-timeout")
        await self._channel.escape()
        try:
            await self._channel.send(commands.ATTENTION)
        except AtTimeout:
            await self._channel.escape()
            await self._channel.send(commands.ATTENTION)
        self._network.show()

    async def _pause(self, seconds: float) -> bool:
        """Wait; True when the SIM has changed meanwhile. Raises what made the modem unusable."""
        try:
            async with asyncio.timeout(seconds):
                await self._disturbed.wait()
        except TimeoutError:
            return False
        if self._trouble is not None:
            raise self._trouble
        if self._may_have_restarted:
            self._may_have_restarted = False
            await self._require_settings()
            return False
        return True

    async def _require_settings(self) -> None:
        """The modem says that it is ready, as after a start: raises ModemLost if it has forgotten what it was told."""
        self._disturbed.clear()
        answer = await self._channel.accepts(commands.RESYNCHRONISE)
        if answer is not None and answer.first.endswith("0"):
            raise ModemLost(f"The modem {self._modem.name} has restarted.", modem=self._modem.name)

    async def _poll(self, command: Command) -> None:
        """Ask, and take the answer like news."""
        try:
            answer = await self._channel.send(command, priority=Priority.BACKGROUND)
        except AtRefused:
            return
        for line in answer.lines:
            if command is commands.OPERATOR:
                self._network.take_operator(line)
            else:
                self._take(self._dialect.understand(line))

    def _reopen_voice(self) -> None:
        """A voice port that went while the modem stayed comes back by being opened again."""
        if self._modem.facts.voice and not self._voice.is_open:
            try:
                self._voice.open()
            except (PortBusy, ModemLost) as fault:
                log.debug("%s", fault)

    # News.

    def _received(self, data: bytes) -> None:
        self._channel.data_received(data)

    def _take_line(self, line: str, pdu: str | None) -> None:
        self._take(self._dialect.understand(line, pdu))

    def _take(self, report: Report | None) -> None:
        if report is None:
            return
        match report:
            case SignalReport() | RegistrationReport():
                self._network.take(report)
            case SimReport():
                if self._modem.service is not None and report.state.upper() not in ("READY", ""):
                    self._disturbed.set()
            case Restarted():
                self._may_have_restarted = True
                self._disturbed.set()
            case _:
                if self._modem.service is not None:
                    _serve_report(self._modem.service, report)

    def _is_stuck(self, fault: AtTimeout) -> None:
        self._fail(fault)

    def _fail(self, fault: GatewayError) -> None:
        self._trouble = self._trouble or fault
        self._disturbed.set()

    def _lost(self) -> None:
        if self._modem.service is not None:
            self._modem.service.calls.lost()
        self._channel.port_lost()

    def _voice_lost(self) -> None:
        log.warning("The voice port of the modem %s is gone.", self._modem.name)


def _serve_report(service: Abilities, report: Report) -> None:
    match report:
        case CallReport():
            service.calls.take(report)
        case KeyReport():
            service.calls.hear_key(report.key)
        case VoicePaused():
            service.calls.pause_voice(paused=report.paused)
        case MessageStored():
            service.messages.sweep(report.storage)
        case StorageFull():
            service.messages.sweep()
        case MessageArrived() | DeliveryReported():
            if report.pdu is not None:
                service.messages.take(report.pdu)
        case UssdReport():
            service.ussd.take(report)
        case _:
            pass
