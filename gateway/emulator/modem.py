"""One emulated modem: its ports, its SIM, its settings, and the turn-taking of commands and answers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.emulator import command_table
from gateway.emulator.at_command import Command, Prompt, Refused, split_line
from gateway.emulator.at_log import AtLog
from gateway.emulator.at_output import AtOutput
from gateway.emulator.at_port import AtPort
from gateway.emulator.call_side import CallSide, is_on
from gateway.emulator.errors_text import cme_text
from gateway.emulator.media_clock import MediaClock
from gateway.emulator.misbehaviour import Options, options_of
from gateway.emulator.mobile_call import MobileCall
from gateway.emulator.network import Network
from gateway.emulator.personality import Personality
from gateway.emulator.pty_port import PtyPort
from gateway.emulator.registration import Radio
from gateway.emulator.sim import Lock, MessageStore, Sim
from gateway.emulator.voice_port import VoicePort

_NOISE_SECONDS = (4.0, 15.0)
_MOST_LINE_BYTES = 4_096
_MEMORY_SLOTS = 23


class Modem:
    """A device of one family with one SIM. `power_on` and `power_off` on the running loop.

    Everything but the sound runs on the event loop; the sound runs on `clock`'s thread.
    """

    def __init__(
        self,
        name: str,
        personality: Personality,
        sim: Sim,
        *,
        network: Network,
        clock: MediaClock,
        directory: Path,
        imei: str,
        ppm: float = 0.0,
        seed: int = 0,
        log_path: Path | None = None,
        is_noisy: bool = True,
    ) -> None:
        self.name = name
        self.personality = personality
        self.sim = sim
        self.network = network
        self.imei = imei
        self.settings: dict[str, str] = {}
        self.log = AtLog(log_path)
        self.radio = Radio()
        self.memory = MessageStore(_MEMORY_SLOTS)
        """Where messages go that are kept in the modem itself."""
        self.calls = CallSide(self)
        self.voice_outlives_calls = False
        """The sound stays routed to the port between calls (Quectel)."""
        self.voice_requests = 0
        """How often the host has asked for the sound of the present call."""
        self.voiced_calls = 0
        """Calls whose sound was asked for, since the last start."""
        at_pty, voice_pty = PtyPort(directory / f"{name}-at"), PtyPort(directory / f"{name}-voice")
        self.voice = VoicePort(voice_pty, clock, block_bytes=personality.block_bytes, ppm=ppm, seed=seed)
        self._dice = random.Random(seed)
        self._port = AtPort(at_pty, self.log, self._receive, self._opened)
        self._out = AtOutput(self._port, self.fault, self._noise_line, self._dice)
        self._faults: dict[str, dict[str, object]] = {}
        self._is_noisy = is_noisy
        self._is_on = False
        self._echo = True
        self._line = bytearray()
        self._prompt: Prompt | None = None
        self._afterwards: list[Callable[[], None]] = []
        self._silent = False
        self._timers: dict[str, asyncio.TimerHandle] = {}

    @property
    def number(self) -> str:
        """The SIM's number."""
        return self.sim.number

    @property
    def is_on(self) -> bool:
        """It has power and its ports are there."""
        return self._is_on

    @property
    def is_registered(self) -> bool:
        """The network can reach it."""
        return self._is_on and self.sim.lock is Lock.READY and self.radio.is_registered

    def power_on(self) -> None:
        """The ports appear, and it says what its family says at a start."""
        if self._is_on:
            return
        self._is_on = True
        self._restore_settings()
        self._port.plug()
        self.voice.plug()
        if self._is_noisy:
            self._timer("boot", 0.05, lambda: self.say(*map(self.filled, self.personality.boot)))
            self._timer("noise", self._dice.uniform(0.5, 2.0), self._make_noise)
        self._out.start_storms()

    def power_off(self) -> None:
        """The ports go, as at an unplugging; a call is lost, the SIM forgets its PIN."""
        if not self._is_on:
            return
        self._is_on = False
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._out.stop()
        self.calls.lose()
        self._port.unplug()
        self.voice.unplug()
        self.sim.power_cycle()
        self._line.clear()
        self._prompt = None
        self._silent = False
        self.voiced_calls = 0

    def restart(self, after_seconds: float = 0.1) -> None:
        """Go away shortly, and come back after the family's boot time."""

        def go() -> None:
            self.power_off()
            self._faults.pop("silent_after", None)
            self._timer("boot", self.personality.boot_seconds, self.power_on)

        self._timer("restart", after_seconds, go)

    def drop_port(self) -> None:
        """What drops_port_during_call does."""
        options = self.misbehaviours().get("drops_port_during_call", {})
        self.behave("drops_port_during_call")
        back = float(str(options.get("back_after_seconds", 0.0)))
        self.power_off()
        if back > 0:
            self._timer("boot", back, self.power_on)

    def close(self) -> None:
        """The end, for good."""
        self.power_off()
        for timer in self._timers.values():
            timer.cancel()
        self.log.close()

    # Misbehaving

    def misbehave(self, name: str, options: Options) -> None:
        """Do wrong from now on; ValueError for what there is not."""
        self._faults[name] = options_of(name, options)
        self._apply_voice_faults()
        seconds = self._faults[name].get("seconds")
        if name in ("urc_storm", "voice_port_stalls") and isinstance(seconds, float) and seconds > 0:
            self._timer(name, seconds, lambda: self.behave(name))
        if name == "odd_byte":
            self.voice.odd_byte = True
        if self._is_on:
            self._out.start_storms()

    def behave(self, name: str | None = None) -> None:
        """Stop one misbehaviour, or all."""
        for each in [name] if name is not None else list(self._faults):
            self._faults.pop(each, None)
        self._silent = self._silent and "silent_after" in self._faults
        self._apply_voice_faults()

    def misbehaviours(self) -> Mapping[str, Options]:
        """Which are on."""
        return dict(self._faults)

    def fault(self, name: str) -> Options | None:
        """The options of a misbehaviour that is on."""
        return self._faults.get(name)

    def _apply_voice_faults(self) -> None:
        self.voice.stalls = "voice_port_stalls" in self._faults
        self.voice.short_reads = "short_voice_reads" in self._faults
        stale = self._faults.get("stale_voice")
        self.voice.stale_ms = int(str(stale["ms"])) if stale is not None else 0

    # The network's side

    def call_moved(self, call: MobileCall) -> None:
        """See ModemSide."""
        self.calls.moved(call)

    def offer(self, call: MobileCall) -> bool:
        """See NetworkModem."""
        return self.calls.offer(call)

    def key_pressed(self, digit: str) -> None:
        """Tell of a key where the family can and the host asked for it."""
        if self.fault("no_key_news") is not None:
            return
        if self.settings.get("+QTONEDET") == "1":
            self.say(f"+QTONEDET: {ord(digit)}")
        if self.settings.get("+DDET", "0")[:1] == "1":
            self.say(f"+RXDTMF: {digit}")

    def take_message(self, pdu: str) -> bool:
        """See NetworkModem."""
        return command_table.take_message(self, pdu)

    def store(self, which: int) -> tuple[str, MessageStore]:
        """The storage that CPMS has chosen to read (0), write (1) or receive (2): "SM" or "ME", and its slots."""
        name = self.settings["+CPMS"].split(",")[which]
        return name, self.sim.store if name == "SM" else self.memory

    def registration_changed(self) -> None:
        """Tell the host, as far as it asked."""
        for name in ("+CREG", "+CGREG", "+CEREG"):
            if self.settings.get(name, "0") != "0":
                self.say(f"{name}: {self.radio.report(self.settings[name], lte=name == '+CEREG')}")

    # Speaking

    def say(self, *lines: str) -> None:
        """Unsolicited lines; empty ones are left out."""
        if self._is_on and not self._silent:
            self._out.unsolicited(line for line in lines if line)

    def after_answer(self, action: Callable[[], None]) -> None:
        """Do it once the command that runs now has got its final result."""
        self._afterwards.append(action)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do it in a while, unless the modem is off by then."""
        self._timer(f"later {len(self._timers)} {asyncio.get_running_loop().time()}", seconds, action)

    def filled(self, text: str) -> str:
        """Fill the fields of a personality's line."""
        sim = self.sim
        return text.format(
            imei=self.imei, iccid=sim.iccid, imsi=sim.imsi, cpin=sim.lock.value, pin1=sim.pin_tries,
            puk1=sim.puk_tries, rssi=self.radio.signal,
        )  # fmt: skip

    def call_over(self) -> None:
        """What a call has set is set back."""
        self.voiced_calls += self.voice_requests > 0
        self.voice_requests = 0

    def _noise_line(self) -> str:
        lines = [sign.text for sign in self.personality.noise] or ["+CREG: 1"]
        return self.filled(self._dice.choice(lines))

    def _make_noise(self) -> None:
        heard = [sign for sign in self.personality.noise if is_on(sign, self.settings)]
        if heard:
            self.say(self.filled(self._dice.choice(heard).text))
        self._timer("noise", self._dice.uniform(*_NOISE_SECONDS), self._make_noise)

    def _timer(self, name: str, seconds: float, action: Callable[[], None]) -> None:
        def run() -> None:
            self._timers.pop(name, None)
            action()

        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = asyncio.get_running_loop().call_later(seconds, run)

    def _restore_settings(self) -> None:
        self.settings = dict(self.personality.settings) | {
            "+CSCS": "IRA" if self.personality.family != "quectel" else "GSM"
        }
        self.voice_outlives_calls = False
        self.voice.routed = False
        self._echo = True

    # Listening

    def _opened(self) -> None:
        self._line.clear()
        self._prompt = None
        options = self.fault("silent_after")
        if self._silent and options is not None and options["until"] == "reopened":
            self.behave("silent_after")

    def _receive(self, data: bytes) -> None:
        if self._echo and not self._silent:
            self._out.echo(data)
        for byte in data:
            if self._prompt is not None and byte in b"\x1a\x1b":
                self._end_body(send=byte == 0x1A)
            elif self._prompt is None and byte == 0x0D:
                self._end_line()
            elif self._prompt is None and byte in b"\n\x1a\x1b":
                continue
            elif len(self._line) < _MOST_LINE_BYTES:
                self._line.append(byte)
            if not self._is_on:  # the command has taken the ports away
                return

    def _end_line(self) -> None:
        line = self._line.decode("latin-1").strip()
        self._line.clear()
        if line and not self._keeps_silent(line):
            self._run(line)

    def _end_body(self, *, send: bool) -> None:
        prompt, self._prompt = self._prompt, None
        body = self._line.decode("latin-1")
        self._line.clear()
        if prompt is None or self._silent:
            return
        refusal: Refused | None = None
        lines: list[str] = []
        try:
            lines = prompt.take(body) if send else []
        except Refused as refused:
            refusal = refused
        slow = self.fault("slow_messages")
        seconds = float(str(slow["seconds"])) if slow is not None and send else 0.0
        if seconds > 0:
            self.later(seconds, lambda: self._finish("", lines, refusal))
        else:
            self._finish("", lines, refusal)

    def _keeps_silent(self, line: str) -> bool:
        options = self.fault("silent_after")
        if options is None:
            return False
        left = int(str(options["commands"]))
        if left > 0:
            self._faults["silent_after"]["commands"] = left - 1
            return False
        self._silent = True
        if options["until"] == "reset" and line.upper() in ("AT+CFUN=1,1", "AT^RESET", "AT+CRESET"):
            self.restart()
        return True

    def _run(self, line: str) -> None:
        refuses = self.fault("refuses")
        if refuses is not None and line.upper().startswith(str(refuses["command"]).upper()):
            self._out.answer([], str(refuses["with_line"]))
            return
        try:
            commands = split_line(line)
        except ValueError:
            self._out.answer([], "ERROR")
            return
        lines: list[str] = []
        for command in commands:
            try:
                answer = self._execute(command)
            except Refused as refusal:
                self._finish(line, lines, refusal)
                return
            if isinstance(answer, Prompt):
                self._prompt = answer
                self._out.prompt()
                return
            lines += answer
        self._finish(line, lines)

    def _execute(self, command: Command) -> list[str] | Prompt:
        if command.name == "E":
            if self.fault("echo_stays_on") is None:
                self._echo = command.argument == "1"
            return []
        if command.name in ("Z", "&F"):
            self._echo = True if command.name == "&F" else self._echo
            return []
        return command_table.execute(self, command)

    def _finish(self, line: str, lines: list[str], refusal: Refused | None = None) -> None:
        final = "OK" if refusal is None else self._final(refusal)
        afterwards, self._afterwards = self._afterwards, []

        def tell() -> None:
            self._out.answer(lines, final)
            for action in afterwards:
                action()

        late = self._faults.get("late_ok")
        if late is not None and line.upper().startswith(str(late["command"])):
            times = int(str(late["times"]))
            late["times"] = times - 1
            if times <= 1:
                del self._faults["late_ok"]
            if late["error_first"]:
                self._out.answer([], "ERROR")
            self.later(float(str(late["seconds"])), tell)
        else:
            tell()

    def _final(self, refusal: Refused) -> str:
        mode = self.settings.get("+CMEE", "0")
        if refusal.cms is not None:
            return f"+CMS ERROR: {refusal.cms}"
        if refusal.cme is None or mode == "0":
            return refusal.final
        return f"+CME ERROR: {refusal.cme if mode == '1' else cme_text(refusal.cme)}"
