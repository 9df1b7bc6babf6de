"""A backup that somebody in the panel asks for: the same as every night, by a process of its own, and how far it is."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from gateway.backup.make import Step

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """So many bytes of so many; no bytes are known at the very beginning."""

    step: Step = Step.SEALING
    done_bytes: int = 0
    all_bytes: int = 0


class BackupOnDemand:
    """One backup at a time, for as long as `run` is not cancelled; a failure is noted where every night's is."""

    def __init__(self, command: tuple[str, ...]) -> None:
        """`command` is what makes a backup, and tells how far it is by lines of JSON."""
        self._command = command
        self._wanted = asyncio.Event()
        self._progress: Progress | None = None

    @property
    def progress(self) -> Progress | None:
        """None: none is being made."""
        return self._progress

    def begin(self) -> None:
        """Have one made; one that is under way already is enough. Returns at once."""
        if self._progress is None:
            self._progress = Progress()
            self._wanted.set()

    async def run(self) -> NoReturn:
        """Make what is wanted."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self._make()
            except OSError as fault:
                log.error("No backup can be made: %s", fault)
            finally:
                self._progress = None

    async def _make(self) -> None:
        process = await asyncio.create_subprocess_exec(*self._command, stdout=PIPE)
        try:
            if process.stdout is not None:
                await self._follow(process.stdout)
            if await process.wait() != 0:
                log.error("The backup that was asked for could not be made.")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _follow(self, lines: asyncio.StreamReader) -> None:
        async for line in lines:
            try:
                told = json.loads(line)
                self._progress = Progress(Step(told["step"]), int(told["done_bytes"]), int(told["all_bytes"]))
            except (ValueError, KeyError, TypeError):
                log.info("%s", line.decode("utf-8", errors="replace").strip())


def backup_command(config: Path) -> tuple[str, ...]:
    """`simbridge backup --progress` of this installation."""
    return (sys.executable, "-m", "gateway", "backup", "--progress", "--config", str(config))
