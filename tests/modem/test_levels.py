"""Faint callers of a line that evens out, through an emulated modem."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from gateway.audio.frame import Frame
from gateway.emulator.client import Say
from tests.fakes.numbers import dialable
from tests.modem.fleet_room import ready, served, until

PERSON = "+79161234567"


@pytest.mark.real_time
@pytest.mark.parametrize("evens_out", [False, True])
async def test_a_line_evens_out_as_the_owner_says(evens_out: bool, tmp_path: Path) -> None:
    faint = (800 * np.sin(2 * np.pi * 440 * np.arange(80_000) / 8_000)).astype("<i2")
    path = tmp_path / "faint.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(faint.tobytes())
    async with served(tmp_path, "huawei", evens_out=evens_out) as (_, fleet, emulator, _modems):
        await ready(fleet, "l0")
        await emulator.subscriber(PERSON, ring_seconds=0.1, says=[Say(path, after_seconds=0.0)])
        leg = fleet.lines["l0"].dial(dialable(PERSON), call_id="call", extension="101")
        assert await leg.up(within=8)
        heard: list[Frame] = []
        leg.port.listen(lambda frame, position: heard.append(frame) if frame.any() else None)
        await until(lambda: len(heard) >= 150)
        loudest = int(np.abs(np.concatenate(heard[-20:]).astype(int)).max())
        assert (1_100 < loudest < 3_300) if evens_out else loudest < 900
        leg.hangup()
