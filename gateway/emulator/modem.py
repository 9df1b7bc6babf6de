"""One emulated modem: its ports, its SIM, its settings, its misbehaviours, and what it says by itself."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.emulator import command_table
from gateway.emulator.at_dialogue import AtDialogue
from gateway.emulator.at_log import AtLog
from gateway.emulator.at_output import AtOutput
from gateway.emulator.at_port import AtPort
from gateway.emulator.call_side import CallSide, is_on
from gateway.emulator.media_clock import MediaClock
from gateway.emulator.misbehaviour import Faults, Options
from gateway.emulator.mobile_call import MobileCall
from gateway.emulator.network import Network
from gateway.emulator.personality import Personality
from gateway.emulator.pty_port import PtyPort
from gateway.emulator.registration import Radio
from gateway.emulator.sim import Lock, MessageStore, Sim
from gateway.emulator.voice_port import VoicePort

_NOISE_SECONDS = (4.0, 15.0)
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
        self.faults = Faults()
        self._port = AtPort(at_pty, self.log)
        self._out = AtOutput(self._port, self.fault, self._noise_line, self._dice)
        self._dialogue = AtDialogue(self, self._out)
        self._is_noisy = is_noisy
        self._is_on = False
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
        self._port.plug(self._dialogue.receive, self._dialogue.opened)
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
        self._dialogue.forget()
        self.voiced_calls = 0

    def restart(self, after_seconds: float = 0.1) -> None:
        """Go away shortly, and come back after the family's boot time."""

        def go() -> None:
            self.power_off()
            self.faults.end("silent_after")
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
        seconds = self.faults.begin(name, options).get("seconds")
        self._apply_voice_faults()
        if name in ("urc_storm", "voice_port_stalls") and isinstance(seconds, float) and seconds > 0:
            self._timer(name, seconds, lambda: self.behave(name))
        if name == "odd_byte":
            self.voice.odd_byte = True
        if self._is_on:
            self._out.start_storms()

    def behave(self, name: str | None = None) -> None:
        """Stop one misbehaviour, or all."""
        self.faults.end(name)
        self._dialogue.behaved()
        self._apply_voice_faults()

    def misbehaviours(self) -> Mapping[str, Options]:
        """Which are on."""
        return self.faults.all()

    def fault(self, name: str) -> Options | None:
        """The options of a misbehaviour that is on."""
        return self.faults.options(name)

    def _apply_voice_faults(self) -> None:
        self.voice.stalls = self.fault("voice_port_stalls") is not None
        self.voice.short_reads = self.fault("short_voice_reads") is not None
        stale = self.fault("stale_voice")
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
        if self._is_on and not self._dialogue.is_silent:
            self._out.unsolicited(line for line in lines if line)

    def after_answer(self, action: Callable[[], None]) -> None:
        """Do it once the command that runs now has got its final result."""
        self._dialogue.after_answer(action)

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
        self._dialogue.echoes = True
