"""X-D2 and X-D5 with a whole gateway: a panel that is killed or hangs costs no sound; a stop loses no recording.

Named to `make soak` alone: both take minutes of real time.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
import time
import urllib.request
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import numpy as np
import pytest

from gateway.demo.judge import judge
from gateway.demo.site import COURIER, Site, prepare
from gateway.emulator.client import running_emulator
from gateway.emulator.demo_people import COURIER_VOICE
from gateway.emulator.sip_phone import SipPhone
from gateway.emulator.sound import load_wav
from gateway.settings import load_settings
from gateway.store.shop_document.shop_commands import import_shop
from tests.end_to_end.house import house
from tests.faults import rounds

pytestmark = pytest.mark.real_time

STOPS = rounds(1, 50)
PANELS = rounds(2, 50)
MOST_STOP_SECONDS = 25.0
START_SECONDS = 120.0


@asynccontextmanager
async def panel(config: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A panel of its own; it is gone afterwards, whatever was done to it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "web", "--config", str(config)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):  # it has been killed
            os.killpg(process.pid, signal.SIGCONT)
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


@pytest.mark.timeout(120 + 30 * PANELS)
async def test_a_panel_that_is_killed_or_hangs_costs_no_sound(tmp_path: Path) -> None:
    async with house(tmp_path) as stack, stack.phone() as phone:
        await phone.register()
        courier = await stack.emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.1)
        call = phone.call("2001")
        mobile = await courier.next_call(within=30)
        async with asyncio.timeout(30):
            await call.answered()
        said = np.array(load_wav(COURIER_VOICE), dtype=np.int16)
        for number in range(PANELS):
            async with panel(stack.site.config) as process:
                await asyncio.sleep(3)
                before = len(call.heard())
                speaking = asyncio.create_task(mobile.speak(COURIER_VOICE))
                await asyncio.sleep(0.5)
                os.killpg(process.pid, signal.SIGKILL if number % 2 else signal.SIGSTOP)
                await speaking
                await asyncio.sleep(0.5)
                heard = np.frombuffer(call.heard()[before:], dtype="<i2").astype(np.int16)
                verdict = judge(said, heard)
                assert verdict.good, (number, str(verdict))
        print(f"{PANELS} panels killed or stopped in a call: all of it heard")
        call.hang_up()
        await mobile.ended(within=20)


def is_ready(site: Site) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{site.ports.api}/api/v1/health", timeout=2) as answer:
            return bool(json.load(answer)["status"] == "ready")
    except (OSError, ValueError, KeyError):
        return False


async def daemon(site: Site) -> asyncio.subprocess.Process:
    """One that is ready."""
    with (site.directory / "daemon.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "run", "--config", str(site.config)), stdout=log, stderr=log
        )
    ends = time.monotonic() + START_SECONDS
    while not await asyncio.to_thread(is_ready, site):
        is_late = time.monotonic() > ends or process.returncode is not None
        assert not is_late, (site.directory / "daemon.log").read_text()
        await asyncio.sleep(0.05)
    return process


@pytest.mark.timeout(120 + 60 * STOPS)
async def test_a_stop_in_a_call_loses_nothing_of_it(tmp_path: Path, seed: int) -> None:
    site = prepare(tmp_path / "site", notice="none", usual_ports=False)
    import_shop(load_settings(site.config), site.shop)
    slowest = 0.0
    async with running_emulator(site.emulator, modems=["huawei", "quectel", "simcom"]) as emulator:
        courier = await emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.1)
        for number in range(STOPS):
            process = await daemon(site)
            try:
                place = ("127.0.0.1", site.ports.sip)
                async with SipPhone(("127.0.0.1", 0), place, "101", site.phone_password) as phone:
                    await phone.register()
                    call = phone.call("2001")
                    mobile = await courier.next_call(within=30)
                    async with asyncio.timeout(30):
                        await call.answered()
                    await asyncio.sleep(2)
                    began = time.monotonic()
                    process.terminate()
                    await asyncio.sleep(1)
                    if (seed + number) % 2:
                        call.hang_up()  # else the stop ends it
                    assert await asyncio.wait_for(process.wait(), MOST_STOP_SECONDS) == 0
                    slowest = max(slowest, time.monotonic() - began)
                    ended = await mobile.ended(within=5)
                    assert ended.answered is not None
                    assert ended.ended is not None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            assert_kept(site.data, number + 1, seconds=ended.ended - ended.answered)
    print(f"{STOPS} stops in a call: the slowest took {slowest:.1f} s, every recording is whole")


def assert_kept(data: Path, count: int, *, seconds: float) -> None:
    """Of the last call all is written down, before any other daemon has looked at it."""
    with closing(sqlite3.connect(data / "simbridge.db")) as store:
        assert store.execute("SELECT count(*), count(ended_at) FROM calls").fetchone() == (count, count)
        assert store.execute("SELECT count(*) FROM reservations WHERE settled_at IS NULL").fetchone() == (0,)
        state, path = store.execute("SELECT state, path FROM recordings ORDER BY started_at DESC").fetchone()
    assert state == "finished"
    assert list((data / "recordings").rglob("*.part")) == []
    with wave.open(str(data / "recordings" / path)) as sound:
        assert sound.getnframes() / sound.getframerate() >= seconds - 1.5
