"""A mail server on loopback that answers as it is told, and keeps what came."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class SmtpServer:
    """`refuses` gives other replies for commands, by their first word; `tls` lets it offer STARTTLS."""

    refuses: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    port: int = 0
    commands: list[str] = field(default_factory=list)
    encrypted: list[str] = field(default_factory=list)
    """Those that came by TLS."""
    messages: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.refuses.get("greeting", "220 here").encode() + b"\r\n")
        while line := (await reader.readline()).decode().rstrip("\r\n"):
            verb = line.partition(" ")[0]
            self.commands.append(line)
            if writer.get_extra_info("ssl_object") is not None:
                self.encrypted.append(verb)
            reply = self.refuses.get(verb) or self._reply(verb)
            writer.write(reply.replace("\n", "\r\n").encode() + b"\r\n")
            if verb == "STARTTLS" and self.tls is not None and reply.startswith("220"):
                await writer.drain()
                await writer.start_tls(self.tls)
            if reply.startswith("354"):
                self.messages.append((await reader.readuntil(b"\r\n.\r\n"))[:-5])
                writer.write(self.refuses.get("message", "250 kept").encode() + b"\r\n")
            if verb == "QUIT":
                return

    def _reply(self, verb: str) -> str:
        offers = "\n250-STARTTLS" if self.tls is not None else ""
        fixed = {"EHLO": f"250-here{offers}\n250 AUTH PLAIN LOGIN", "AUTH": "235 in", "DATA": "354 go on"}
        return fixed.get(verb, {"QUIT": "221 bye", "STARTTLS": "220 now"}.get(verb, "250 good"))


@asynccontextmanager
async def smtp_server(
    server: SmtpServer, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[SmtpServer]:
    """Served within the block, on a free port; `tls` is spoken from the first byte."""
    listening = await asyncio.start_server(server.serve, host, 0, ssl=tls)
    try:
        server.port = listening.sockets[0].getsockname()[1]
        yield server
    finally:
        listening.close()
        await listening.wait_closed()
