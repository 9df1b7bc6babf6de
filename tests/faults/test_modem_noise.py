"""X-M4, X-M5, X-M9, X-M10: garbage on the wire, storms of news, voice ports that stall, crystals that are off.

A short form in every run, the full count by `make soak`. The modems are emulated, on PTYs or in memory.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import random
import re
import time
import wave
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from gateway.audio.frame import FRAME_SAMPLES, Frame
from gateway.emulator.client import EmulatorClient, RemoteModem, Say
from gateway.modem import commands
from gateway.modem.channel import AtChannel
from gateway.modem.dialects import DIALECTS
from gateway.telephony.leg import LegState
from tests.fakes.numbers import dialable
from tests.fakes.serial import MemoryPort
from tests.faults import SOAKS, rounds
from tests.modem.fleet_room import ready, served, until
from tests.modem.test_sound_card import signal_to_noise_db

Sound: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int16]]

COURIER = "+79161234567"
GARBAGE_LINES = rounds(10_000, 1_000_000)
STORM_SECONDS = rounds(3, 60)
STORM_LINES = 10_000
STORED = rounds(50, 500)
STALLS = rounds(4, 200)
DRIFT_SECONDS = rounds(4, 1800)

_PIECES = (
    "+CREG: 1", "RING", "\0\0\xff\xfe", "^RSSI:9", "+C", "", "+CLCC: 1,0,9,0", "+CLCC:", "+CMTI: \"SM\",-1", "OKEY",
    "ERR", "+CUSD: 0,\"", "+CSQ", "+CSQ:", "> ", ">", "+QIND: \"ccinfo\",2,0,99,0,0,\"\",", "^DSCI: ,,,,", "^CEND:",
    "+CLIP: \"\",,,", "+CREG: 2,\"\",,", "A" * 300, "+QTONEDET: 999", "+CPIN:", "VOICE CALL: END: x", "+CMT: ,5",
    "^CONN",
)  # fmt: skip


def a_line_of_garbage(dice: random.Random) -> str:
    """Something that is no result and answers nothing that is asked here: the word for that is a number of ours."""
    text = dice.choice(_PIECES)
    if dice.random() < 0.3:
        text = "".join(chr(dice.randrange(256)) for _ in range(dice.randrange(1, 40)))
    elif dice.random() < 0.3 and text:
        cut = dice.randrange(len(text))
        text = text[:cut] + chr(dice.randrange(256)) + text[cut + 1 :]
    text = text.replace("\r", "").replace("\n", "")
    # What would itself be a final result, or the very answer that is waited for, is no garbage but a lie.
    plain = re.sub(r"[\x00-\x1f\x7f]", "", text).strip().lstrip("> ")
    words = ("OK", "ERROR", "SUPPORT", "CARRIER", "BUSY", "ABORTED", "PARAM", "ANSWER", "DIAL")
    is_lie = any(word in plain for word in words) or plain.startswith("+CSQ")
    return "" if is_lie else text


@pytest.mark.timeout(120 + GARBAGE_LINES // 500)
async def test_every_command_sees_its_own_answer_among_lines_of_garbage(
    seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    """X-M4: nothing raises, whatever a family makes of the lines; a question in twenty lines gets its own answer."""
    caplog.set_level(logging.INFO, logger="gateway.modem.channel")  # the bytes would be most of the work
    dice = random.Random(seed)
    families = [dialect() for dialect in DIALECTS]
    understood = asked = 0
    loop = asyncio.get_running_loop()

    def reply() -> None:
        noise = "".join(f"\r\n{a_line_of_garbage(dice)}\r\n" for _ in range(dice.randrange(8)))
        text = f"{noise}\r\n+CSQ: {asked},99\r\n{noise[: len(noise) // 2]}\r\n\r\nOK\r\n"
        data = text.encode("latin-1")
        cut = dice.randrange(len(data))
        loop.call_later(0.001, channel.data_received, data[:cut])
        loop.call_later(0.002, channel.data_received, data[cut:])

    def take(line: str, pdu: str | None) -> None:
        nonlocal understood
        for dialect in families:
            dialect.understand(line, pdu)
        understood += 1

    port = MemoryPort(lambda _: reply())
    channel = AtChannel(port, take, name="m0")
    running = asyncio.create_task(channel.run())
    lines = 0
    while lines < GARBAGE_LINES:
        asked += 1
        answer = await channel.send(commands.SIGNAL)
        assert answer.first == f"+CSQ: {asked},99", (seed, asked)
        burst = [a_line_of_garbage(dice) for _ in range(20)]
        lines += len(burst)
        channel.data_received("".join(f"\r\n{line}\r\n" for line in burst).encode("latin-1"))
    # A megabyte without a line break is given up, and what follows is heard.
    channel.data_received(b"\x00A" * 500_000 + b"\r\n")
    asked += 1
    assert (await channel.send(commands.SIGNAL)).first == f"+CSQ: {asked},99"
    assert understood > GARBAGE_LINES / 4
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.real_time
@pytest.mark.timeout(90 + STORM_SECONDS)
async def test_commands_are_answered_in_a_storm_of_news(
    tmp_path: Path, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    """X-M5: 10,000 lines a second in a call: a command's p95 is below a second, the sound is whole, memory bounded."""
    caplog.set_level(logging.INFO, logger="gateway.modem.channel")  # else the log of the bytes is what grows
    speech = noise_of(STORM_SECONDS + 5.0, seed)
    wav = tmp_path / "speech.wav"
    write_wav(wav, speech)
    async with served(tmp_path, "quectel") as (_room, fleet, emulator, (modem,)):
        await ready(fleet, "l0")
        await emulator.subscriber(COURIER, ring_seconds=0.1, says=[Say(wav)])
        leg = fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension=None)
        assert await leg.up(within=10)
        heard = np.zeros(len(speech) + 8000, np.int16)
        leg.port.listen(lambda frame, position: lay(heard, frame, position))
        await until(lambda: leg.port.counters.frames_in > 5)
        service = fleet.modems["m0"].service
        assert service is not None
        channel = service.ussd._channel
        lines = counted_lines(channel)
        await modem.misbehave("urc_storm", per_second=STORM_LINES)
        taken = []
        began, before, memory = time.monotonic(), leg.port.counters.frames_in, resident_bytes()
        while time.monotonic() < began + STORM_SECONDS:
            asked = time.monotonic()
            await channel.accepts(commands.ATTENTION)
            taken.append(time.monotonic() - asked)
            await asyncio.sleep(0.05)
        seconds, frames = time.monotonic() - began, leg.port.counters.frames_in - before
        grown = resident_bytes() - memory
        await modem.behave("urc_storm")
        assert leg.state is LegState.UP
        leg.hangup()
        whole = share_heard(heard[: frames * FRAME_SAMPLES], speech)
        p95 = sorted(taken)[int(len(taken) * 0.95)]
        print(
            f"{sum(lines) / seconds:.0f} lines a second for {seconds:.0f} s: command p95 {p95 * 1000:.1f} ms, "
            f"{whole:.2%} of the sound, {grown / 1e6:+.1f} MB"
        )
        assert p95 < 1.0
        assert grown < 10e6
        # A virtual machine that stands still for longer than a port can hold loses sound that no storm has cost.
        assert whole >= (0.99 if SOAKS else 0.9)
        assert frames * 0.02 > 0.9 * seconds
        assert sum(lines) > STORM_LINES * seconds / 4, "that was no storm"


