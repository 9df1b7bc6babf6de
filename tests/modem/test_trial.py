"""The acceptance of a stick and the recording of its dialogue, on emulated modems; the recordings are played again."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import sys
import wave
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.emulator.client import EmulatorClient, RemoteModem, RemoteSubscriber, Say, running_emulator
from gateway.errors import ModemLost, NumberBarred, PortBusy
from gateway.modem.check import Wishes, check
from gateway.modem.dialect import UssdCoding
from gateway.modem.record import record
from gateway.modem.stories import (
    ALL_STORIES,
    INCOMING_FAR,
    INCOMING_MISSED,
    OUTGOING_BUSY,
    OUTGOING_NO_ANSWER,
    OUTGOING_OURS,
    SMS_OUT,
    USSD,
    Story,
)
from gateway.modem.transcript import Anonymiser, is_private
from gateway.modem.trial import advice, number_to_try, on_trial
from gateway.settings import ModemSettings
from tests.fakes.transcript import stories_of
from tests.modem.replay import AT_ANY_TIME, play_story
from tests.virtual_time import VirtualLoop

PERSON = "+79161234567"


def settings_for(modem: RemoteModem) -> ModemSettings:
    return ModemSettings(name="modem", at=modem.at, voice=modem.voice)


def a_voice(directory: Path) -> Path:
    """Something loud enough, for ten seconds."""
    path = directory / "voice.wav"
    samples = (6000 * np.sin(2 * np.pi * 440 * np.arange(80_000) / 8000)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())
    return path


@pytest.mark.real_time
@pytest.mark.parametrize("family", ["huawei", "simcom"])
async def test_a_good_stick_passes(family: str, tmp_path: Path) -> None:
    async with running_emulator(tmp_path / "emulator", modems=[family]) as emulator:
        (modem,) = await emulator.modems()
        # Keys and voice at once would be hard to tell apart, for people too.
        person = await emulator.subscriber(
            PERSON, ring_seconds=0.2, says=[Say(a_voice(tmp_path), after_seconds=2.0)], presses="1"
        )
        told: list[str] = []
        calls: list[asyncio.Task[object]] = []

        def tell(text: str) -> None:
            told.append(text)
            if text.startswith("Call the SIM now"):
                calls.append(asyncio.create_task(call_in(person, modem)))

        wishes = Wishes(call=number_to_try(PERSON), incoming=True, sms=number_to_try(modem.number))
        assert await check(settings_for(modem), wishes, tell), told
        await asyncio.gather(*calls)
        report = "\n".join(told)
        for point in (
            "modem", "SIM", "network", "voice port", "call out", "call out, from the mobile", "call out, to the mobile",
            "call in", "call in, from the mobile", "call in, to the mobile", "SMS out", "SMS in",
        ):  # fmt: skip
            assert re.search(rf"^ok +{point}: ", report, re.MULTILINE), (point, report)
        published = report.partition("For a report")[2]
        assert modem.voice not in published
        assert modem.number not in published
        assert modem.imei not in published
        assert modem.iccid not in published
        assert PERSON not in published


@pytest.mark.real_time
async def test_the_report_is_in_the_language_of_whoever_types(tmp_path: Path) -> None:
    """The command itself, with a call; only names that modem, network and port have are not in Russian."""
    async with running_emulator(tmp_path / "emulator", modems=["huawei"]) as emulator:
        (modem,) = await emulator.modems()
        await emulator.subscriber(
            PERSON, ring_seconds=0.2, says=[Say(a_voice(tmp_path), after_seconds=2.0)], presses="1"
        )
        command = ("modem", "check", modem.at, "--voice", modem.voice, "--call", PERSON)
        checking = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", *command, stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "LC_ALL": "ru_RU.UTF-8", "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        report = (await checking.communicate())[0].decode()
    assert checking.returncode == 0, report
    for line in (
        r"ok +модем: .+, команды семейства huawei",
        r"ok +сеть: зарегистрирована в своей сети; .+, сигнал -\d+ дБм",
        r"ok +исходящий звонок, к мобильному: там слышны гудки, здесь слышна клавиша 1",
        r"не проверено +SMS: назовите номер параметром --sms; .+",
        r"Для отчёта \(личных данных в нём нет\):",
    ):
        assert re.search(f"^{line}$", report, re.MULTILINE), (line, report)
    left = {
        word
        for line in report.splitlines()
        if not re.search(r"\||порт", line)
        for word in re.findall(r"(?<![/\w])[a-z]{2,}", line)
    }
    assert left <= {"ok", "huawei", "incoming", "sms"}, report


async def call_in(person: RemoteSubscriber, modem: RemoteModem) -> None:
    call = await person.call_in(modem.number)
    await call.answered(within=20)
    await asyncio.sleep(0.5)
    await call.press("1")
    await call.ended(within=30)


@pytest.mark.real_time
async def test_a_bad_stick_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The person says nothing and hears nothing; the SIM cannot be called."""
    monkeypatch.setattr("gateway.modem.check.TALK_SECONDS", 3.0)
    monkeypatch.setattr("gateway.modem.check.CALL_SECONDS", 4.0)
    async with running_emulator(tmp_path / "emulator", modems=["huawei"]) as emulator:
        (modem,) = await emulator.modems()
        await emulator.subscriber(PERSON, ring_seconds=0.1)
        await modem.misbehave("voice_port_stalls")
        told: list[str] = []
        assert not await check(settings_for(modem), Wishes(call=number_to_try(PERSON), incoming=True), told.append)
        report = "\n".join(told)
        assert "FAILED    call out, from the mobile: nothing came from the voice port" in report
        assert "FAILED    call out, to the mobile: nobody pressed 1" in report
        assert "FAILED    call in: no call arrived" in report
        assert "not tried SMS" in report


