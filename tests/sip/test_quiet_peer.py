"""Comfort noise (RFC 3389, payload 13): the room of a peer that sends nothing while its party is silent."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from gateway.audio.comfort import LOUDEST_RMS
from gateway.audio.frame import FRAME_SAMPLES, FRAME_SECONDS
from gateway.audio.g711 import Law, encode
from tests.sip.test_rtp_port import Scene, pump, scene, tone

VOICE = encode(tone(), Law.ULAW)


async def voice(s: Scene, frames: int) -> None:
    for _ in range(frames):
        s.peer.send(VOICE)
        await asyncio.sleep(FRAME_SECONDS)


@pytest.mark.parametrize("level", [60, 66, 72])
async def test_the_noise_is_as_loud_as_told_and_has_no_gap_until_the_voice_is_back(level: int) -> None:
    async with scene() as s:
        await voice(s, 10)
        s.peer.send(bytes([level]), payload_type=13, samples=50 * FRAME_SAMPLES)  # what it stands for
        await asyncio.sleep(1.0)
        quiet = [frame for _, frame in s.heard[10:]]
        assert len(quiet) in (50, 51)
        loudness = np.sqrt(np.mean(np.concatenate(quiet).astype(float) ** 2))
        assert loudness == pytest.approx(32_768 * 10 ** (-level / 20), rel=0.12)
        assert len({frame.tobytes() for frame in quiet}) == len(quiet), "noise, not a hum"
        s.peer.send(VOICE)
        s.peer.send(VOICE)
        await pump()
        assert np.diff(s.positions).tolist() == [FRAME_SAMPLES] * (len(s.positions) - 1)
        await asyncio.sleep(1.0)
        assert (s.heard[-1][1] == s.heard[0][1]).all(), "no noise behind the voice"


async def test_a_voice_that_comes_late_is_not_lost_and_later_pauses_do_not_add_up() -> None:
    async with scene() as s:
        await voice(s, 5)
        for _ in range(3):
            s.peer.send(b"\x42", payload_type=13, samples=10 * FRAME_SAMPLES)
            await asyncio.sleep(0.5)
            before = s.positions[-1]
            s.peer.send(VOICE)  # spoken 0.3 s before it comes
            await pump()
            assert s.positions[-1] == before + FRAME_SAMPLES
            await voice(s, 20)
        assert np.diff(s.positions).tolist() == [FRAME_SAMPLES] * (len(s.positions) - 1)


async def test_nobody_is_made_to_hear_a_loud_noise_or_an_endless_one() -> None:
    async with scene() as s:
        s.peer.send(b"\x00", payload_type=13, samples=FRAME_SAMPLES)
        await asyncio.sleep(0.2)
        assert np.abs(np.concatenate([frame for _, frame in s.heard])).max() < 6 * LOUDEST_RMS
        await asyncio.sleep(60)
        assert len(s.heard) == 1_500
        s.peer.send(b"", payload_type=13, samples=FRAME_SAMPLES)
        await asyncio.sleep(0.2)
        assert not s.heard[-1][1].any()
    before = len(s.heard)
    await asyncio.sleep(1)
    assert len(s.heard) == before, "a port that is closed says nothing"