@pytest.mark.real_time
@pytest.mark.timeout(120)
async def test_a_full_storage_is_swept_while_commands_are_answered(tmp_path: Path) -> None:
    """X-M5: 500 messages wait in the SIM; each is kept and deleted, and nobody waits a second behind them."""

    async def prepare(emulator: EmulatorClient, modems: list[RemoteModem]) -> None:
        modems.append(await emulator.add_modem("huawei", slots=STORED, is_on=False))
        for number in range(STORED):
            await emulator.send_sms("+79031112233", modems[0].number, f"Order {number} is on its way.")
        await modems[0].replug()

    async with served(tmp_path, prepare=prepare) as (room, fleet, _emulator, _modems):
        await ready(fleet, "l0")
        service = fleet.modems["m0"].service
        assert service is not None
        taken = []
        began = time.monotonic()
        while len(set(room.inbox.texts)) < STORED:
            asked = time.monotonic()
            await service.ussd._channel.accepts(commands.ATTENTION)
            taken.append(time.monotonic() - asked)
            await asyncio.sleep(0.05)
        seconds = time.monotonic() - began
        p95 = sorted(taken)[int(len(taken) * 0.95)]
        print(f"{STORED} stored messages in {seconds:.1f} s, command p95 {p95 * 1000:.1f} ms")
        assert sorted(str(text) for text in room.inbox.texts) == sorted(
            f"Order {number} is on its way." for number in range(STORED)
        )
        assert p95 < 1.0


