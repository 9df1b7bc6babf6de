"""A backup that is asked for: by a process of its own, followed, one at a time."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.backup.make import Step
from gateway.backup.on_demand import BackupOnDemand, Progress, backup_command

_HALF = '{"step": "checking", "done_bytes": 3, "all_bytes": 6}'


@asynccontextmanager
async def served(backups: BackupOnDemand) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(backups.run())
        try:
            yield
        finally:
            running.cancel()


async def until(backups: BackupOnDemand, *expected: Progress | None) -> None:
    async with asyncio.timeout(30):
        while backups.progress not in expected:  # noqa: ASYNC110  # there is no event for it
            await asyncio.sleep(0.01)


@pytest.mark.real_time
async def test_it_is_followed_and_made_once(tmp_path: Path) -> None:
    go, count = tmp_path / "go", tmp_path / "count"
    program = (
        f"import pathlib, time\nprint('a word that is no progress')\nprint('{_HALF}', flush=True)\n"
        f"open({str(count)!r}, 'a').write('x')\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\n"
    )
    backups = BackupOnDemand((sys.executable, "-c", program))
    async with served(backups):
        await until(backups, None)
        backups.begin()
        assert backups.progress == Progress(Step.SEALING, 0, 0), "at once, so that who asked sees it"
        await until(backups, Progress(Step.CHECKING, 3, 6))
        backups.begin()
        go.touch()
        await until(backups, None)
        assert count.read_text() == "x"
        backups.begin()
        await until(backups, None)
        assert count.read_text() == "xx"


@pytest.mark.real_time
@pytest.mark.parametrize("command", [("/no/such/program",), (sys.executable, "-c", "raise SystemExit(1)")])
async def test_one_that_cannot_be_made_is_over_and_the_next_may_be(
    command: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    backups = BackupOnDemand(command)
    async with served(backups):
        for _ in range(2):
            backups.begin()
            await until(backups, None)
    assert sum(record.levelname == "ERROR" for record in caplog.records) == 2


@pytest.mark.real_time
async def test_the_program_goes_with_its_worker(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    program = (
        f"import os, time\nopen({str(mark)!r}, 'w').write(str(os.getpid()))\n"
        f"print('{_HALF}', flush=True)\ntime.sleep(60)\n"
    )
    backups = BackupOnDemand((sys.executable, "-c", program))
    async with served(backups):
        backups.begin()
        await until(backups, Progress(Step.CHECKING, 3, 6))
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_the_command_is_the_nightly_one() -> None:
    assert backup_command(Path("/etc/x.toml"))[-4:] == ("backup", "--progress", "--config", "/etc/x.toml")
