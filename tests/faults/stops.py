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
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from pathlib import Path

import numpy as np
import pytest

from gateway.demo.judge import judge
from gateway.demo.site import COURIER, Site, prepare
from gateway.emulator.client import RemoteCall, RemoteSubscriber, running_emulator
from gateway.emulator.demo_people import COURIER_VOICE
from gateway.emulator.sip_call import PhoneCall
from gateway.emulator.sip_phone import SipPhone
from gateway.emulator.sound import load_wav
from gateway.settings import load_settings
from gateway.store.shop_document.shop_commands import import_shop
from tests.end_to_end.house import house
from tests.faults import rounds
from tests.faults.many_calls import PASSWORD, PLACES, Place, with_modems, with_room

pytestmark = pytest.mark.real_time

STOPS = rounds(1, 50)
PANELS = rounds(2, 50)
MOST_STOP_SECONDS = 25.0
START_SECONDS = 120.0
CALLERS = PLACES[:4]


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
async def test_a_stop_in_four_calls_loses_nothing_of_them(tmp_path: Path, seed: int) -> None:
    site = prepare(tmp_path / "site", notice="none", usual_ports=False)
    shop, config = site.shop.read_text(encoding="utf-8"), site.config.read_text(encoding="utf-8")
    site.shop.write_text(with_room(shop, CALLERS).replace('calls = "none"', 'calls = "all"'), encoding="utf-8")
    site.config.write_text(with_modems(config, site.emulator.resolve(), CALLERS), encoding="utf-8")
    import_shop(load_settings(site.config), site.shop)
    slowest = 0.0
    async with running_emulator(site.emulator, modems=[each.family for each in CALLERS]) as emulator:
        couriers = [await emulator.subscriber(each.mobile, when_called="answer", ring_seconds=0.1) for each in CALLERS]
        for number in range(STOPS):
            process = await daemon(site)
            try:
                async with AsyncExitStack() as phones:
                    calls = [await talking(site, *each, phones) for each in zip(CALLERS, couriers, strict=True)]
                    await asyncio.sleep(2)
                    began = time.monotonic()
                    process.terminate()
                    await asyncio.sleep(1)
                    for call, _ in calls[: (seed + number) % (len(calls) + 1)]:
                        call.hang_up()  # the stop ends the others
                    assert await asyncio.wait_for(process.wait(), MOST_STOP_SECONDS) == 0
                    slowest = max(slowest, time.monotonic() - began)
                    ended = [await mobile.ended(within=5) for _, mobile in calls]
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            talked = [(each.ended or 0.0) - (each.answered or float("inf")) for each in ended]
            assert_kept(site.data, len(CALLERS) * (number + 1), seconds=talked)
    print(f"{STOPS} stops in four calls: the slowest took {slowest:.1f} s, every recording is whole", end=" ")
    print(f"(load {os.getloadavg()[0]:.0f})")


async def talking(
    site: Site, place: Place, courier: RemoteSubscriber, phones: AsyncExitStack
) -> tuple[PhoneCall, RemoteCall]:
    """A phone of its own has called the courier, who has picked up."""
    registrar = ("127.0.0.1", site.ports.sip)
    phone = await phones.enter_async_context(SipPhone(("127.0.0.1", 0), registrar, place.extension, PASSWORD))
    await phone.register()
    call = phone.call(place.courier)
    mobile = await courier.next_call(within=30)
    async with asyncio.timeout(30):
        await call.answered()
    return call, mobile


def assert_kept(data: Path, count: int, *, seconds: list[float]) -> None:
    """Of the last calls all is written down, before any other daemon has looked at it."""
    with closing(sqlite3.connect(data / "simbridge.db")) as store:
        assert store.execute("SELECT count(*), count(ended_at) FROM calls").fetchone() == (count, count)
        assert store.execute("SELECT count(*) FROM reservations WHERE settled_at IS NULL").fetchone() == (0,)
        last = store.execute("SELECT state, path FROM recordings ORDER BY started_at DESC LIMIT ?", (len(seconds),))
        recordings = last.fetchall()
    assert [state for state, _ in recordings] == ["finished"] * len(seconds)
    assert list((data / "recordings").rglob("*.part")) == []
    kept = sorted(length(data / "recordings" / path) for _, path in recordings)
    assert all(mine >= talked - 1.5 for mine, talked in zip(kept, sorted(seconds), strict=True)), (kept, seconds)


def length(sound: Path) -> float:
    """Seconds."""
    with wave.open(str(sound)) as file:
        return float(file.getnframes() / file.getframerate())
