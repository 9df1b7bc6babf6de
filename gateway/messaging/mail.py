"""Mail to a server of the owner's provider: SMTP (RFC 5321) by TLS, one message to one person at a time.

Port 465 is TLS from the first byte (RFC 8314 section 3.3); on any other one STARTTLS (RFC 3207) is demanded, except of
a server on this machine. Who signs in does so with AUTH PLAIN (RFC 4616), never in the clear.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TypeAlias

from gateway.errors import GatewayError, TryLater
from gateway.messaging.outside import Outside, ServerAway

PATIENCE_SECONDS = 60.0
"""For the whole delivery."""
GOODBYE_SECONDS = 2.0
TLS_PORT = 465
_MOST_LINES = 100
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class MailRefused(GatewayError):
    """A mail server does not want the message, or us, and will not want it later."""

    code = "mail-refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """By whom mail goes out. Without `user` nobody signs in. `sender` is the address that it comes from."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    may_be_private: bool = False
    """gateway.toml itself has named it: it may be in a private network."""


SendMail: TypeAlias = Callable[[MailServer, str, EmailMessage], Awaitable[None]]
"""Deliver a message to one address. Raises TryLater, MailRefused and AddressBarred; their sentences hold no secret and
no address of a person."""


def make_mail(
    *, sender: str, recipient: str, subject: str, text: str, message_id: str, written_at: datetime
) -> EmailMessage:
    """A message in plain text. `message_id` lets the receiver know one that came twice."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = sender, recipient
    message["Subject"] = " ".join(subject.split())
    message["Date"] = format_datetime(written_at)
    message["Message-ID"] = f"<{message_id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday note in answer
    message.set_content(text, cte="base64")
    return message


def mail_sender(outside: Outside) -> SendMail:
    """What delivers mail by that way out."""

    async def send_mail(server: MailServer, recipient: str, message: EmailMessage) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await _deliver(outside, server, recipient, message)
        except ssl.SSLError as fault:
            raise ServerAway(f"The mail server's TLS does not do ({fault.reason or type(fault).__name__}).") from None
        except (OSError, TimeoutError, EOFError, ValueError) as fault:
            raise ServerAway(f"The mail server cannot be reached ({type(fault).__name__}).") from None

    return send_mail


async def _deliver(outside: Outside, server: MailServer, recipient: str, message: EmailMessage) -> None:
    tls = ssl.create_default_context()
    reader, writer = await outside.connect(
        server.host,
        server.port,
        tls=tls if server.port == TLS_PORT else None,
        may_be_private=server.may_be_private,
    )
    talk = _Talk(reader, writer)
    try:
        await talk.heard(220)
        extensions = await talk.greet()
        if server.port != TLS_PORT and server.host not in _LOOPBACK:
            if "STARTTLS" not in extensions:
                raise MailRefused("The mail server offers no TLS.")
            await talk.say("STARTTLS", 220)
            await writer.start_tls(tls, server_hostname=server.host)
            await talk.greet()
        if server.user:
            await talk.say(f"AUTH PLAIN {_plain(server)}", 235)
        await talk.say(f"MAIL FROM:<{server.sender}>", 250)
        await talk.say(f"RCPT TO:<{recipient}>", 250, 251)
        await talk.say("DATA", 354)
        lines = bytes(message).rstrip(b"\r\n").split(b"\r\n")
        # A line that begins with a full stop gets another one (RFC 5321 section 4.5.2).
        stuffed = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)
        await talk.send(stuffed + b"\r\n.", 250)
        with suppress(TryLater, MailRefused, OSError, EOFError, ValueError, TimeoutError):  # it is delivered already
            async with asyncio.timeout(GOODBYE_SECONDS):
                await talk.say("QUIT", 221)
    finally:
        writer.close()


def _plain(server: MailServer) -> str:
    return base64.b64encode(f"\0{server.user}\0{server.password}".encode()).decode("ascii")


class _Talk:
    """One command, one reply."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def greet(self) -> set[str]:
        """What the server can do, by the words of its EHLO lines."""
        lines = await self.say("EHLO [127.0.0.1]", 250)
        return {line.partition(" ")[0].upper() for line in lines[1:]}

    async def say(self, line: str, *wanted: int) -> list[str]:
        """Send a command; the texts of the reply."""
        if "\r" in line or "\n" in line:
            raise MailRefused("An address for mail holds a line break.")
        return await self.send(line.encode("ascii"), *wanted)

    async def send(self, data: bytes, *wanted: int) -> list[str]:
        """Send bytes and a line end; the texts of the reply."""
        self._writer.write(data + b"\r\n")
        await self._writer.drain()
        return await self.heard(*wanted)

    async def heard(self, *wanted: int) -> list[str]:
        """The texts of a reply. Raises TryLater for another one that may change (4yz), MailRefused for the rest."""
        texts: list[str] = []
        while len(texts) < _MOST_LINES:
            line = await self._reader.readline()
            if not line.endswith(b"\n"):
                raise EOFError
            texts.append(line[4:].decode("utf-8", "replace").strip())
            if line[3:4] == b"-":
                continue
            code = int(line[:3])
            if code in wanted:
                return texts
            if 400 <= code < 500:
                raise TryLater(f"The mail server answered {code}.")
            raise MailRefused(f"The mail server answered {code}.", status=code)
        raise ValueError("a reply without end")
