"""The emulator from another process: friendly coroutines over the control socket. Standard library only.

Everything a test, a bench or the demonstration needs to be the mobile network and its people::

    async with running_emulator(directory, modems=["huawei", "simcom"]) as emulator:
        red, blue = await emulator.modems()              # red.at and red.voice are the ports for gateway.toml
        courier = await emulator.subscriber("+79161234567", ring_seconds=1.0, says=[Say(wav, after_seconds=0.2)])

        # the gateway dials the courier
        call = await courier.next_call(within=10)        # a new call, since the last one that was asked for
        await call.answered(within=10)                   # the courier answers by itself (`when_called`)
        await call.speak(wav)                            # at once; returns when the last sample was said
        await call.press("12#")
        await call.hang_up()
        heard = await call.heard()                       # samples as s16le, with the moment of each block

        # the courier calls a SIM
        call = await courier.call_in(red.number)
        await call.answered(within=10)

        await emulator.send_sms("+79031112233", red.number, "Здравствуйте! " * 12)
        await red.misbehave("half_lines", gap_ms=2.0)    # see misbehaviour.py for all names
        await red.unplug()
        await red.replug()

Moments are seconds of CLOCK_MONOTONIC, which all processes of a machine share. Sound travels in WAV files
below the emulator's directory. Every waiting verb takes `within` seconds and raises TimeoutError;
EmulatorRefused is raised for what the emulator cannot do, with its sentence.

`running_emulator` starts the process; `EmulatorClient(directory)` joins one that runs already.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import signal
import sys
import wave
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_MOST_ANSWER_BYTES = 1 << 28
_SLACK_SECONDS = 2.0


class EmulatorRefused(RuntimeError):
    """The emulator says that it cannot; the message is its sentence."""


@dataclass(frozen=True, slots=True)
class Say:
    """Speech of a subscriber in each of its calls, `after_seconds` of the answer; 0: with its first sample."""

    wav: Path
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Heard:
    """Sound of one side of a call, gapless, s16le at 8 kHz, in the file and here."""

    path: Path
    data: bytes
    stamps: list[tuple[float, int]]
    """(moment, bytes) of each block in its turn."""

    def moment_of(self, sample: int) -> float:
        """When the block with that sample passed; IndexError beyond the end."""
        offset = 2 * sample
        for at, size in self.stamps:
            if offset < size:
                return at
            offset -= size
        raise IndexError(f"Nothing was heard at sample {sample}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """A mobile call as it is now."""

    id: str
    number: str
    from_modem: bool
    state: str
    """"dialling", "ringing", "active" or "ended"."""
    started: float
    ringing: float | None
    answered: float | None
    ended: float | None
    cause: int | None
    """Q.850."""
    ended_by: str | None
    """"subscriber", "modem" or "network"."""
    seconds: float
    keys: list[tuple[float, str]]
    """Pressed by the gateway with a command (not in-band)."""
    pressed: list[tuple[float, str]]
    """Pressed by the subscriber."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceStamps:
    """What passed a voice port in its present or last call. Positions are in bytes of the host's stream."""

    arrived: list[tuple[float, int]]
    """(moment, bytes) as the host wrote them."""
    consumed: list[tuple[float, float, int, int]]
    """(moment, when due, bytes that were missing, position) of each block that the modem took."""
    delivered: list[tuple[float, int]]
    """(moment, bytes) of each block that the modem gave to the host."""
    arrived_data: bytes
    consumed_data: bytes
    delivered_data: bytes
    dropped_bytes: int
    refused_bytes: int


