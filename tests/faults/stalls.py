"""A machine that stands still for a moment, as a virtual one does: nothing of a call is lost or shifted.

What a modem or the kernel has kept meanwhile comes all at once, in several pieces. Named to `make soak` alone: it takes
minutes of real time.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from gateway.demo.judge import judge
from gateway.emulator.demo_people import COURIER_VOICE
from gateway.emulator.sound import load_wav
from tests.end_to_end.house import house
from tests.faults import rounds
from tests.faults.cards import talking
from tests.faults.many_calls import process_of

pytestmark = pytest.mark.real_time

STALLS = rounds(3, 30)
SHORTEST_SECONDS, LONGEST_SECONDS = 0.09, 0.22
"""A port keeps a quarter of a second for who does not read."""


@pytest.mark.timeout(120 + 15 * STALLS)
@pytest.mark.parametrize("who", ["the gateway", "the modems"])
async def test_what_was_kept_meanwhile_is_in_its_place(tmp_path: Path, seed: int, who: str) -> None:
    chance = random.Random(seed)
    said = np.array(load_wav(COURIER_VOICE), dtype=np.int16)
    async with house(tmp_path / "site") as stack, stack.phone() as phone:
        await phone.register()
        call, mobile = await talking(stack, phone)
        word, place = ("run", stack.site.config) if who == "the gateway" else ("gateway.emulator", stack.site.emulator)
        pid = process_of(word, place)
        for number in range(STALLS):
            await asyncio.sleep(1)
            before = len(call.heard())
            speaking = asyncio.create_task(mobile.speak(COURIER_VOICE))
            await asyncio.sleep(chance.uniform(0.7, 1.5))
            seconds = chance.uniform(SHORTEST_SECONDS, LONGEST_SECONDS)
            os.kill(pid, signal.SIGSTOP)
            try:
                time.sleep(seconds)  # noqa: ASYNC251  # as long as that, however busy this loop is
            finally:
                os.kill(pid, signal.SIGCONT)
            await speaking
            await asyncio.sleep(0.5)
            verdict = judge(said, np.frombuffer(call.heard()[before:], dtype="<i2").astype(np.int16))
            assert verdict.good, (number, seconds, str(verdict))
        call.hang_up()
        await mobile.ended(within=20)
    print(f"{who} stood still {STALLS} times in a call: all of it heard in its place (load {os.getloadavg()[0]:.0f})")
