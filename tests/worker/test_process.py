"""The worker as a process: niced, answering from the store, gone at SIGTERM without a trace."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from gateway.settings import Settings
from gateway.store.database import prepare
from gateway.worker import NICENESS

_PROGRAM = """
import sys
from pathlib import Path
from gateway.settings import Settings
from gateway.worker import run_worker
run_worker(Settings(data_dir=Path(sys.argv[1])), ("true",))
"""


@contextmanager
def _running(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", _PROGRAM, str(settings.data_dir)])
    try:
        deadline = time.monotonic() + 20
        while not settings.worker_socket.is_socket():
            assert process.poll() is None, "the worker has ended"
            assert time.monotonic() < deadline, "the worker does not bind its socket"
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait(10)


async def _ask(settings: Settings, path: str) -> tuple[int, dict[str, object]]:
    connector = aiohttp.UnixConnector(path=str(settings.worker_socket))
    async with aiohttp.ClientSession(connector=connector) as client, client.get(f"http://worker{path}") as answer:
        return answer.status, await answer.json(content_type=None)


def _niceness(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16])


@pytest.mark.real_time
async def test_it_answers_niced_and_ends_cleanly(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    await asyncio.to_thread(prepare, settings)
    with _running(settings) as process:
        assert await _ask(settings, "/api/v1/calls") == (200, {"items": [], "next": None})
        assert _niceness(process.pid) - _niceness(os.getpid()) == min(NICENESS, 19 - _niceness(os.getpid()))
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 10) == 0
        assert not settings.worker_socket.exists()


@pytest.mark.real_time
async def test_a_store_that_is_not_there_yet_is_said_in_words(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with _running(settings):
        status, answer = await _ask(settings, "/api/v1/calls")
        assert (status, answer["code"]) == (503, "store-error")
        await asyncio.to_thread(prepare, settings)
        assert (await _ask(settings, "/api/v1/calls"))[0] == 200