class EmulatorClient:
    """A connection to the control socket in `directory`. `async with` it, or `connect` and `close`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def connect(self) -> None:
        """Connect; OSError when no emulator serves the directory."""
        reader, self._writer = await asyncio.open_unix_connection(
            str(self.directory / "control.sock"), limit=_MOST_ANSWER_BYTES
        )
        self._reading = asyncio.create_task(self._read(reader))

    async def close(self) -> None:
        """Disconnect."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    async def ask(self, verb: str, /, *, within: float | None = None, **arguments: Any) -> dict[str, Any]:
        """One request, for verbs that have no coroutine of their own; see control_network.py for all of them."""
        if self._writer is None:
            raise EmulatorRefused("The emulator is not connected.")
        identity = next(self._ids)
        if within is not None:
            arguments["within"] = within
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[identity] = answer
        self._writer.write(json.dumps({"id": identity, "do": verb, **arguments}).encode() + b"\n")
        await self._writer.drain()
        try:
            async with asyncio.timeout(None if within is None else within + _SLACK_SECONDS):
                return await answer
        finally:
            self._waiting.pop(identity, None)

    async def modems(self) -> list[RemoteModem]:
        """All modems in the order of their making."""
        return [RemoteModem(self, each) for each in (await self.ask("modems"))["modems"]]

    async def modem(self, name: str) -> RemoteModem:
        """One modem; EmulatorRefused when there is none of that name."""
        for modem in await self.modems():
            if modem.name == name:
                return modem
        raise EmulatorRefused(f"There is no modem {name!r}.")

    async def add_modem(self, family: str, **order: Any) -> RemoteModem:
        """A new modem: "huawei", "quectel", "simcom" or "generic".

        `order` may hold name, number, imei, pin, ppm (of its crystal), tells_number, is_noisy, slots (of the
        SIM), is_on.
        """
        return RemoteModem(self, await self.ask("add-modem", family=family, **order))

    async def subscriber(self, number: str, *, says: Sequence[Say] = (), **habits: Any) -> RemoteSubscriber:
        """A subscriber with these habits, new or changed; what is left out is as by default.

        `habits` may hold when_called ("answer", "no-answer", "busy", "reject", "off", "manual"), ring_seconds,
        presses (keys, one second after the answer), hangs_up_after_seconds.
        """
        speeches = [{"wav": str(each.wav), "after_seconds": each.after_seconds} for each in says]
        await self.ask("subscriber", number=number, says=speeches, **habits)
        return RemoteSubscriber(self, number)

    async def send_sms(self, sender: str, sim_number: str, text: str, **how: Any) -> list[str]:
        """A text to a SIM, from any number or name; its hex PDUs.

        `how` may hold wide_reference (16 bits), order (part numbers in order of sending, such as [3, 1, 2]),
        copies (each part so many times), ucs2, reference.
        """
        pdus: list[str] = (await self.ask("send-sms", sender=sender, sim=sim_number, text=text, **how))["pdus"]
        return pdus

    async def send_pdus(self, sim_number: str, pdus: Sequence[str]) -> None:
        """Deliver hex PDUs, service centre included, just as they are."""
        await self.ask("send-pdus", sim=sim_number, pdus=list(pdus))

    async def refuse_sms(self, error: int | None) -> None:
        """From now on every SMS of a modem ends with this +CMS ERROR; None: with +CMGS again."""
        await self.ask("refuse-sms", error=error)

    async def answer_ussd(self, code: str, reply: str) -> None:
        """What the network says to a code such as *100#."""
        await self.ask("ussd", code=code, reply=reply)

    async def lateness(self) -> dict[str, float]:
        """How late the ticks of the sound came, in seconds: ticks, p50, p95, p99, max."""
        return await self.ask("lateness")

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._take(json.loads(line))
        finally:
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(ConnectionError("The emulator has gone."))

    def _take(self, answer: dict[str, Any]) -> None:
        future = self._waiting.get(answer["id"])
        if future is None or future.done():
            return
        if "ok" in answer:
            future.set_result(answer["ok"])
        elif answer["kind"] == "TimeoutError":
            future.set_exception(TimeoutError(answer["error"]))
        else:
            future.set_exception(EmulatorRefused(answer["error"]))


