"""The panel by TLS: the command itself, a certificate that it makes, and a browser that insists on it."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from gateway.demo.free_port import free_port
from gateway.settings import WebSettings

pytestmark = pytest.mark.real_time


@pytest.mark.parametrize(
    ("settings", "has_tls"),
    [
        (WebSettings(), False),
        (WebSettings(bind="localhost:8080"), False),
        (WebSettings(bind="[::1]:8080"), False),
        (WebSettings(bind="lan:8080"), True),
        (WebSettings(bind="192.168.1.5:8080"), True),
        (WebSettings(bind="lan:8080", tls=False), False),
        (WebSettings(bind="127.0.0.1:8080", tls=True), True),
    ],
)
def test_who_is_reached_from_outside_has_tls(settings: WebSettings, has_tls: bool) -> None:
    assert settings.has_tls is has_tls


@asynccontextmanager
async def panel(directory: Path, web: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`simbridge web` with this [web] table; no daemon is there."""
    config = directory / "gateway.toml"
    config.write_text(f'data_dir = "data"\n[api]\nbind = "127.0.0.1:1"\n[web]\n{web}\n', encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "STATE_DIRECTORY"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "web", "--config", str(config)),
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def status_by_tls(port: int, certificate: Path, within: float = 25.0) -> int:
    """The status of the panel's answer to a browser that trusts this certificate and no other."""
    deadline = time.monotonic() + within
    while True:
        try:
            trust = ssl.create_default_context(cafile=certificate)
            with closing(http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=trust)) as connection:
                connection.request("GET", "/")
                return connection.getresponse().status
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


async def test_a_certificate_is_made_and_no_password_goes_in_the_clear(tmp_path: Path) -> None:
    port = free_port(socket.SOCK_STREAM)
    async with panel(tmp_path, f'bind = "lan:{port}"'):
        certificate = tmp_path / "data" / "tls" / "panel-certificate.pem"
        assert await asyncio.to_thread(status_by_tls, port, certificate) == 503, (
            "the daemon is away, and the page says so"
        )
        assert (tmp_path / "data" / "tls" / "panel-key.pem").stat().st_mode & 0o077 == 0

        def in_the_clear() -> bytes:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return connection.recv(100)

        try:
            said = await asyncio.to_thread(in_the_clear)
        except ConnectionResetError:
            said = b""
        assert b"200" not in said
        assert b"<html" not in said
    first = certificate.read_bytes()
    async with panel(tmp_path, f'bind = "lan:{port}"'):
        await asyncio.to_thread(status_by_tls, port, certificate)
    assert certificate.read_bytes() == first, "browsers have been told to trust it"


async def test_a_certificate_that_cannot_be_used_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "mine.pem").write_text("not a certificate")
    (tmp_path / "mine.key").write_text("not a key")
    web = f'bind = "lan:{free_port(socket.SOCK_STREAM)}"\ntls_certificate = "mine.pem"\ntls_key = "mine.key"'
    async with panel(tmp_path, web) as process:
        _, said = await asyncio.wait_for(process.communicate(), 25)
    assert process.returncode == 2
    assert "mine.pem" in said.decode()
    assert "Traceback" not in said.decode()


async def test_a_certificate_without_its_key_stops_the_start(tmp_path: Path) -> None:
    async with panel(tmp_path, 'tls_certificate = "mine.pem"') as process:
        _, said = await asyncio.wait_for(process.communicate(), 25)
    assert process.returncode == 2
    assert 'gateway.toml:4: [web] needs both or none of "tls_certificate" and "tls_key".' in said.decode()
