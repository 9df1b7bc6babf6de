"""One stretch of service: from the opened port to its loss. Identify, open the SIM, initialise, serve."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import NoReturn

from gateway.errors import AtRefused, AtTimeout, GatewayError, ModemLost, PortBusy, SoundCardUnusable
from gateway.modem import commands
from gateway.modem.call_voice import VoiceTools
from gateway.modem.calls import ModemCalls
from gateway.modem.channel import Answer, AtChannel, Priority
from gateway.modem.commands import Command
from gateway.modem.dialect import ModemDialect, VoicePlan
from gateway.modem.faults import raise_the_reason
from gateway.modem.gsm_call import CallTools
from gateway.modem.messages import SimMessages
from gateway.modem.modem import SILENT, Abilities, Access, Modem, ModemState
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
    StorageFull,
    UssdReport,
    VoicePaused,
)
from gateway.modem.serial_port import ClosablePort, OpenPort, SerialPort
from gateway.modem.sim import SimDoor
from gateway.modem.start import ModemStart, plan_for
from gateway.modem.ussd import Ussd
from gateway.modem.voice.choice import voice_device
from gateway.modem.voice.device import VoiceDevice
from gateway.modem.voice_health import VOICE_BROKEN, VoiceHealth

log = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 4.0
"""At most so long until a question is asked. A modem that hangs is noticed after this, the question's time, and a bare
AT's."""
RESTART_SECONDS = 20.0
_OPERATOR_EVERY = 16
_GREETINGS = 3
_BLIND_SECONDS = 1.0
"""Between two commands whose answers nobody waits for: the second would cut off the first."""


