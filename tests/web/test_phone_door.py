"""The door for phones in the panel's own process: `simbridge web` with `phones` in [web]."""

from __future__ import annotations

import asyncio
import http.client
import socket
import time
from contextlib import closing
from pathlib import Path

import pytest

from gateway.demo.free_port import free_port
from tests.web.test_tls import panel

pytestmark = pytest.mark.real_time


def status_of(port: int, path: str, within: float = 25.0) -> int:
    """The status, as soon as somebody answers."""
    deadline = time.monotonic() + within
    while True:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                connection.request("GET", path)
                return connection.getresponse().status
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


async def test_the_command_opens_the_door(tmp_path: Path) -> None:
    web, door = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_STREAM)
    async with panel(tmp_path, f'bind = "127.0.0.1:{web}"\nphones = "127.0.0.1:{door}"'):
        word = "x" * 32
        assert await asyncio.to_thread(status_of, door, f"/{word}/linphone.xml") == 503, "the daemon is away"
        assert await asyncio.to_thread(status_of, door, "/login") == 404
        assert await asyncio.to_thread(status_of, web, f"/{word}/linphone.xml") == 503


async def test_a_port_that_is_taken_does_not_keep_the_panel_from_serving(tmp_path: Path) -> None:
    web = free_port(socket.SOCK_STREAM)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        door = taken.getsockname()[1]
        async with panel(tmp_path, f'bind = "127.0.0.1:{web}"\nphones = "127.0.0.1:{door}"'):
            assert await asyncio.to_thread(status_of, web, "/login") == 503


async def test_a_door_without_a_port_stops_the_start(tmp_path: Path) -> None:
    async with panel(tmp_path, 'phones = "lan"') as process:
        _, said = await asyncio.wait_for(process.communicate(), 25)
    assert process.returncode == 2
    assert '"phones" of [web] must be like' in said.decode()