@pytest.mark.real_time
async def test_a_port_that_cannot_be_had_says_why(tmp_path: Path) -> None:
    with pytest.raises(ModemLost, match=r"cannot be opened: No such file.* Look with: ls /dev/serial/by-id"):
        async with on_trial(ModemSettings(name="modem", at=str(tmp_path / "nothing"))):
            await asyncio.sleep(5)
    primary, secondary = os.openpty()
    path = os.ttyname(secondary)
    os.close(secondary)
    with Path(path).open("rb", buffering=0) as other:  # noqa: ASYNC230  # a pseudo-terminal
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(PortBusy, match=f"Another program holds {path}"):
            async with on_trial(ModemSettings(name="modem", at=path)):
                await asyncio.sleep(5)
    program = f"f = open({path!r}); import fcntl, time; fcntl.flock(f, 2); print(flush=True); time.sleep(60)"
    holder = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert holder.stdout is not None
    await holder.stdout.readline()
    try:
        named = rf"Another program holds {path}\. It is .*\({holder.pid}\)\. Stop it first\."
        with pytest.raises(PortBusy, match=named):
            async with on_trial(ModemSettings(name="modem", at=path)):
                await asyncio.sleep(5)
    finally:
        holder.kill()
        await holder.wait()
    os.close(primary)
    assert "group dialout" in advice(ModemLost("/dev/ttyUSB2 cannot be opened: Permission denied."), path)
    with pytest.raises(NumberBarred, match="international form"):
        number_to_try("89161234567")


class Person:
    """Does what the recording asks for."""

    def __init__(self, emulator: EmulatorClient, modem: RemoteModem) -> None:
        self._emulator = emulator
        self._modem = modem
        self.doing: list[asyncio.Task[None]] = []
        self.told: list[str] = []

    def tell(self, text: str) -> None:
        self.told.append(text)
        story = next((each for each in ALL_STORIES if text.startswith(f"{each.name}: ")), None)
        if story is not None:
            self.doing.append(asyncio.create_task(self._do(story)))

    async def _do(self, story: Story) -> None:
        acts: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "incoming, answered, hung up by the caller": self._call_and_hang_up,
            "incoming, answered, hung up by us": self._call_and_wait,
            "incoming, missed": self._call_and_give_up,
            "sms": self._text,
        }
        habits = {"outgoing, busy": "busy", "outgoing, no answer": "no-answer", "outgoing, rejected": "reject"}
        if story.name in acts:
            await acts[story.name]()
        else:
            hangs_up: dict[str, Any] = {"hangs_up_after_seconds": 0.7} if story.name.endswith("by the far end") else {}
            habit = habits.get(story.name, "answer")
            await self._emulator.subscriber(PERSON, ring_seconds=0.2, when_called=habit, **hangs_up)

    async def _call(self) -> Any:
        person = await self._emulator.subscriber("+79035550001", ring_seconds=0.2)
        return await person.call_in(self._modem.number)

    async def _call_and_hang_up(self) -> None:
        call = await self._call()
        await call.answered(within=20)
        await asyncio.sleep(0.5)
        await call.hang_up()

    async def _call_and_wait(self) -> None:
        await (await self._call()).ended(within=20)

    async def _call_and_give_up(self) -> None:
        call = await self._call()
        await call.ringing(within=10)
        await asyncio.sleep(1.0)
        await call.hang_up()

    async def _text(self) -> None:
        await self._emulator.send_sms("+79035550002", self._modem.number, "my secret is 4711 and +79035550003")