@pytest.mark.real_time
@pytest.mark.timeout(90 + STALLS * 8)
async def test_a_voice_port_that_stalls_for_a_while(tmp_path: Path, seed: int) -> None:
    """X-M9: the call outlives stalls of up to 4 s; each is a jump of the timeline: a recording keeps its length."""
    dice = random.Random(seed)
    async with served(tmp_path, "huawei") as (_room, fleet, emulator, (modem,)):
        await ready(fleet, "l0")
        await emulator.subscriber(COURIER, ring_seconds=0.1)
        leg = fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension=None)
        assert await leg.up(within=10)
        positions: list[tuple[float, int]] = []
        leg.port.listen(lambda _frame, position: positions.append((time.monotonic(), position)))
        await until(lambda: len(positions) > 10)
        for _ in range(STALLS):
            stall = dice.uniform(0.1, 2.0 if STALLS < 10 else 4.0)
            await modem.misbehave("voice_port_stalls", seconds=stall)
            await asyncio.sleep(stall + 0.5)
        count = len(positions)
        await until(lambda: len(positions) > count + 25)
        assert leg.state is LegState.UP
        (first_at, first), (last_at, last) = positions[5], positions[-1]
        told = (last - first) / 8000
        assert abs(told - (last_at - first_at)) < 0.5 + 0.1 * STALLS, "the timeline kept the time that passed"
        leg.hangup()


@pytest.mark.real_time
@pytest.mark.timeout(90 + DRIFT_SECONDS)
@pytest.mark.parametrize("ppm", [-5000.0, 5000.0])
async def test_a_crystal_that_is_half_a_percent_off(tmp_path: Path, ppm: float) -> None:
    """X-M9: no burst of missing blocks, and what waits stays within 200 ms."""

    async def prepare(emulator: EmulatorClient, modems: list[RemoteModem]) -> None:
        modems.append(await emulator.add_modem("huawei", ppm=ppm))

    async with served(tmp_path, prepare=prepare) as (_room, fleet, emulator, (modem,)):
        await ready(fleet, "l0")
        await emulator.subscriber(COURIER, ring_seconds=0.1)
        leg = fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension=None)
        assert await leg.up(within=10)
        await until(lambda: leg.port.counters.frames_in > 5)
        loop = asyncio.get_running_loop()
        began = loop.time()
        frames = int(DRIFT_SECONDS / 0.02)
        stood_still: list[float] = []
        for number in range(frames):
            leg.port._write(a_tone(number), number * FRAME_SAMPLES)
            due = began + (number + 1) * 0.02
            await asyncio.sleep(max(0.0, due - loop.time()))
            if loop.time() > due + 0.01:
                stood_still.append(loop.time())
        stamps = await modem.voice_stamps()
        still = np.array([-1.0, *stood_still, np.inf])
        missing = [
            bool(missing)
            for at, _due, missing, _position in stamps.consumed[50 : 50 + frames - 100]
            if np.abs(still[np.searchsorted(still, at) - 1 : np.searchsorted(still, at) + 1] - at).min() > 0.1
        ]
        burst = max(len(list(run)) if is_missing else 0 for is_missing, run in itertools.groupby(missing))
        waiting = leg.port._playout.depth_frames * 20  # type: ignore[attr-defined]  # its buffer is what is judged
        print(
            f"{ppm:+.0f} ppm for {frames * 0.02:.0f} s: of {len(missing)} blocks that could be judged "
            f"{sum(missing)} were missing, {burst} in a row at most; {waiting:.0f} ms wait"
        )
        assert len(missing) > (frames - 100) / 2, "this machine stood still most of the time: nothing can be judged"
        # A fast crystal takes one block in two hundred that nobody has sent.
        assert sum(missing) < 0.05 * len(missing) + 3
        assert burst <= 3
        assert waiting <= 200
        leg.hangup()


