"""X-M4, X-M5: garbage on the wire, storms of news, a SIM that is full.

A short form in every run, the full count by `make soak`. The modems are emulated, on PTYs or in memory.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import re
import time
from pathlib import Path

import numpy as np
import pytest

from gateway.audio.frame import FRAME_SAMPLES
from gateway.emulator.client import EmulatorClient, RemoteModem, Say
from gateway.modem import commands
from gateway.modem.channel import AtChannel
from gateway.modem.dialects import DIALECTS
from gateway.telephony.leg import LegState
from tests.fakes.numbers import dialable
from tests.fakes.serial import MemoryPort
from tests.faults import SOAKS, rounds
from tests.faults.sounds import lay, noise_of, share_heard, write_wav
from tests.modem.fleet_room import ready, served, until

COURIER = "+79161234567"
GARBAGE_LINES = rounds(10_000, 1_000_000)
STORM_SECONDS = rounds(3, 60)
STORM_LINES = 10_000
STORED = rounds(50, 500)

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