class RemoteModem:
    """A modem: its names and ports are attributes."""

    def __init__(self, client: EmulatorClient, facts: Mapping[str, Any]) -> None:
        self.name: str = facts["name"]
        self.family: str = facts["family"]
        self.number: str = facts["number"]
        self.imei: str = facts["imei"]
        self.imsi: str = facts["imsi"]
        self.iccid: str = facts["iccid"]
        self.at: str = facts["at"]
        self.voice: str = facts["voice"]
        self._client = client

    async def unplug(self) -> None:
        """Its ports vanish; programs that have them open get EIO; a call is lost."""
        await self._client.ask("unplug", modem=self.name)

    async def replug(self) -> None:
        """Its ports come back under their names, as other devices; the SIM asks for its PIN again."""
        await self._client.ask("replug", modem=self.name)

    async def misbehave(self, name: str, **options: Any) -> None:
        """Start a misbehaviour of misbehaviour.py."""
        await self._client.ask("misbehave", modem=self.name, name=name, options=options)

    async def behave(self, name: str | None = None) -> None:
        """Stop one misbehaviour, or all."""
        await self._client.ask("behave", modem=self.name, name=name)

    async def radio(self, registration: str | None = None, **changes: Any) -> None:
        """Registration: "home", "roaming", "searching", "denied", "idle", "unknown".

        `changes` may hold signal (0 to 31, 99), operator, operator_code, technology (0, 2 or 7).
        """
        await self._client.ask("radio", modem=self.name, registration=registration, **changes)

    async def sim(self, **changes: Any) -> dict[str, Any]:
        """Change the SIM: present, pin, puk, pin_tries, puk_tries, slots, tells_number. Its lock and tries now."""
        return await self._client.ask("sim", modem=self.name, **changes)

    async def say(self, *lines: str) -> None:
        """Say these lines, unasked."""
        await self._client.ask("say", modem=self.name, lines=list(lines))

    async def commands(self, since: float = 0.0) -> list[tuple[float, str]]:
        """Every line the host has sent, with the moment of its end."""
        answer = await self._client.ask("at-log", modem=self.name, since=since)
        return [(at, line) for at, line in answer["commands"]]

    async def at_bytes(self, since: float = 0.0) -> list[tuple[float, bool, bytes]]:
        """Everything on the AT port: (moment, went to the modem, bytes)."""
        answer = await self._client.ask("at-log", modem=self.name, since=since)
        return [(at, to_modem, data.encode("latin-1")) for at, to_modem, data in answer["bytes"]]

    async def voice_stamps(self) -> VoiceStamps:
        """What passed its voice port in the present or last call."""
        answer = await self._client.ask("voice-stamps", modem=self.name)
        return VoiceStamps(
            arrived=[(at, size) for at, size in answer["arrived"]],
            consumed=[(at, due, missing, position) for at, due, missing, position in answer["consumed"]],
            delivered=[(at, size) for at, size in answer["delivered"]],
            arrived_data=_wav_data(answer["arrived_wav"]),
            consumed_data=_wav_data(answer["consumed_wav"]),
            delivered_data=_wav_data(answer["delivered_wav"]),
            dropped_bytes=answer["dropped_bytes"],
            refused_bytes=answer["refused_bytes"],
        )


class RemoteSubscriber:
    """A person with a mobile."""

    def __init__(self, client: EmulatorClient, number: str) -> None:
        self.number = number
        self._client = client
        self._seen = 0

    async def call_in(self, sim_number: str, *, shows_number: bool = True) -> RemoteCall:
        """Call a SIM; returns at once, while the network looks for it."""
        answer = await self._client.ask("call-in", number=self.number, sim=sim_number, shows_number=shows_number)
        self._seen += 1
        return RemoteCall(self._client, answer["id"])

    async def next_call(self, *, within: float) -> RemoteCall:
        """The next call that reaches this subscriber, which may have happened already."""
        answer = await self._client.ask("next-call", number=self.number, seen=self._seen, within=within)
        self._seen += 1
        return RemoteCall(self._client, answer["id"])

    async def messages(self, *, at_least: int = 0, within: float = 30.0) -> list[dict[str, Any]]:
        """The texts that have arrived, once there are so many: sender, text, parts, at."""
        answer = await self._client.ask("messages", number=self.number, at_least=at_least, within=within)
        messages: list[dict[str, Any]] = answer["messages"]
        return messages


