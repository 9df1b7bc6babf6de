"""The voice port: a block each way per tick, silence for what is missing, 100 ms held, everything stamped."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.emulator import sound
from gateway.emulator.mobile_call import MobileCall
from gateway.emulator.modem import Modem
from gateway.emulator.subscriber import Habits, Speech, Subscriber, WhenCalled
from tests.emulator.host import Host, one_modem

pytestmark = pytest.mark.real_time

FRIEND = "+79161234567"
ROUTE = {"huawei": "AT^DDSETEX=2", "quectel": "AT+QPCMV=1,0", "simcom": "AT+CPCMREG=1"}
SPEECH = sound.tone((400, 1000), 0.6)


@asynccontextmanager
async def live_call(
    directory: Path, family: str = "huawei", *, speech: sound.Samples = SPEECH, ppm: float = 0.0, routes: bool = True
) -> AsyncIterator[tuple[Modem, Host, MobileCall]]:
    async with one_modem(directory, family, ppm=ppm) as (emulator, modem, host):
        habits = Habits(when_called=WhenCalled.MANUAL, ring_seconds=0.05, says=(Speech(samples=speech),))
        friend = emulator.network.add(Subscriber(FRIEND, habits))
        if family == "quectel" and routes:
            await host.ask(ROUTE[family])
        await host.ask(f"ATD{FRIEND};")
        if family == "huawei" and routes:
            await host.ask(ROUTE[family])
        async with asyncio.timeout(3):
            while not friend.calls:
                await friend.changed()
        friend.answer(friend.last_call)  # not before the host is ready: this test is about sound
        friend.change(when_called=WhenCalled.ANSWER)
        await host.quiet(0.01)  # the family says that it is up
        if family == "simcom" and routes:
            await host.ask(ROUTE[family])
        yield modem, host, friend.last_call


@pytest.mark.parametrize("family", ["huawei", "quectel"])
async def test_the_host_hears_the_first_sample_after_the_answer(tmp_path: Path, family: str) -> None:
    async with live_call(tmp_path, family) as (modem, host, call):
        await asyncio.sleep(0.7)
    assert bytes(host.sound[: 2 * len(SPEECH)]) == sound.to_bytes(SPEECH)
    assert call.track.spoken_bytes()[: 2 * len(SPEECH)] == sound.to_bytes(SPEECH)
    assert {len(block) for _, block in modem.voice.stamps.delivered} == {320}
    assert {size % 320 for _, size in host.sound_chunks} == {0}, "a host that comes late finds several blocks"


async def test_simcom_moves_640_bytes_in_40_ms(tmp_path: Path) -> None:
    async with live_call(tmp_path, "simcom") as (modem, host, _):
        await asyncio.sleep(0.6)
    assert {len(block) for _, block in modem.voice.stamps.delivered} == {640}
    assert {size % 640 for _, size in host.sound_chunks} == {0}, "a host that comes late finds several blocks"
    consumed = list(modem.voice.stamps.consumed)
    assert {len(block.data) for block in consumed} == {640}
    steps = [later.due - sooner.due for sooner, later in itertools.pairwise(consumed)]
    assert all(step == pytest.approx(0.04, abs=1e-6) for step in steps)


async def test_what_the_host_says_is_heard_and_gaps_are_silence(tmp_path: Path) -> None:
    async with live_call(tmp_path) as (modem, host, call):
        words = sound.to_bytes(sound.tone((700,), 0.06))
        host.speak(words)  # 960 bytes: three blocks
        await asyncio.sleep(0.2)
        host.speak(words[:100])  # less than a block: the rest of it is silence
        await asyncio.sleep(0.2)
    heard = call.track.heard_bytes()
    start = heard.index(words[2:40]) - 2
    assert start % 320 == 0
    assert heard[start : start + 960] == words
    assert not any(heard[:start])
    second = heard.index(words[2:100], start + 960) - 2
    assert heard[second : second + 320] == words[:100] + bytes(220)
    assert sum(size for _, size in ((at, len(data)) for at, data in modem.voice.stamps.arrived)) == 1060
    assert [block.missing_bytes for block in modem.voice.stamps.consumed].count(0) == 3


async def test_more_than_100_ms_is_not_held(tmp_path: Path) -> None:
    async with live_call(tmp_path) as (modem, host, call):
        await asyncio.sleep(0.05)
        words = sound.to_bytes(sound.tone((700,), 0.2))
        host.speak(words)
        await asyncio.sleep(0.3)
    heard = call.track.heard_bytes()
    assert words[-1600:] in heard
    assert modem.voice.stamps.dropped_bytes == len(words) - 1600
    assert max(block.position for block in modem.voice.stamps.consumed) == len(words)


async def test_nothing_passes_before_the_host_asks_for_it(tmp_path: Path) -> None:
    async with live_call(tmp_path, routes=False) as (modem, host, call):
        host.speak(bytes(range(1, 255)))
        await asyncio.sleep(0.15)
        assert not host.sound
        assert not any(call.track.heard_bytes())
        assert call.track.spoken_bytes()[:320] == sound.to_bytes(SPEECH)[:320]  # said, and lost
        await host.ask("AT^DDSETEX=2")
        await asyncio.sleep(0.1)
        assert host.sound
        assert not modem.voice.stamps.dropped_bytes


async def test_the_sound_ends_with_the_call(tmp_path: Path) -> None:
    async with live_call(tmp_path) as (_, host, _):
        await host.ask("AT+CHUP")
        await asyncio.sleep(0.05)
        before = len(host.sound)
        await asyncio.sleep(0.1)
        assert len(host.sound) == before


async def test_quectel_without_qpcmv_is_silent_in_the_second_call_too(tmp_path: Path) -> None:
    async with live_call(tmp_path, "quectel") as (_, host, _):
        assert await host.ask("AT+QPCMV?") == ["+QPCMV: 1,0", "OK"]
        await host.ask("AT+CHUP;+QPCMV=0")
        await asyncio.sleep(0.1)
        before = len(host.sound)
        await host.ask(f"ATD{FRIEND};")
        await asyncio.sleep(0.3)
        assert len(host.sound) == before


async def test_the_crystal_may_be_slow(tmp_path: Path) -> None:
    async with live_call(tmp_path, ppm=5000) as (modem, _, _):
        await asyncio.sleep(0.3)
    consumed = list(modem.voice.stamps.consumed)
    assert consumed[-1].due - consumed[0].due == pytest.approx(0.0201 * (len(consumed) - 1), abs=1e-6)


async def test_keys_are_tones_over_the_speech(tmp_path: Path) -> None:
    async with live_call(tmp_path, speech=sound.silence(10)) as (_, host, call):
        call.track.press("5", tone_seconds=0.05, gap_seconds=0.02)
        await asyncio.sleep(0.2)
    assert sound.to_bytes(sound.tone((770, 1336), 0.05)) in bytes(host.sound)


async def test_stamps_tell_when_bytes_came_and_when_they_were_taken(tmp_path: Path) -> None:
    async with live_call(tmp_path) as (modem, host, _):
        await asyncio.sleep(0.1)
        loop = asyncio.get_running_loop()
        before = loop.time()
        host.speak(b"\x01\x02" * 160)
        await asyncio.sleep(0.1)
    (arrived,) = modem.voice.stamps.arrived
    assert before <= arrived[0] <= before + 0.05
    taken = next(block for block in modem.voice.stamps.consumed if block.missing_bytes == 0)
    assert taken.at >= arrived[0]
    assert taken.data == b"\x01\x02" * 160
    assert taken.due - arrived[0] <= 0.02 + 0.001
