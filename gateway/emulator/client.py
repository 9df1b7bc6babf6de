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

        # a SIP phone of its own, with real RTP
        phone = await emulator.phone("101", "secret", host="127.0.0.1", port=5060)
        await phone.register()
        call = await phone.call("2001")
        await call.ringing(within=10)
        await call.speak(wav, wait=False)                # before the answer: from the first packet on
        await call.answered(within=10)
        await call.press("1")                            # RFC 4733; in_band=True for tones
        heard = await call.heard()                       # laid out by the timestamps of the packets
        await call.hang_up()
        caller = await phone.incoming(within=10)
        await caller.ring()
        await caller.answer()                            # or caller.reject(486)

Moments are seconds of CLOCK_MONOTONIC, which all processes of a machine share. Sound travels in WAV files
below the emulator's directory. Every waiting verb takes `within` seconds and raises TimeoutError;
EmulatorRefused is raised for what the emulator cannot do, with its sentence.

`running_emulator` starts the process; `EmulatorClient(directory)` joins one that runs already.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gateway.emulator.client_facts import CallFacts, Heard, PhoneCallFacts, RtpFacts, Say, VoiceStamps
from gateway.emulator.client_link import ControlLink, EmulatorRefused
from gateway.emulator.client_network import RemoteCall, RemoteModem, RemoteSubscriber
from gateway.emulator.client_phone import RemotePhone, RemotePhoneCall

__all__ = [
    "CallFacts", "EmulatorClient", "EmulatorRefused", "Heard", "PhoneCallFacts", "RemoteCall", "RemoteModem",
    "RemotePhone", "RemotePhoneCall", "RemoteSubscriber", "RtpFacts", "Say", "VoiceStamps", "running_emulator",
]  # fmt: skip


class EmulatorClient:
    """A connection to the control socket in `directory`. `async with` it, or `connect` and `close`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._link = ControlLink(directory / "control.sock")

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def connect(self) -> None:
        """Connect; OSError when no emulator serves the directory."""
        await self._link.open()

    async def close(self) -> None:
        """Disconnect."""
        await self._link.close()

    async def ask(self, verb: str, /, *, within: float | None = None, **arguments: Any) -> dict[str, Any]:
        """One request, for verbs that have no coroutine of their own; see control_network.py for all of them."""
        return await self._link.ask(verb, within=within, **arguments)

    async def modems(self) -> list[RemoteModem]:
        """All modems in the order of their making."""
        return [RemoteModem(self._link, each) for each in (await self._link.ask("modems"))["modems"]]

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
        return RemoteModem(self._link, await self._link.ask("add-modem", family=family, **order))

    async def subscriber(self, number: str, *, says: Sequence[Say] = (), **habits: Any) -> RemoteSubscriber:
        """A subscriber with these habits, new or changed; what is left out is as by default.

        `habits` may hold when_called ("answer", "no-answer", "busy", "reject", "off", "manual"), ring_seconds,
        presses (keys, one second after the answer), hangs_up_after_seconds.
        """
        speeches = [{"wav": str(each.wav), "after_seconds": each.after_seconds} for each in says]
        await self._link.ask("subscriber", number=number, says=speeches, **habits)
        return RemoteSubscriber(self._link, number)

    async def send_sms(self, sender: str, sim_number: str, text: str, **how: Any) -> list[str]:
        """A text to a SIM, from any number or name; its hex PDUs.

        `how` may hold wide_reference (16 bits), order (part numbers in order of sending, such as [3, 1, 2]),
        copies (each part so many times), ucs2, reference.
        """
        pdus: list[str] = (await self._link.ask("send-sms", sender=sender, sim=sim_number, text=text, **how))["pdus"]
        return pdus

    async def send_pdus(self, sim_number: str, pdus: Sequence[str]) -> None:
        """Deliver hex PDUs, service centre included, just as they are."""
        await self._link.ask("send-pdus", sim=sim_number, pdus=list(pdus))

    async def refuse_sms(self, error: int | None) -> None:
        """From now on every SMS of a modem ends with this +CMS ERROR; None: with +CMGS again."""
        await self._link.ask("refuse-sms", error=error)

    async def answer_ussd(self, code: str, reply: str) -> None:
        """What the network says to a code such as *100#."""
        await self._link.ask("ussd", code=code, reply=reply)

    async def lateness(self) -> dict[str, float]:
        """How late the ticks of the sound came, in seconds: ticks, p50, p95, p99, max."""
        return await self._link.ask("lateness")

    async def phone(
        self, user: str, password: str, *, host: str = "127.0.0.1", port: int = 5060, **order: Any
    ) -> RemotePhone:
        """A SIP phone of its own, not registered yet, whose registrar is at `host` and `port`.

        `order` may hold name (by default the user), bind (its address), codecs (["PCMU", "PCMA"], best first),
        algorithm ("MD5" or "SHA-256": answers only that challenge), ppm (of its crystal).
        """
        answer = await self._link.ask("phone", user=user, password=password, host=host, port=port, **order)
        return RemotePhone(self._link, answer["name"], answer["port"])


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
