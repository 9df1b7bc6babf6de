"""Modems, subscribers and their calls, from another process; see client.py."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.emulator.client_facts import CallFacts, Heard, VoiceStamps, call_facts, heard_of, wav_data
from gateway.emulator.client_link import ControlLink


class RemoteModem:
    """A modem: its names and ports are attributes."""

    def __init__(self, link: ControlLink, facts: Mapping[str, Any]) -> None:
        self.name: str = facts["name"]
        self.family: str = facts["family"]
        self.number: str = facts["number"]
        self.imei: str = facts["imei"]
        self.imsi: str = facts["imsi"]
        self.iccid: str = facts["iccid"]
        self.at: str = facts["at"]
        self.voice: str = facts["voice"]
        self._link = link

    async def unplug(self) -> None:
        """Its ports vanish; programs that have them open get EIO; a call is lost."""
        await self._link.ask("unplug", modem=self.name)

    async def replug(self) -> None:
        """Its ports come back under their names, as other devices; the SIM asks for its PIN again."""
        await self._link.ask("replug", modem=self.name)

    async def misbehave(self, name: str, **options: Any) -> None:
        """Start a misbehaviour of misbehaviour.py."""
        await self._link.ask("misbehave", modem=self.name, name=name, options=options)

    async def behave(self, name: str | None = None) -> None:
        """Stop one misbehaviour, or all."""
        await self._link.ask("behave", modem=self.name, name=name)

    async def radio(self, registration: str | None = None, **changes: Any) -> None:
        """Registration: "home", "roaming", "searching", "denied", "idle", "unknown".

        `changes` may hold signal (0 to 31, 99), operator, operator_code, technology (0, 2 or 7).
        """
        await self._link.ask("radio", modem=self.name, registration=registration, **changes)

    async def sim(self, **changes: Any) -> dict[str, Any]:
        """Change the SIM; its lock, tries and how many messages lie on it, as they are then.

        `changes` may hold present, pin, puk, pin_tries, puk_tries, slots, tells_number, call_waiting.
        """
        return await self._link.ask("sim", modem=self.name, **changes)

    async def say(self, *lines: str) -> None:
        """Say these lines, unasked."""
        await self._link.ask("say", modem=self.name, lines=list(lines))

    async def commands(self, since: float = 0.0) -> list[tuple[float, str]]:
        """Every line the host has sent, with the moment of its end."""
        answer = await self._link.ask("at-log", modem=self.name, since=since)
        return [(at, line) for at, line in answer["commands"]]

    async def at_bytes(self, since: float = 0.0) -> list[tuple[float, bool, bytes]]:
        """Everything on the AT port: (moment, went to the modem, bytes)."""
        answer = await self._link.ask("at-log", modem=self.name, since=since)
        return [(at, to_modem, data.encode("latin-1")) for at, to_modem, data in answer["bytes"]]

    async def voice_stamps(self) -> VoiceStamps:
        """What passed its voice port in the present or last call."""
        answer = await self._link.ask("voice-stamps", modem=self.name)
        return VoiceStamps(
            arrived=[(at, size) for at, size in answer["arrived"]],
            consumed=[(at, due, missing, position) for at, due, missing, position in answer["consumed"]],
            delivered=[(at, size) for at, size in answer["delivered"]],
            arrived_data=wav_data(answer["arrived_wav"]),
            consumed_data=wav_data(answer["consumed_wav"]),
            delivered_data=wav_data(answer["delivered_wav"]),
            dropped_bytes=answer["dropped_bytes"],
            refused_bytes=answer["refused_bytes"],
        )


class RemoteSubscriber:
    """A person with a mobile."""

    def __init__(self, link: ControlLink, number: str) -> None:
        self.number = number
        self._link = link
        self._seen = 0

    async def call_in(self, sim_number: str, *, shows_number: bool = True) -> RemoteCall:
        """Call a SIM; returns at once, while the network looks for it."""
        answer = await self._link.ask("call-in", number=self.number, sim=sim_number, shows_number=shows_number)
        self._seen += 1
        return RemoteCall(self._link, answer["id"])

    async def next_call(self, *, within: float) -> RemoteCall:
        """The next call that reaches this subscriber, which may have happened already."""
        answer = await self._link.ask("next-call", number=self.number, seen=self._seen, within=within)
        self._seen += 1
        return RemoteCall(self._link, answer["id"])

    async def messages(self, *, at_least: int = 0, within: float = 30.0) -> list[dict[str, Any]]:
        """The texts that have arrived, once there are so many: sender, text, parts, at."""
        answer = await self._link.ask("messages", number=self.number, at_least=at_least, within=within)
        messages: list[dict[str, Any]] = answer["messages"]
        return messages


class RemoteCall:
    """A call in the mobile network, seen from its subscriber."""

    def __init__(self, link: ControlLink, identity: str) -> None:
        self.id = identity
        self._link = link

    async def facts(self) -> CallFacts:
        """How it is now."""
        return call_facts(await self._link.ask("call", call=self.id))

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
        await self._link.ask("answer", call=self.id)

    async def hang_up(self, cause: int = 16) -> None:
        """The subscriber ends it; 21 while it rings: rejects it."""
        await self._link.ask("hang-up", call=self.id, cause=cause)

    async def speak(self, wav: Path, *, wait: bool = True) -> float:
        """Say a WAV (mono, 8 kHz, 16 bits) from the next block on; its seconds.

        Returns when the last sample was said, or at once without `wait`.
        """
        seconds: float = (await self._link.ask("speak", call=self.id, wav=str(wav), wait=wait))["seconds"]
        return seconds

    async def press(self, digits: str, *, tone_seconds: float = 0.1, gap_seconds: float = 0.1) -> None:
        """Press keys: tones into the sound, and what the modem's family reports. Returns at once."""
        await self._link.ask("press", call=self.id, digits=digits, tone_seconds=tone_seconds, gap_seconds=gap_seconds)

    async def hush(self) -> None:
        """Stop speaking in mid-word."""
        await self._link.ask("hush", call=self.id)

    async def heard(self) -> Heard:
        """All that the subscriber heard, from the first tick of the call's being up."""
        return heard_of(await self._link.ask("heard", call=self.id))

    async def said(self) -> Heard:
        """All that the subscriber said, silence included; block by block on the same ticks as `heard`."""
        return heard_of(await self._link.ask("said", call=self.id))

    async def _reached(self, state: str, within: float) -> CallFacts:
        return call_facts(await self._link.ask("reached", call=self.id, state=state, within=within))