def a_tone(number: int) -> Frame:
    time_axis = np.arange(number * FRAME_SAMPLES, (number + 1) * FRAME_SAMPLES)
    return (8000 * np.sin(2 * np.pi * 1000 * time_axis / 8000)).astype(np.int16)


@pytest.mark.real_time
@pytest.mark.parametrize("family", ["quectel", "simcom"])
async def test_a_tone_passes_both_ways(tmp_path: Path, family: str) -> None:
    """X-M10: 40 dB from the modem; what went to it is counted, and judged in the end-to-end tests."""
    async with served(tmp_path, family) as (_room, fleet, emulator, _modems):
        await ready(fleet, "l0")
        wav = tmp_path / "tone.wav"
        write_wav(wav, np.concatenate([a_tone(number) for number in range(150)]))
        await emulator.subscriber(COURIER, ring_seconds=0.1, says=[Say(wav, after_seconds=0.3)])
        leg = fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension=None)
        assert await leg.up(within=10)
        heard: list[Frame] = []
        leg.port.listen(lambda frame, _position: heard.append(frame))
        await until(lambda: len(heard) > 140)
        leg.hangup()
        samples = np.concatenate(heard)
        loud = np.flatnonzero(np.abs(samples) > 4000)
        middle = samples[loud[0] + 800 : loud[0] + 800 + 8000]
        assert signal_to_noise_db(middle) > 40


def noise_of(seconds: float, seed: int) -> Sound:
    """Noise that is like nothing but itself, so that each window of it is known again."""
    return np.random.default_rng(seed).integers(-6000, 6000, int(seconds * 8000)).astype(np.int16)


def lay(timeline: Sound, frame: Frame, position: int) -> None:
    """Put a frame where its position says."""
    if position + len(frame) <= len(timeline):
        timeline[position : position + len(frame)] = frame


def share_heard(heard: Sound, speech: Sound) -> float:
    """The share of 20 ms windows of what was said that came through, wherever each came to lie."""
    sounding = np.flatnonzero(heard)
    first, last = int(sounding[0]), int(sounding[-1])
    place: int | None = None
    good = total = 0
    for start in range(first, last - FRAME_SAMPLES, FRAME_SAMPLES):
        window = heard[start : start + FRAME_SAMPLES].astype(float)
        if place is None or likeness(speech[place : place + FRAME_SAMPLES], window) < 0.95:
            # What was lost, or stood still, has moved all that follows: it is looked for around there.
            around = max(0, (place or 0) - 16_000)
            sought = np.correlate(speech[around : around + 40_000].astype(float), window)
            place = around + int(np.argmax(sought))
        good += likeness(speech[place : place + FRAME_SAMPLES], window) >= 0.95
        total += 1
        place += FRAME_SAMPLES
    return good / total


def likeness(said: Sound, heard: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """The correlation of two windows."""
    size = float(np.linalg.norm(said.astype(float)) * np.linalg.norm(heard))
    return float(said.astype(float) @ heard) / size if len(said) == len(heard) and size > 0 else 0.0


def counted_lines(channel: AtChannel) -> list[int]:
    """Grows by how many lines each read brought."""
    counts: list[int] = []
    feed = channel._parser.feed

    def counting(data: bytes) -> list[str]:
        lines = feed(data)
        counts.append(len(lines))
        return lines

    channel._parser.feed = counting  # type: ignore[method-assign]  # nothing else sees what is left out
    return counts


def resident_bytes() -> int:
    """What this process holds of the memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def write_wav(path: Path, samples: Sound) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.astype("<i2").tobytes())
