"""Voice over a tty: frames on their sample bounds, and as many frames back as the modem takes."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

import numpy as np
import pytest

from gateway.audio.device_clock import Steadiness
from gateway.audio.dtmf import DtmfDetector
from gateway.audio.frame import FRAME_SAMPLES, SILENCE, Frame
from gateway.audio.leveller import Leveller
from gateway.audio.speex import VoiceCleaner
from gateway.modem.voice.frame_cutter import FrameCutter
from gateway.modem.voice.tty_pcm import TtyPcmPort, VoiceTty

RNG = np.random.default_rng(7)


def voice(frames: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Something like a vowel."""
    time = np.arange(frames * FRAME_SAMPLES) / 8000
    wave = sum(np.sin(2 * math.pi * 140 * harmonic * time) / harmonic for harmonic in range(1, 9))
    return (np.asarray(wave) * 4000).astype(np.int16)


def blocks_of(samples: np.ndarray[tuple[int], np.dtype[np.int16]], size: int = 320) -> list[bytes]:
    data = samples.astype("<i2").tobytes()
    return [data[start : start + size] for start in range(0, len(data), size)]


def feed(cutter: FrameCutter, blocks: list[bytes]) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    frames = [frame for number, block in enumerate(blocks) for frame in cutter.feed(block, 1 + 0.02 * number)]
    return np.concatenate(frames)


def test_whole_blocks() -> None:
    samples = voice(20)
    assert np.array_equal(feed(FrameCutter(), blocks_of(samples)), samples)


def test_simcom_blocks_are_two_frames() -> None:
    samples = voice(20)
    assert np.array_equal(feed(FrameCutter(), blocks_of(samples, 640)), samples)


def test_short_reads_of_odd_sizes_lose_nothing() -> None:
    samples = voice(40)
    cutter, found = FrameCutter(), []
    for number, block in enumerate(blocks_of(samples)):
        cuts = sorted(RNG.choice(np.arange(1, 320), 3, replace=False).tolist())
        for piece, (start, end) in enumerate(zip([0, *cuts], [*cuts, 320], strict=True)):
            # Some pieces come so late that they look like a new block.
            found += cutter.feed(block[start:end], 1 + 0.02 * number + 0.004 * piece * (1 + number % 2))
    assert np.array_equal(np.concatenate(found), samples)
    assert cutter.realigned == 0


@pytest.mark.parametrize("place", [0, 1, 100, 161, 319])
@pytest.mark.parametrize("surplus", [False, True])
def test_a_lost_or_surplus_byte_costs_one_frame(place: int, surplus: bool) -> None:
    samples = voice(60)
    blocks = blocks_of(samples)
    blocks[20] = blocks[20][:place] + (b"\x55" if surplus else b"") + blocks[20][place + (0 if surplus else 1) :]
    cutter = FrameCutter()
    found = feed(cutter, blocks)
    assert cutter.realigned == 1
    rest = samples[22 * FRAME_SAMPLES : 58 * FRAME_SAMPLES]
    places = range(21 * FRAME_SAMPLES, 23 * FRAME_SAMPLES)
    assert any(np.array_equal(found[lag : lag + len(rest)], rest) for lag in places)


def test_a_remainder_does_not_delay_for_ever() -> None:
    samples = voice(300)
    cutter = FrameCutter()
    blocks = blocks_of(samples)
    blocks[5] = blocks[5][:200]
    for number, block in enumerate(blocks):
        frames = cutter.feed(block, 1 + 0.02 * number)
    assert len(frames) == 1
    assert not cutter._pending


