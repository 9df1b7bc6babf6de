"""A provider on TCP or TLS, by the standard library alone: what the test scripts, on connections that it accepts."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.sip.certificate import make_certificate
from gateway.sip.message import parse_message
from gateway.sip.transport import Address
from tests.fakes.sip_registrar import Provider, Script


class StreamProvider(Provider):
    """It speaks on the connection that was opened last; `connections` counts them all."""

    transport = "TCP"
    connections = 0
    _writer: asyncio.StreamWriter | None = None
    _accepting: asyncio.Task[None] | None = None

    async def listen(self, context: ssl.SSLContext | None = None) -> None:
        """Accept connections."""
        self.transport = "TCP" if context is None else "TLS"
        listening = socket.create_server((self.host, self.port))
        listening.setblocking(False)
        self._accepting = asyncio.get_running_loop().create_task(self._accept(listening, context))

    async def shut(self) -> None:
        """End all connections, and accept no more."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
            self._accepting = None
        self.cut()
        await asyncio.sleep(0.05)

    def cut(self) -> None:
        """End the connection."""
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None

    def send(self, lines: list[str], body: bytes = b"", to: Address | None = None) -> None:
        assert to is None
        assert self._writer is not None, "nobody is connected"
        text = "\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n"
        self._writer.write(text.replace("SIP/2.0/UDP", f"SIP/2.0/{self.transport}").encode() + body)

    async def _accept(self, listening: socket.socket, context: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        with listening:
            while True:
                accepted, _ = await loop.sock_accept(listening)
                reader = asyncio.StreamReader()
                protocol = asyncio.StreamReaderProtocol(reader, self._serve)
                with contextlib.suppress(OSError):  # who does not trust us goes away
                    await loop.connect_accepted_socket(functools.partial(_same, protocol), accepted, ssl=context)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writer = writer
        self.source = Address(*writer.get_extra_info("peername")[:2])
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")
                )
                data = head + await reader.readexactly(length)
                self._take(parse_message(data), data)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            writer.transport.abort()


@asynccontextmanager
async def stream_provider(
    script: Script, directory: Path | None = None, *, certified_for: str = "127.0.0.1"
) -> AsyncIterator[StreamProvider]:
    """A provider on TCP, or, with a `directory` for its certificate, on TLS."""
    with StreamProvider(script) as provider:
        await provider.listen(
            None if directory is None else await asyncio.to_thread(_certified, directory, certified_for)
        )
        try:
            yield provider
        finally:
            await provider.shut()


def _same(protocol: asyncio.StreamReaderProtocol) -> asyncio.StreamReaderProtocol:
    return protocol


def ca_file(directory: Path) -> str:
    """What vouches for the provider of that directory."""
    return str(directory / "provider.pem")


def _certified(directory: Path, host: str) -> ssl.SSLContext:
    certificate, key = directory / "provider.pem", directory / "provider.key"
    make_certificate(certificate, key, (host,))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
