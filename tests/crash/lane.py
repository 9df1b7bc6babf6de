"""One gateway after another on one data directory, each killed at a random moment of a call (X-P1, T-F14)."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import shutil
import signal
import sys
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gateway import emulator as emulator_package
from gateway.demo.site import COURIER, SIM_NUMBERS, STRANGER, Site, prepare
from gateway.emulator.client import (
    EmulatorClient,
    EmulatorRefused,
    RemotePhone,
    RemoteSubscriber,
    Say,
    running_emulator,
)
from tests.crash.judge import Evidence

SPEECH = Path(emulator_package.__file__).parent / "voices" / "courier-ru.wav"
LATEST_KILL_SECONDS = 5.0
READY_SECONDS = 120.0
"""On a machine that does much else besides."""
SETTLE_SECONDS = 20.0
HUNG_UP_SECONDS = 5.0
"""By then, after the start of the next daemon, no modem is in a call."""


class Broken(Exception):
    """A promise was not kept; the message says which."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one kill has shown. Seconds; None: there was nothing to measure."""

    ready_seconds: float
    hung_up_seconds: float | None
    lost_seconds: float | None


class Lane:
    """A site of its own: emulated modems and one phone, which outlive the daemons."""

    def __init__(
        self,
        site: Site,
        emulator: EmulatorClient,
        phone: RemotePhone,
        courier: RemoteSubscriber,
        *,
        seed: int,
        hung_up_within: float,
    ) -> None:
        self._site = site
        self._emulator = emulator
        self._phone = phone
        self._courier = courier
        self._random = random.Random(seed)
        self._evidence = Evidence(site.data)
        self._hung_up_within = hung_up_within
        self._number = 0
        self._daemon: asyncio.subprocess.Process | None = None

    async def round(self) -> Round:
        """Let a daemon call and receive, kill it, start the next one (the next round's), and look at what is left."""
        self._number += 1
        if self._daemon is None:
            await self._start()
        before = await self._evidence.taken()
        await self._phone.register()
        text = f"Сообщение {self._number}"
        await self._emulator.send_sms(STRANGER, SIM_NUMBERS["green"], text)
        calling = await self._phone.call("2001")
        await asyncio.sleep(self._random.uniform(0.05, LATEST_KILL_SECONDS))
        killed_at = await self._kill()
        rang = None
        with suppress(TimeoutError, EmulatorRefused):
            rang = await self._courier.next_call(within=0.5)  # the one of this round: it knows those of the others
        with suppress(EmulatorRefused):
            await calling.hang_up()
        facts = await rang.facts() if rang is not None else None

        started, ready_seconds = await self._start()
        hung_up = None
        if rang is not None and facts is not None and facts.ended is None:
            ended = await rang.ended(within=SETTLE_SECONDS)
            hung_up = max(0.0, (ended.ended or 0.0) - started)
            if hung_up > self._hung_up_within:
                raise Broken(f"A modem was hung up {hung_up:.2f} s after the start.")
        lost = await self._evidence.judge(before, killed_at=killed_at, call=facts, text=text, within=SETTLE_SECONDS)
        return Round(ready_seconds, hung_up, lost)

    async def _start(self) -> tuple[float, float]:
        """A daemon that is ready: when it was started (monotonic), and how long it took."""
        began = time.monotonic()
        with (self._site.directory / "daemon.log").open("ab") as log:
            self._daemon = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway", "run", "--config", str(self._site.config)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        while not await asyncio.to_thread(self._is_ready):
            if self._daemon.returncode is not None or time.monotonic() > began + READY_SECONDS:
                raise Broken(f"The daemon did not start; see {self._site.directory / 'daemon.log'}.")
            await asyncio.sleep(0.05)
        return began, time.monotonic() - began

    def _is_ready(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self._site.ports.api}/api/v1/health"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(json.load(answer)["status"] == "ready")
        except (OSError, ValueError, KeyError):
            return False

    async def _kill(self) -> float:
        """kill -9; the wall clock's moment."""
        if self._daemon is None or self._daemon.returncode is not None:
            raise Broken(f"The daemon ended by itself; see {self._site.directory / 'daemon.log'}.")
        moment = time.time()
        self._daemon.send_signal(signal.SIGKILL)
        await self._daemon.wait()
        return moment

    async def aclose(self) -> None:
        """No daemon is left."""
        if self._daemon is not None and self._daemon.returncode is None:
            await self._kill()


@asynccontextmanager
async def lane(directory: Path, seed: int, *, hung_up_within: float = HUNG_UP_SECONDS) -> AsyncIterator[Lane]:
    """A lane in a new directory, which is kept only when something broke."""
    site = prepare(directory, notice="none", usual_ports=False)
    # One kill after another is the point here: no daemon may leave out anything for it.
    site.config.write_text("safe_mode = false\n" + site.config.read_text(encoding="utf-8"), encoding="utf-8")
    # Enough for a call in every round: one that the budget refuses would show nothing.
    shop = re.sub(r"(?m)^(rings|pin) = .*$", r"\g<0>\nminutes_per_day = 1440", site.shop.read_text(encoding="utf-8"))
    site.shop.write_text(shop, encoding="utf-8")
    setup = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "shop", "import", str(site.shop), "--config", str(site.config)),
        stdout=asyncio.subprocess.DEVNULL,
        env={**os.environ, "LANG": "C.UTF-8"},
    )
    if await setup.wait() != 0:
        raise Broken("The shop could not be made.")
    async with running_emulator(site.emulator, modems=["huawei", "quectel", "simcom"]) as emulator:
        courier = await emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.2, says=[Say(SPEECH)])
        await emulator.subscriber(STRANGER)
        phone = await emulator.phone("101", site.phone_password, host="127.0.0.1", port=site.ports.sip)
        made = Lane(site, emulator, phone, courier, seed=seed, hung_up_within=hung_up_within)
        try:
            yield made
        finally:
            await made.aclose()
    shutil.rmtree(directory)