class Taker:
    """The modem's side of a voice port: a FIFO that is read once per block."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, frames: list[Frame]) -> int:
        for frame in frames:
            self.data += frame.tobytes()
        return len(frames)


@dataclass
class Line:
    port: TtyPcmPort
    taker: Taker
    block: int
    heard: list[np.ndarray[tuple[int], np.dtype[np.int16]]]
    missing: int = 0

    async def tick(self, said: bytes | None = None) -> None:
        """One block each way."""
        size = 320 * self.block
        took = bytes(self.taker.data[:size])
        del self.taker.data[: len(took)]
        self.missing += len(took) < size
        self.heard.append(np.frombuffer(took + bytes(size - len(took)), dtype="<i2"))
        self.port.received(said if said is not None else bytes(size))
        await asyncio.sleep(0.02 * self.block)


def line(block: int, monkeypatch: pytest.MonkeyPatch, cleaner: VoiceCleaner | None = None) -> Line:
    device = VoiceTty("/nowhere", lambda: None, Steadiness())
    taker = Taker()
    monkeypatch.setattr(device, "write", taker.write)
    port = TtyPcmPort(device, block_frames=block, cleaner=cleaner)
    port.open()
    return Line(port, taker, block, [])


def places_of_frames(modem: Line) -> list[int]:
    """Where each frame that comes from now on lies in the call, in samples."""
    places: list[int] = []
    modem.port.listen(lambda _, position: places.append(position))
    return places


class Clip:
    def __init__(self, samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> None:
        self._frames = list(samples.reshape(-1, FRAME_SAMPLES))

    def next_frame(self) -> Frame | None:
        return self._frames.pop(0) if self._frames else None


@pytest.mark.parametrize("block", [1, 2])
async def test_a_prompt_is_played_whole_at_the_pace_of_the_modem(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    modem = line(block, monkeypatch)
    samples = voice(50)
    modem.port.play(Clip(samples))
    assert not modem.taker.data  # nothing before the modem carries the call
    for _ in range(60):
        await modem.tick()
        assert len(modem.taker.data) <= 4 * 320
    found = np.concatenate(modem.heard)
    start = int(np.flatnonzero(found)[0]) - int(np.flatnonzero(samples)[0])
    assert np.array_equal(found[start : start + len(samples)], samples)
    assert modem.port.counters.frames_out == 50
    modem.port.close()


@pytest.mark.parametrize("block", [1, 2])
async def test_what_comes_before_the_first_block_is_kept(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first words after the answer are not clipped."""
    modem = line(block, monkeypatch)
    samples = voice(30)
    frames = samples.reshape(-1, FRAME_SAMPLES)
    modem.port.hear(None)
    for number in range(2):
        modem.port._write(frames[number], number * FRAME_SAMPLES)
    assert not modem.taker.data
    for number in range(2, 30):
        if number % block == 0:
            await modem.tick()
        modem.port._write(frames[number], number * FRAME_SAMPLES)
    for _ in range(8):
        await modem.tick()
    found = np.concatenate(modem.heard)
    start = int(np.flatnonzero(found)[0]) - int(np.flatnonzero(samples)[0])
    assert np.array_equal(found[start : start + 8 * FRAME_SAMPLES], samples[: 8 * FRAME_SAMPLES])
    modem.port.close()


async def test_nothing_is_delivered_before_open_or_after_close(monkeypatch: pytest.MonkeyPatch) -> None:
    modem = line(1, monkeypatch)
    modem.port._write(SILENCE, 0)
    await modem.tick()
    modem.port.close()
    before = modem.port.counters.frames_out
    modem.port._write(SILENCE, 160)
    assert modem.port.counters.frames_out == before
    await asyncio.sleep(1)  # no timer is left that writes
    assert modem.port.counters.frames_out == before


async def test_a_pause_of_the_modem_is_a_jump_of_its_timeline(monkeypatch: pytest.MonkeyPatch) -> None:
    modem = line(1, monkeypatch)
    positions = places_of_frames(modem)
    for _ in range(5):
        await modem.tick()
    await asyncio.sleep(1.0)
    for _ in range(5):
        await modem.tick()
    assert positions[:7] == [0, 160, 320, 480, 640, 800, 960], "a moment is left to what may have been kept"
    assert [position - 50 * 160 for position in positions[7:]] == [1120, 1280, 1440]
    assert (modem.port.counters.lost, modem.port.counters.gaps) == (50, 1)
    modem.port.close()


