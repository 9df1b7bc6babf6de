"""The beep that says that a call is recorded: both hear it again and again, over what the other one says."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.audio.bridge import Bridge
from gateway.audio.frame import FRAME_SECONDS, SAMPLE_RATE, SILENCE, Frame
from tests.fakes.legs import FakePort


async def _talk(seconds: float, *voices: tuple[FakePort, int]) -> None:
    for _ in range(round(seconds / FRAME_SECONDS)):
        await asyncio.sleep(FRAME_SECONDS)
        for port, value in voices:
            port.speak(SILENCE + value)


class Ear(FakePort):
    """Remembers the frames it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[NDArray[np.int16]] = []

    def _write(self, frame: Frame, position: int) -> None:
        self.frames.append(frame)


def _beeps(frames: list[NDArray[np.int16]], value: int) -> list[float]:
    """When beeps began, in seconds."""
    beeping = [bool((frame != value).any()) for frame in frames]
    return [index * FRAME_SECONDS for index, now in enumerate(beeping) if now and not (index and beeping[index - 1])]


async def test_both_hear_a_beep_every_fifteen_seconds_at_the_same_time() -> None:
    caller, callee = Ear(), Ear()
    bridge = Bridge(caller, callee, asyncio.get_running_loop().time)
    bridge.start()
    bridge.remind(15)
    await _talk(50, (caller, 1_000), (callee, 2_000))
    bridge.stop()
    for frames, value in ((caller.frames, 2_000), (callee.frames, 1_000)):
        assert _beeps(frames, value) == pytest.approx([15, 30, 45], abs=0.05)
        assert len(frames) == 2_500, "no frame is added or lost"
        beep = np.concatenate(frames)[15 * SAMPLE_RATE - 160 : 15 * SAMPLE_RATE + 2_000].astype(float) - value
        loudest = int(np.argmax(np.abs(np.fft.rfft(beep)))) * SAMPLE_RATE / len(beep)
        assert loudest == pytest.approx(1_400, abs=20)
        assert np.abs(beep).max() < 8_000


async def test_a_loud_voice_is_not_turned_inside_out_by_the_beep() -> None:
    caller, callee = Ear(), Ear()
    bridge = Bridge(caller, callee, asyncio.get_running_loop().time)
    bridge.remind(1)
    bridge.start()
    await _talk(2, (caller, 32_000))
    bridge.stop()
    assert np.concatenate(callee.frames).min() > 0


async def test_without_a_reminder_nothing_is_touched() -> None:
    caller, callee = Ear(), Ear()
    bridge = Bridge(caller, callee, asyncio.get_running_loop().time)
    bridge.start()
    await _talk(40, (caller, 1_000))
    bridge.stop()
    assert _beeps(callee.frames, 1_000) == []
