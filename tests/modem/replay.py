"""Transcripts played on a modem that is being served."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.modem.gsm_leg import GsmLeg
from gateway.modem.modem import Modem
from gateway.settings import ModemSettings
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.line import LineState
from gateway.telephony.messages import PartTaken
from gateway.telephony.shop import LineSettings
from tests.fakes.numbers import dialable
from tests.fakes.sound_card import FakeCard
from tests.fakes.transcript import SilentPort, Step, TranscriptModem, stories_of, voice_of
from tests.modem.fleet_room import Room, room_for

AT_ANY_TIME = "at any time"
WHOLE = 10_000


async def play_story(path: Path, name: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One story of a transcript against the real session, channel and dialect, in pieces of `chunk` bytes."""
    if name != "init" or chunk < WHOLE:
        # What is logged of each piece would be most of the work; one start in whole lines logs it all.
        monkeypatch.setattr(logging.getLogger("gateway.modem.channel"), "disabled", True)
    stories = stories_of(path)
    hardware = TranscriptModem(stories["init"] + stories.get(AT_ANY_TIME, []), chunk)
    monkeypatch.setattr("gateway.modem.session.SerialPort", hardware.open)
    monkeypatch.setattr("gateway.modem.voice.tty_pcm.SerialPort", SilentPort)
    monkeypatch.setattr("gateway.modem.voice.alsa_uac.LibAsound", FakeCard)
    room = room_for(LineSettings(name="l0", modem="m0", roaming=True))
    fleet = room.fleet((ModemSettings(name="m0", at="/dev/null", voice=voice_of(path)),))
    async with fleet:
        modem = fleet.modems["m0"]
        assert modem.line_state is LineState.READY, hardware.unexpected
        if name == "init":
            order = [step.text for step in stories["init"] if step.kind == ">"]
            await asyncio.sleep(1.0)
            assert [line for line in dict.fromkeys(hardware.said) if line != "AT+CMEE?"] == list(dict.fromkeys(order))
        await Replay(hardware, modem, room).run([step for step in stories[name] if name != "init" or step.kind == "="])
        assert hardware.unexpected == []


class Replay:
    """Plays one story on a modem that is being served."""

    def __init__(self, hardware: TranscriptModem, modem: Modem, room: Room) -> None:
        self._hardware = hardware
        self._modem = modem
        self._room = room
        self._leg: Leg | None = None
        self._work: asyncio.Task[object] | None = None

    async def run(self, steps: list[Step]) -> None:
        self._expect_next(steps, 0)
        position = 0
        while position < len(steps):
            step = steps[position]
            try:
                match step.kind:
                    case ">":
                        await self._hardware.heard()
                        self._expect_next(steps, position + 1)
                    case "<":
                        lines = [step.text]
                        while position + 1 < len(steps) and steps[position + 1].kind == "<":
                            position += 1
                            lines.append(steps[position].text)
                        self._hardware.say(*lines)
                    case "<<":
                        self._hardware.say_raw("\r\n" + step.text)
                    case "~":
                        await asyncio.sleep(float(step.text))
                    case "@":
                        self._do(step.text)
                    case _:
                        await self._require(step.text)
            except AssertionError as fault:
                raise AssertionError(f"line {step.line}: {fault}") from fault
            position += 1

    def _expect_next(self, steps: list[Step], position: int) -> None:
        self._hardware.expect(next((step.text for step in steps[position:] if step.kind == ">"), None))

    def _do(self, text: str) -> None:
        verb, _, rest = text.partition(" ")
        service = self._modem.service
        assert service is not None
        match verb:
            case "dial":
                self._leg = self._modem.dial(dialable(rest), line="l0", call_id="call", extension=None)
            case "answer":
                assert self._leg is not None
                self._leg.answer()
            case "hangup":
                assert self._leg is not None
                self._leg.hangup()
            case "key":
                assert self._leg is not None
                self._leg.send_key(rest)
            case "send":
                number, _, message = rest.partition(" ")
                self._work = asyncio.create_task(
                    service.messages.send_part(dialable(number), message, reference=1, part=1)
                )
            case "ussd":
                self._work = asyncio.create_task(service.ussd.ask(rest))
            case _:
                raise AssertionError(f"nobody knows how to {verb}")

    async def _require(self, text: str) -> None:
        what, _, value = text.partition(" ")
        facts = self._modem.facts
        match what:
            case "incoming":
                leg = await asyncio.wait_for(self._room.legs.get(), 3)
                assert isinstance(leg, GsmLeg)
                self._leg = leg
                assert leg.peer == value
            case "ringing" | "up":
                await self._until(lambda: self._leg is not None and self._leg.state is LegState(what))
            case "ended":
                await self._until(lambda: self._leg is not None and self._leg.state is LegState.ENDED)
                assert self._leg is not None
                assert self._leg.cause == value
                assert self._leg.ended_by_peer
            case "idle":
                await self._until(lambda: self._modem.line_state is LineState.READY)
            case "key":
                assert self._leg is not None
                assert await self._leg.next_key(within=1) == value
            case "sms":
                await self._until(lambda: self._room.inbox.texts == [value])
            case "sent":
                assert self._work is not None
                assert await self._work == PartTaken(int(value))
            case "ussd":
                assert self._work is not None
                assert getattr(await self._work, "text", None) == value
            case "state":
                assert self._modem.state == value
            case "voice":
                assert facts.voice is (value == "yes")
            case _:
                assert getattr(facts, what.replace("-", "_")) == (value or None)

    async def _until(self, condition: Callable[[], bool]) -> None:
        for _ in range(400):
            if condition():
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"it did not come to that; {self._leg}, host: {self._hardware.said[-8:]}")