@pytest.mark.parametrize("pieces", [[1, 9], [6, 4], [1, 1, 1, 1, 6], [10]])
async def test_what_was_kept_through_a_pause_is_in_its_place(
    pieces: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine stood still for a fifth of a second; then all comes at once, but is not read at once."""
    modem = line(1, monkeypatch)
    positions = places_of_frames(modem)
    for _ in range(5):
        await modem.tick()
    await asyncio.sleep(0.18)
    for piece in pieces:
        modem.port.received(bytes(320 * piece))
        await asyncio.sleep(0.001)
    for _ in range(50):
        await modem.tick()
    assert positions == list(range(0, 65 * 160, 160))
    assert (modem.port.counters.lost, modem.port.counters.gaps) == (0, 0)
    modem.port.close()


async def test_a_second_pause_within_the_first_is_counted_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    modem = line(1, monkeypatch)
    positions = places_of_frames(modem)
    for _ in range(2):
        await modem.tick()
        await asyncio.sleep(0.2)
    for _ in range(5):
        await modem.tick()
    assert positions[-1] == 26 * 160
    assert modem.port.counters.lost == 20
    modem.port.close()


async def test_a_full_modem_is_not_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    modem = line(1, monkeypatch)
    await modem.tick()
    modem.port.pause(True)
    modem.port.play(Clip(voice(10)))
    await modem.tick()
    assert not modem.taker.data
    assert modem.port.counters.dropped > 0
    modem.port.pause(False)
    for _ in range(4):
        await modem.tick()
    assert any(block.any() for block in modem.heard)
    modem.port.close()


@pytest.mark.parametrize("block", [1, 2])
async def test_a_key_as_a_tone(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    modem = line(block, monkeypatch)
    for _ in range(5):
        await modem.tick()
    modem.port.play_key("A")
    for _ in range(15):
        await modem.tick()
    detector = DtmfDetector()
    keys = [detector.feed(frame) for frame in np.concatenate(modem.heard).reshape(-1, FRAME_SAMPLES)]
    assert [key for key in keys if key] == ["A"]
    modem.port.close()


@pytest.mark.parametrize("block", [1, 2])
async def test_what_a_modem_gives_back_of_our_voice_is_taken_away(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The modem returns, fainter, what it has taken the time before."""
    modem = line(block, monkeypatch, cleaner=VoiceCleaner(reduces_noise=False, cancels_echo=True))
    heard: list[Frame] = []
    modem.port.listen(lambda frame, position: heard.append(frame))
    said = RNG.normal(0, 3_000, FRAME_SAMPLES * 400).astype(np.int16).reshape(-1, FRAME_SAMPLES)
    returned = np.zeros(FRAME_SAMPLES * block, dtype=np.int16)
    await modem.tick()
    for start in range(0, len(said), block):
        for index in range(start, min(start + block, len(said))):
            modem.port._write(said[index], index * FRAME_SAMPLES)
        await modem.tick((returned * 0.3).astype(np.int16).tobytes())
        returned = modem.heard[-1]
    modem.port.close()
    assert returned.std() > 2_000
    assert np.concatenate(heard[-50:]).std() < 0.2 * 0.3 * 3_000


@pytest.mark.parametrize("evens_out", [False, True])
async def test_a_faint_caller_is_raised_where_the_owner_wants_it(evens_out: bool) -> None:
    device = VoiceTty("/nowhere", lambda: None, Steadiness())
    port = TtyPcmPort(device, block_frames=1, leveller=Leveller() if evens_out else None)
    heard: list[Frame] = []
    port.listen(lambda frame, position: heard.append(frame))
    port.open()
    faint = (500 * np.sin(2 * np.pi * 440 * np.arange(FRAME_SAMPLES * 300) / 8_000)).astype(np.int16)
    for frame in faint.reshape(-1, FRAME_SAMPLES):
        port.received(frame.tobytes())
    port.close()
    loudest = int(np.abs(np.concatenate(heard[-50:])).max())
    assert (1_500 < loudest < 3_300) if evens_out else loudest <= 500
