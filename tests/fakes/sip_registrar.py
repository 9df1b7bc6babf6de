"""A provider that the test scripts: it answers each REGISTER and OPTIONS as told, and keeps what came."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from gateway.sip.grammar import MalformedMessage
from gateway.sip.message import Request, Response, parse_message
from gateway.sip.transport import Address
from tests.fakes.sip_peer import RtpSocket

Script = Callable[[Request], tuple[int, tuple[str, ...]] | None]
"""Status and more header fields; None: silence."""

SHOP_USER = "shop"
SHOP_PASSWORD = "provider-password"


@dataclass
class Asked:
    """One request as it came, and when."""

    request: Request
    at: float


@dataclass
class Provider:
    """One UDP socket; `script` answers REGISTER, `answers_options` the rest of what is no call."""

    script: Script
    host: str = "127.0.0.1"
    answers_options: bool = True
    asked: list[Asked] = field(default_factory=list)
    calls: list[Request | Response] = field(default_factory=list)
    """What was not looked at yet; a request that is repeated because it, or its answer, came late stands here once."""

    def __post_init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((self.host, 0))
        self.port: int = self._socket.getsockname()[1]
        self.media = RtpSocket(self.host)
        self.source = Address("", 0)
        self._arrived = asyncio.Event()
        self._seen: set[bytes] = set()
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self.media.close()

    @property
    def address(self) -> str:
        return str(Address(self.host, self.port))

    @property
    def registers(self) -> list[Asked]:
        """Each REGISTER, repetitions of the same one left out."""
        seen: dict[tuple[str, int], Asked] = {}
        for each in self.asked:
            if each.request.method == "REGISTER":
                seen.setdefault((each.request.call_id, each.request.cseq.number), each)
        return list(seen.values())

    def send(self, lines: list[str], body: bytes = b"", to: Address | None = None) -> None:
        text = "\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n"
        self._socket.sendto(text.encode() + body, to or self.source)

    def respond(
        self, request: Request, status: int, reason: str = "-", *, extra: tuple[str, ...] = (), body: bytes = b""
    ) -> None:
        lines = [f"SIP/2.0 {status} {reason}", *(f"Via: {value}" for value in request.headers.all("Via"))]
        to = request.headers.get("To") or ""
        lines += [f"From: {request.headers.get('From')}", f"To: {to}" if "tag=" in to else f"To: {to};tag=provider"]
        lines += [f"Call-ID: {request.call_id}", f"CSeq: {request.headers.get('CSeq')}", *extra]
        if body:
            lines.append("Content-Type: application/sdp")
        self.send(lines, body)

    async def next(self, *, within: float = 5.0) -> Request | Response:
        """The oldest message of a call that was not looked at yet."""
        async with asyncio.timeout(within):
            while not self.calls:
                self._arrived.clear()
                await self._arrived.wait()
        return self.calls.pop(0)

    async def next_request(self, method: str) -> Request:
        message = await self.next()
        assert isinstance(message, Request), message
        assert message.method == method, message
        return message

    async def next_response(self, status: int) -> Response:
        message = await self.next()
        assert isinstance(message, Response), message
        assert message.status == status, message
        return message

    def _read(self) -> None:
        while True:
            try:
                data, source = self._socket.recvfrom(65536)
            except BlockingIOError:
                return
            try:
                message = parse_message(data)
            except MalformedMessage:
                continue  # the last words of another test's program, to whoever had this port before
            self.source = Address(*source[:2])
            self._take(message, data)

    def _take(self, message: Request | Response, data: bytes) -> None:
        if isinstance(message, Request) and message.method == "INVITE" and data in self._seen:
            return
        self._seen.add(data)
        if isinstance(message, Response) or message.method not in ("REGISTER", "OPTIONS"):
            self.calls.append(message)
            self._arrived.set()
            return
        self.asked.append(Asked(message, asyncio.get_running_loop().time()))
        if message.method == "OPTIONS":
            if self.answers_options:
                self.respond(message, 200)
            return
        answer = self.script(message)
        if answer is not None:
            self.respond(message, answer[0], extra=answer[1])


def challenge(nonce: str = "one", *, realm: str = "provider", stale: bool = False, field_name: str = "WWW") -> str:
    return (
        f'{field_name}-Authenticate: Digest realm="{realm}", nonce="{nonce}", algorithm=MD5, qop="auth"'
        f"{', stale=true' if stale else ''}"
    )


def is_right(request: Request, nonce: str = "one", *, realm: str = "provider", name: str = "Authorization") -> bool:
    """Whether the credentials answer that nonce; written without our own digest code."""
    for value in request.headers.all(name):
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', value))
        if given.get("nonce") == nonce and given.get("realm") == realm:
            first = _md5(f"{SHOP_USER}:{realm}:{SHOP_PASSWORD}")
            second = _md5(f"{request.method}:{given['uri']}")
            expected = _md5(f"{first}:{nonce}:{given['nc']}:{given['cnonce']}:auth:{second}")
            return bool(given["response"] == expected and given["username"] == SHOP_USER)
    return False


def accepting(seconds: int = 300) -> Script:
    """A registrar that challenges once and grants `seconds`."""

    def answer(request: Request) -> tuple[int, tuple[str, ...]]:
        if not is_right(request):
            return 401, (challenge(),)
        return 200, (f"Contact: <{request.contacts[0].uri}>;expires={seconds}",)

    return answer


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
