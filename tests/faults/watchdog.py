"""X-D4 with a whole gateway: its loop, or the driver of a modem, stands still in a call.

A stand-in for systemd goes by the unit's own figures.

Named to `make soak` alone: each round takes the watchdog's real time.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import socket
import sys
import time
from asyncio.subprocess import Process
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from gateway.demo.site import COURIER, Site, prepare
from gateway.emulator.client import running_emulator
from gateway.emulator.sip_phone import SipPhone
from gateway.settings import load_settings
from gateway.store.shop_document.shop_commands import import_shop
from tests.faults import rounds

pytestmark = pytest.mark.real_time

UNIT = Path(__file__).parents[2] / "systemd" / "simbridge.service"
HANGS = rounds(1, 5)
MOST_SECONDS = 35.0
MOST_DRIVER_SECONDS = 47.0
"""A driver is known to stand 12 s after it has begun to: its modem is asked every 4 s, and may be 8 s late."""
_HANGING = """
import asyncio, resource, signal, sys, time
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
signal.signal(signal.SIGUSR1, lambda *_: time.sleep(600))
from gateway.cli import main
from gateway.modem.session import ModemSession

async def stand_still(*_):
    await asyncio.Event().wait()

signal.signal(signal.SIGUSR2, lambda *_: setattr(ModemSession, "_look_around", stand_still))
sys.exit(main(["run", "--config", sys.argv[1]]))
"""
"""A daemon whose loop stands still from SIGUSR1 on, or the drivers of whose modems do from SIGUSR2 on."""


def of_unit(name: str, unit: Path = UNIT) -> float:
    """Seconds."""
    found = re.search(rf"^{name}=(\d+)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return float(found[1])


class Supervisor:
    """Runs the daemon within `async with`: ends who gives no sign of life (SIGABRT, then SIGKILL), starts the next."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._address = str(site.directory / "notify")
        self._ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._process: Process | None = None
        self._task: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._ear.bind(self._address)
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        is_at_fault = self._task.done()
        self._task.cancel()
        await asyncio.wait([self._task])
        self._ear.close()
        if is_at_fault:
            self._task.result()

    def hang(self, by: signal.Signals) -> None:
        """The daemon stands still from now on."""
        assert self._process is not None
        self.ready.clear()
        self._process.send_signal(by)

    async def _run(self) -> None:
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": self._address,
            "WATCHDOG_USEC": f"{of_unit('WatchdogSec') * 1e6:.0f}",
        }
        command = (sys.executable, "-c", _HANGING, str(self._site.config))
        while True:
            with (self._site.directory / "daemon.log").open("ab") as log:
                process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=log, stderr=log)
            self._process = process
            try:
                await self._live(process)
                process.send_signal(signal.SIGABRT)
                with suppress(TimeoutError):
                    async with asyncio.timeout(of_unit("TimeoutAbortSec")):
                        await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            await asyncio.sleep(of_unit("RestartSec"))

    async def _live(self, process: Process) -> None:
        """Until no sign of life came within the unit's time."""
        loop, patience = asyncio.get_running_loop(), of_unit("TimeoutStartSec")
        while True:
            try:
                async with asyncio.timeout(patience):  # wait_for may swallow the cancellation of who waits
                    said = await loop.sock_recv(self._ear, 4096)
            except TimeoutError:
                return
            assert process.returncode is None
            if b"READY=1" in said:
                self.ready.set()
            if self.ready.is_set():
                patience = of_unit("WatchdogSec")


@pytest.mark.timeout(240 + 140 * HANGS)
@pytest.mark.parametrize(
    ("by", "most_seconds", "said"),
    [
        (signal.SIGUSR1, MOST_SECONDS, "most recent call first"),
        (signal.SIGUSR2, MOST_DRIVER_SECONDS, "stands still"),
    ],
    ids=["the loop", "the drivers of the modems"],
)
async def test_what_stands_still_is_hung_up_and_back_in_time(
    tmp_path: Path, seed: int, by: signal.Signals, most_seconds: float, said: str
) -> None:
    chance, slowest = random.Random(seed), 0.0
    site = prepare(tmp_path / "site", notice="none", usual_ports=False)
    import_shop(load_settings(site.config), site.shop)
    async with running_emulator(site.emulator, modems=["huawei", "quectel", "simcom"]) as emulator:
        courier = await emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.1)
        async with Supervisor(site) as supervisor:
            for _ in range(HANGS):
                async with asyncio.timeout(60):
                    await supervisor.ready.wait()
                place = ("127.0.0.1", site.ports.sip)
                async with SipPhone(("127.0.0.1", 0), place, "101", site.phone_password) as phone:
                    await phone.register()
                    call = phone.call("2001")
                    mobile = await courier.next_call(within=30)
                    async with asyncio.timeout(30):
                        await call.answered()
                    await asyncio.sleep(chance.uniform(0, of_unit("WatchdogSec") / 3))
                    began = time.monotonic()
                    supervisor.hang(by)
                    await mobile.ended(within=most_seconds + 30)
                    hung_up = time.monotonic() - began
                    async with asyncio.timeout(60):
                        await supervisor.ready.wait()
                    print(f"hung up after {hung_up:.1f} s, serving again after {time.monotonic() - began:.1f} s")
                    slowest = max(slowest, hung_up)
    assert said in (site.directory / "daemon.log").read_text(), "it is written where it hung"
    assert slowest <= most_seconds