class RemoteCall:
    """A call in the mobile network, seen from its subscriber."""

    def __init__(self, client: EmulatorClient, identity: str) -> None:
        self.id = identity
        self._client = client

    async def facts(self) -> CallFacts:
        """How it is now."""
        return _facts(await self._client.ask("call", call=self.id))

    async def ringing(self, *, within: float) -> CallFacts:
        """Wait until the called side rings (or has answered). EmulatorRefused when it ended before."""
        return await self._reached("ringing", within)

    async def answered(self, *, within: float) -> CallFacts:
        """Wait until it is up."""
        return await self._reached("active", within)

    async def ended(self, *, within: float) -> CallFacts:
        """Wait until it is over, for whatever cause."""
        return await self._reached("ended", within)

    async def answer(self) -> None:
        """Take the call, as a subscriber whose `when_called` is "manual"."""
        await self._client.ask("answer", call=self.id)

    async def hang_up(self, cause: int = 16) -> None:
        """The subscriber ends it; 21 while it rings: rejects it."""
        await self._client.ask("hang-up", call=self.id, cause=cause)

    async def speak(self, wav: Path, *, wait: bool = True) -> float:
        """Say a WAV (mono, 8 kHz, 16 bits) from the next block on; its seconds.

        Returns when the last sample was said, or at once without `wait`.
        """
        seconds: float = (await self._client.ask("speak", call=self.id, wav=str(wav), wait=wait))["seconds"]
        return seconds

    async def press(self, digits: str, *, tone_seconds: float = 0.1, gap_seconds: float = 0.1) -> None:
        """Press keys: tones into the sound, and what the modem's family reports. Returns at once."""
        await self._client.ask("press", call=self.id, digits=digits, tone_seconds=tone_seconds, gap_seconds=gap_seconds)

    async def hush(self) -> None:
        """Stop speaking in mid-word."""
        await self._client.ask("hush", call=self.id)

    async def heard(self) -> Heard:
        """All that the subscriber heard, from the first tick of the call's being up."""
        return _heard(await self._client.ask("heard", call=self.id))

    async def said(self) -> Heard:
        """All that the subscriber said, silence included; block by block on the same ticks as `heard`."""
        return _heard(await self._client.ask("said", call=self.id))

    async def _reached(self, state: str, within: float) -> CallFacts:
        return _facts(await self._client.ask("reached", call=self.id, state=state, within=within))


@contextlib.asynccontextmanager
async def running_emulator(
    directory: Path, *, modems: Sequence[str] = (), people: bool = False, log: bool = False, within: float = 15.0
) -> AsyncIterator[EmulatorClient]:
    """An emulator as a process of its own, with modems m0, m1, ... of these families; ended at the end.

    `people` adds those of demo_people.py, `log` writes NAME-at.log. Raises EmulatorRefused when it does not start.
    """
    flags = ["--people"] * people + ["--log"] * log
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway.emulator", "--directory", str(directory), "--modems", ",".join(modems), *flags,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        if process.stdout is None:
            raise EmulatorRefused("The emulator has no standard output.")
        async with asyncio.timeout(within):
            if await process.stdout.readline() != b"ready\n":
                raise EmulatorRefused("The emulator did not start; what it wrote to standard error says why.")
        async with EmulatorClient(directory) as client:
            yield client
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.wait()


def _facts(answer: dict[str, Any]) -> CallFacts:
    keys = [(at, digit) for at, digit in answer.pop("keys")]
    pressed = [(at, digit) for at, digit in answer.pop("pressed")]
    return CallFacts(keys=keys, pressed=pressed, **answer)


def _heard(answer: dict[str, Any]) -> Heard:
    return Heard(Path(answer["wav"]), _wav_data(answer["wav"]), [(at, size) for at, size in answer["stamps"]])


def _wav_data(path: str) -> bytes:
    with wave.open(path, "rb") as file:
        return file.readframes(file.getnframes())