async def recorded(family: str, wanted: tuple[Story, ...], directory: Path) -> tuple[str, RemoteModem, list[str]]:
    async with running_emulator(directory) as emulator:
        modem = await emulator.add_modem(family, number="+79267770001")
        await emulator.subscriber(PERSON, ring_seconds=0.2)
        await emulator.answer_ussd("*100#", "Balance 815.42")
        person = Person(emulator, modem)
        text = await record(
            settings_for(modem), number=number_to_try(PERSON), ussd="*100#", stories=wanted,
            recorded="2026-01-15 from an emulated modem", tell=person.tell,
        )  # fmt: skip
        await asyncio.gather(*person.doing)
        return text, modem, person.told


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("family", "wanted"),
    [
        ("huawei", tuple(each for each in ALL_STORIES if each is not OUTGOING_NO_ANSWER)),
        ("quectel", (INCOMING_FAR, OUTGOING_OURS, USSD)),
        ("simcom", (INCOMING_FAR, OUTGOING_BUSY, SMS_OUT)),
        ("generic", (INCOMING_MISSED, OUTGOING_OURS)),
    ],
    ids=["huawei", "quectel", "simcom", "generic"],
)
def test_what_was_recorded_is_played_again(
    family: str, wanted: tuple[Story, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every story of an emulated modem, written down, and then replayed on the session by threes."""
    monkeypatch.setattr("gateway.modem.record._SETTLE_SECONDS", 0.4)
    monkeypatch.setattr("gateway.modem.record._SHORT_SECONDS", 0.6)
    with asyncio.Runner() as runner:
        text, modem, told = runner.run(recorded(family, wanted, tmp_path / "emulator"))
    private = [
        modem.number,
        modem.imei,
        modem.imsi,
        modem.iccid,
        PERSON,
        "+79035550001",
        "+79035550002",
        "4711",
        "815.42",
    ]
    assert [each for each in private if each.lstrip("+") in text] == []
    path = tmp_path / f"{family}.at"
    path.write_text(text, encoding="utf-8")
    stories = stories_of(path)
    assert [each.name for each in wanted if each.name not in stories] == [], told
    for name in stories:
        if name != AT_ANY_TIME:
            with pytest.MonkeyPatch.context() as patch, asyncio.Runner(loop_factory=VirtualLoop) as runner:
                runner.run(play_story(path, name, 3, patch))


def test_the_same_number_gets_the_same_stand_in_and_nothing_personal_is_left() -> None:
    anonymiser = Anonymiser(
        imei="352099000000117", imsi="250010000000001", iccid="8970190000000000014", ussd=UssdCoding.UCS2
    )
    first = anonymiser.line('+CLIP: "+79035550001",145')
    assert first == '+CLIP: "+79160000001",145'
    assert anonymiser.line('+CLCC: 1,1,4,0,0,"+79035550001",145') == '+CLCC: 1,1,4,0,0,"+79160000001",145'
    assert anonymiser.line('+CLIP: "89035550001",129') == '+CLIP: "89160000002",129'
    assert anonymiser.line("352099000000117") == "490154203237518"
    assert anonymiser.line("+ICCID: 8970190000000000014") == "+ICCID: 8970101234567890123"
    assert anonymiser.line('+CREG: 2,1,"5A1E","B28A55A",7') == '+CREG: 2,1,"0001","0001",7'
    assert anonymiser.line('+CUSD: 0,"00420061006C",15') == '+CUSD: 0,"00480069",15'
    coded = "+79035550009".encode("utf-16-be").hex().upper()
    assert "+79035550009" not in bytes.fromhex(anonymiser.line(f'+CSCA: "{coded}",145').split('"')[1]).decode(
        "utf-16-be"
    )
    assert anonymiser.line("^BOOT:37478870,0,0,0,77").startswith("^BOOT:")
    assert is_private(first, ["+79035550001"]) == []
    assert is_private("call +79035550001", ["+79035550001", None]) == ["+79035550001"]
