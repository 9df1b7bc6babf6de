"""The demo's processes: emulated modems, daemon, worker and panel, started in order and ended cleanly."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.demo.site import MODEMS, Site
from gateway.errors import GatewayError

START_SECONDS = 30.0
STOP_SECONDS = 25.0


class DemoFailed(GatewayError):
    """A process of the demo did not start, or ended by itself."""

    code = "demo-failed"


class Processes:
    """Started on entry, ended on exit. Each writes its log into `logs/` of the site."""

    def __init__(
        self,
        site: Site,
        *,
        panel: bool,
        say: Callable[[str], None],
        has_modems: bool = True,
        start_seconds: float = START_SECONDS,
    ) -> None:
        self._start_seconds = start_seconds
        self._site = site
        self._has_modems = has_modems
        self._panel = panel
        self._say = say
        self._running: dict[str, asyncio.subprocess.Process] = {}

    async def __aenter__(self) -> Self:
        """Start everything and wait until it serves. Raises DemoFailed with the end of the log."""
        try:
            await self._start_all()
        except BaseException:
            await self._stop_all()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything, the panel first and the modems last."""
        await self._stop_all()

    async def one_ended(self) -> str:
        """Wait until a process ends by itself; its name."""
        waits = {asyncio.create_task(each.wait()): name for name, each in self._running.items()}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return waits[done.pop()]
        finally:
            for task in waits:
                task.cancel()

    def log_of(self, name: str) -> Path:
        """Where a process writes."""
        return self._site.directory / "logs" / f"{name}.log"

    async def _start_all(self) -> None:
        (self._site.directory / "logs").mkdir(exist_ok=True)
        is_new = self._site.is_new
        if self._has_modems:
            await self._start_modems()
        config = ("--config", str(self._site.config))
        if is_new:
            self._say("Setting up the demo shop ...")
            setup = await self._start("setup", "-m", "gateway", "shop", "import", str(self._site.shop), *config)
            status = await setup.wait()
            del self._running["setup"]
            if status != 0:
                raise self._failure("setup")
        self._say("Starting the daemon, the worker and the panel ...")
        await self._start("daemon", "-m", "gateway", "run", *config)
        await self._start("worker", "-m", "gateway", "worker", *config)
        if self._panel:
            await self._start("panel", "-m", "gateway", "web", *config)
        await self._until("daemon", lambda: _health(self._site.ports.api) == "ready")
        if self._panel:
            await self._until("panel", lambda: _answers(self._site))

    async def _start_modems(self) -> None:
        families = ",".join(family for _name, family in MODEMS)
        self._say("Starting the emulated modems ...")
        emulator = ("-m", "gateway.emulator", "--directory", str(self._site.emulator), "--modems", families)
        (self._site.emulator / "control.sock").unlink(missing_ok=True)
        await self._start("emulator", *emulator, "--people")
        await self._until("emulator", (self._site.emulator / "control.sock").exists)

    async def _start(self, name: str, *arguments: str) -> asyncio.subprocess.Process:
        with self.log_of(name).open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us alone; we end them in order
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        self._running[name] = process
        return process

    async def _until(self, name: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self._start_seconds
        while not await asyncio.to_thread(ready):
            if self._running[name].returncode is not None or time.monotonic() > deadline:
                raise self._failure(name)
            await asyncio.sleep(0.05)

    def _failure(self, name: str) -> DemoFailed:
        text = self.log_of(name).read_text(encoding="utf-8", errors="replace").rstrip()
        end = "\n".join(text.splitlines()[-15:])
        return DemoFailed(f"The {name} of the demo did not start. The end of {self.log_of(name)}:\n{end}", process=name)

    async def _stop_all(self) -> None:
        for name in ("panel", "worker", "daemon", "setup", "emulator"):
            process = self._running.pop(name, None)
            if process is None or process.returncode is not None:
                continue
            process.terminate()
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


def _health(port: int) -> str | None:
    """The daemon's own word; None while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/health", timeout=2) as answer:
            return str(json.load(answer)["status"])
    except (OSError, ValueError, KeyError):
        return None


def _answers(site: Site) -> bool:
    """The panel serves pages, with the certificate that it should have."""
    try:
        trust = ssl.create_default_context(cafile=site.panel_certificate) if site.has_tls else None
        with urllib.request.urlopen(site.panel_url, timeout=5, context=trust):  # noqa: S310  # our own address
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
