"""The emulator as its own process, scripted over its socket: what the demonstration and the benches rely on."""

from __future__ import annotations

import array
import asyncio
import json
import os
import tty
from pathlib import Path

import pytest

from gateway.emulator.client import EmulatorClient, EmulatorRefused, Say, running_emulator
from gateway.emulator.demo_people import COURIER, COURIER_VOICE, OFFICE_VOICE
from gateway.emulator.sound import from_bytes, load_wav, save_wav, to_bytes

pytestmark = pytest.mark.real_time

FRIEND = "+79161112233"


def open_port(path: str) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(descriptor)
    return descriptor


async def test_a_call_is_scripted_from_another_process(tmp_path: Path) -> None:
    words = tmp_path / "words.wav"
    save_wav(words, to_bytes(load_wav(COURIER_VOICE)[4000:9000]))
    async with running_emulator(tmp_path, modems=["huawei", "simcom"]) as emulator:
        red, blue = await emulator.modems()
        assert (red.family, blue.family) == ("huawei", "simcom")
        friend = await emulator.subscriber(FRIEND, ring_seconds=0.3, says=[Say(words)])
        at, voice = open_port(red.at), open_port(red.voice)
        sound = bytearray()
        asyncio.get_running_loop().add_reader(voice, lambda: sound.extend(os.read(voice, 4096)))
        os.write(at, f"ATD{FRIEND};\r".encode())
        call = await friend.next_call(within=5)
        os.write(at, b"AT^DDSETEX=2\r")
        facts = await call.answered(within=5)
        assert facts.answered is not None
        assert facts.ringing is not None
        assert facts.answered - facts.ringing == pytest.approx(0.3, abs=0.1)
        assert await call.speak(words) == pytest.approx(0.625)
        await call.press("5")
        os.write(at, b"AT^DTMF=1,7\rAT+CHUP\r")
        ended = await call.ended(within=5)
        assert ended.ended_by == "modem"
        assert [digit for _, digit in ended.keys] == ["7"]
        said, heard = await call.said(), await call.heard()
        assert len(said.data) == len(heard.data)
        assert from_bytes(said.data)[:10000] == load_wav(words) * 2
        assert said.moment_of(0) == pytest.approx(facts.answered, abs=0.06)
        stamps = await red.voice_stamps()
        assert stamps.delivered_data[:20000] == said.data[:20000]
        assert len(stamps.consumed) == len(heard.stamps)
        assert [line for _, line in await red.commands()] == [f"ATD{FRIEND};", "AT^DDSETEX=2", "AT^DTMF=1,7", "AT+CHUP"]
        assert {"p50", "p99"} <= (await emulator.lateness()).keys()
        asyncio.get_running_loop().remove_reader(voice)
        os.close(at)
        os.close(voice)
    assert bytes(sound[:20000]) == said.data[:20000]


async def test_people_modems_and_faults(tmp_path: Path) -> None:
    async with running_emulator(tmp_path, people=True) as emulator:
        modem = await emulator.add_modem("quectel", name="green", number="+79160000009", pin="1234")
        assert (await modem.sim())["lock"] == "SIM PIN"
        await modem.sim(pin=None, slots=5)
        await modem.radio("roaming", signal=7)
        await modem.misbehave("half_lines", gap_ms=1.0)
        await modem.behave()
        at = open_port(modem.at)
        await asyncio.sleep(0.05)
        os.write(at, b"ATE0;+CREG?;+CSQ\r")
        await asyncio.sleep(0.2)
        told = os.read(at, 4096)
        assert b"+CREG: 0,5\r\n" in told
        assert b"+CSQ: 7,99\r\n" in told
        await modem.unplug()
        assert not await asyncio.to_thread(Path(modem.at).is_symlink)
        with pytest.raises(OSError, match="Input/output"):
            os.write(at, b"AT\r")
        os.close(at)
        await modem.replug()
        assert await asyncio.to_thread(Path(modem.at).is_symlink)
        courier = await emulator.ask("messages", number=COURIER)
        assert courier == {"messages": []}


async def test_mistakes_are_answered_with_a_sentence(tmp_path: Path) -> None:
    async with running_emulator(tmp_path, modems=["huawei"]) as emulator:
        (modem,) = await emulator.modems()
        with pytest.raises(EmulatorRefused, match="no misbehaviour"):
            await modem.misbehave("sulks")
        with pytest.raises(EmulatorRefused, match="no such verb"):
            await emulator.ask("dance")
        with pytest.raises(EmulatorRefused, match="missing a required argument"):
            await emulator.ask("unplug")
        with pytest.raises(EmulatorRefused, match="no family"):
            await emulator.add_modem("zte")
        with pytest.raises(EmulatorRefused, match="no modem"):
            await emulator.ask("unplug", modem="m9")
        friend = await emulator.subscriber(FRIEND)
        with pytest.raises(TimeoutError):
            await friend.next_call(within=0.1)
        call = await friend.call_in(modem.number)
        await call.hang_up()
        with pytest.raises(EmulatorRefused, match="ended before"):
            await call.answered(within=1)
        async with EmulatorClient(tmp_path) as second:
            assert len(await second.modems()) == 1


async def test_the_wire_is_json_lines(tmp_path: Path) -> None:
    async with running_emulator(tmp_path):
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "control.sock"))
        writer.write(b'{"id": 7, "do": "modems"}\nno json\n')
        answers = [json.loads(await reader.readline()) for _ in range(2)]
        writer.close()
        await writer.wait_closed()
    assert {"id": 7, "ok": {"modems": []}} in answers
    assert any(answer.get("kind") == "JSONDecodeError" for answer in answers)


async def test_phones_are_scripted_too(tmp_path: Path) -> None:
    async with running_emulator(tmp_path) as emulator:
        one = await emulator.phone("101", "secret", port=9)
        other = await emulator.phone("102", "secret", port=9, codecs=["PCMA"])
        call = await one.call(f"sip:102@127.0.0.1:{other.port}")
        incoming = await other.incoming(within=5)
        await incoming.ring()
        await call.ringing(within=5)
        await incoming.speak(OFFICE_VOICE, wait=False)
        await incoming.answer()
        facts = await call.answered(within=5)
        assert (facts.codec, facts.status, [status for _, status in facts.statuses]) == ("PCMA", 200, [100, 180, 200])
        await call.press("42", tone_seconds=0.06, gap_seconds=0.04)
        await asyncio.sleep(0.7)
        await call.hang_up()
        ended = await incoming.ended(within=5)
        assert ended.ended_by == "peer"
        assert [key for _, key in ended.keys] == ["4", "2"]
        said, heard = await incoming.said(), await call.heard()
        assert len(await call.packets()) == len(heard.stamps) > 30
        assert len(await incoming.packets_sent()) == len(said.stamps)
    assert close(heard.data, said.data[: len(heard.data)])


def close(heard: bytes, said: bytes) -> bool:
    """The same but for the steps of A-law."""
    pairs: zip[tuple[int, int]] = zip(array.array("h", heard), array.array("h", said), strict=True)
    return all(abs(a - b) <= max(16, abs(b) // 16) for a, b in pairs)