class ModemSession:
    """Serves `modem` on its ports until something ends it; made anew for each attempt."""

    def __init__(self, modem: Modem, open_port: OpenPort | None = None) -> None:
        """`open_port` stands in place of SerialPort, for somebody who wants to listen in."""
        self.was_served = False
        """The modem came as far as to be used."""
        self._modem = modem
        self._open_port = open_port
        self._dialect = ModemDialect()
        self._channel: AtChannel
        self._start: ModemStart
        self._voice: VoiceDevice
        self._plan: VoicePlan | None = None
        self._voice_health = VoiceHealth(modem.name, modem.outside.publish, self._voice_is_broken)
        self._door: SimDoor
        self._disturbed = asyncio.Event()
        """The SIM has changed, or there is trouble."""
        self._trouble: GatewayError | None = None
        self._may_have_restarted = False
        self._early: list[Report] = []
        """Messages that the modem has stored nowhere and gives before it is served."""
        self._network = Network(modem)

    async def run(self, *, reset: tuple[Command, ...] = ()) -> NoReturn:
        """Open the ports and serve; `reset`: what makes the modem start anew, said first, to deaf ears if need be.

        Raises PortBusy, ModemLost, or AtTimeout for a modem that does not answer any more.
        """
        modem = self._modem
        modem.enter(ModemState.OPENING, modem.reason)
        serial = (self._open_port or SerialPort)(modem.settings.at, self._received, self._lost)
        self._channel = AtChannel(serial, self._take_line, name=modem.name)
        self._channel.on_line = self._trace
        self._channel.silence.on_change = self._silence_changed
        self._channel.rounds = modem.rounds
        self._start = ModemStart(modem, self._channel)
        self._voice = voice_device(modem.settings.voice, self._voice_lost, modem.outside.steadiness)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._channel.run())
                tasks.create_task(self._live(tasks, reset))
        except BaseExceptionGroup as group:
            raise_the_reason(group)
        finally:
            self._end(serial)
        raise ModemLost(f"The modem {modem.name} is not served any more.", modem=modem.name)

    async def accepts(self, question: Command) -> Answer | None:
        """For a person who tries the modem: the answer to a question of ours; None: refused. Raises AtTimeout."""
        return await self._channel.accepts(question)

    def _trace(self, line: str, sent: bool) -> None:
        modem = self._modem
        if modem.outside.traces is not None:
            modem.outside.traces.at(modem.dialogue_key, line, sent=sent)

    def _end(self, serial: ClosablePort) -> None:
        service, self._modem.service, self._modem.access = self._modem.service, None, None
        if service is not None:
            if service.calls.is_busy:
                self._channel.say_last(commands.HANG_UP)
            service.calls.lost()
        serial.close(drop_output=service is None)
        self._voice.close()
        self._modem.forget_sim()

    # The story.

    async def _live(self, tasks: asyncio.TaskGroup, reset: tuple[Command, ...]) -> None:
        self._modem.rounds.back_within(0)
        if reset:
            await self._restart(reset)
        await self._start.greet()
        self._dialect = await self._start.identify()
        self._door = SimDoor(self._modem, self._channel, self._dialect)
        self._modem.access = Access(
            ask=partial(self._channel.send, priority=Priority.BACKGROUND),
            dialect=self._dialect,
            enter_pin=self._door.enter,
        )
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

    async def _restart(self, by: tuple[Command, ...]) -> None:
        """Start the modem anew and wait for its port to go; raises ModemLost then, AtTimeout if it stays."""
        log.info("The modem %s is told to start anew.", self._modem.name)
        self._modem.rounds.back_within(len(by) * _BLIND_SECONDS + RESTART_SECONDS)
        for command in by:
            # Nobody waits for an answer: a modem that hangs may still hear.
            self._channel.say_last(command)
            await asyncio.sleep(_BLIND_SECONDS)
        await asyncio.sleep(RESTART_SECONDS)

    async def _initialise(self) -> None:
        await self._door.read()
        await self._start.set_up(self._dialect.init)
        if self._dialect.keys_on is not None:
            await self._channel.accepts(self._dialect.keys_on)
        self._plan = await self._start.find_voice(self._dialect, self._voice)
        for command in (commands.SIGNAL, commands.REGISTRATION, commands.LTE_REGISTRATION, commands.OPERATOR):
            await self._poll(command)

    def _start_service(self, tasks: asyncio.TaskGroup) -> Abilities:
        modem, outside = self._modem, self._modem.outside
        tools = CallTools(
            voice=VoiceTools(
                modem=modem.name,
                channel=self._channel,
                device=self._voice,
                plan=self._plan or plan_for(self._dialect, modem.settings.voice) or VoicePlan(),
                health=self._voice_health,
            ),
            dialect=self._dialect,
            budget=outside.budget,
            line=lambda: modem.line,
            report_stuck=self._fail,
        )
        calls = ModemCalls(
            tools,
            tasks,
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
            normalise=outside.normalise,
        )
        modem.service = Abilities(calls, messages, Ussd(modem.name, self._channel, self._dialect.ussd_coding))
        for report in self._early:
            _serve_report(modem.service, report)
        self._early.clear()
        tasks.create_task(messages.run())
        return modem.service

    # While it is served.

    async def _serve(self) -> None:
        """Look around, which shows that the modem lives, until the SIM goes. Raises AtTimeout for one that hangs."""
        if not self.was_served:
            self.was_served = True
            self._modem.comes_into_service()
        self._network.show()
        rounds, turn = self._modem.rounds, 0
        rounds.back_within(KEEP_ALIVE_SECONDS)
        while not await self._pause(_until_all_look_around()):
            turn += 1
            rounds.back_within(0)
            try:
                await self._look_around(turn)
            except AtTimeout:
                await self._revive()
            rounds.waits_outside()
            await self._reopen_voice()
            rounds.back_within(KEEP_ALIVE_SECONDS)

    async def _look_around(self, turn: int) -> None:
        """One question per turn, so that nobody waits long behind us."""
        match turn % 4:
            case 0 | 2:
                if await self._door.state() not in ("READY", "BUSY"):
                    self._disturbed.set()
            case 1:
                await self._poll(commands.OPERATOR if turn % _OPERATOR_EVERY == 1 else commands.SIGNAL)
            case _:
                await self._poll(commands.LTE_REGISTRATION if turn % 8 == 3 else commands.REGISTRATION)

    async def _revive(self) -> None:
        """The modem has missed a question: AT, and twice more; raises AtTimeout when it stays silent."""
        for attempt in range(_GREETINGS):
            try:
                await self._channel.escape()
                await self._channel.accepts(commands.ATTENTION)
            except AtTimeout:
                self._modem.enter(ModemState.FAULTY, AtTimeout.code)
                if attempt == _GREETINGS - 1:
                    raise
            else:
                break
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
        if self._voice_health.is_broken and self._dialect.voice_restart:
            await self._mend_voice()
        if self._may_have_restarted:
            self._may_have_restarted = False
            await self._require_settings()
            return False
        return True

    async def _mend_voice(self) -> None:
        """Start the modem anew for its voice's sake, as soon as no call is up; no other is placed meanwhile."""
        self._modem.enter(ModemState.FAULTY, VOICE_BROKEN)
        if self._modem.service is not None:
            self._modem.rounds.waits_outside()
            await self._modem.service.calls.idle()
        await self._restart(self._dialect.voice_restart)
        raise AtTimeout(f"The modem {self._modem.name} does not start anew.", modem=self._modem.name)

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

    async def _reopen_voice(self) -> None:
        """A voice port that went while the modem stayed comes back by being opened again."""
        if self._modem.facts.voice and not self._voice.is_open:
            try:
                await self._voice.open()
            except (PortBusy, ModemLost, SoundCardUnusable) as fault:
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
                elif isinstance(report, MessageArrived | DeliveryReported):
                    self._early.append(report)

    def _silence_changed(self, is_silent: bool) -> None:
        """No call is given to a modem that owes an answer for long: another line has it at once."""
        modem = self._modem
        if is_silent and modem.state in (ModemState.READY, ModemState.SEARCHING):
            modem.enter(ModemState.FAULTY, SILENT)
            if modem.service is not None:
                modem.service.calls.fallen_silent()
        elif not is_silent and (modem.state, modem.reason) == (ModemState.FAULTY, SILENT):
            self._network.show()

    def _voice_is_broken(self) -> None:
        if self._dialect.voice_restart:
            self._disturbed.set()

    def _fail(self, fault: GatewayError) -> None:
        self._trouble = self._trouble or fault
        self._disturbed.set()

    def _lost(self) -> None:
        if self._modem.service is not None:
            self._modem.service.calls.lost()
        self._channel.port_lost()

    def _voice_lost(self) -> None:
        log.warning("The voice port of the modem %s is gone.", self._modem.name)


def _until_all_look_around() -> float:
    """All modems ask at the same moments: eight that wake this machine together cost far less than eight in turn."""
    return KEEP_ALIVE_SECONDS - asyncio.get_running_loop().time() % KEEP_ALIVE_SECONDS


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
