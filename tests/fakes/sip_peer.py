"""A scripted SIP peer: it sends what the test writes, and shows what came, byte for byte.

It has no transactions and no dialogs of its own, so that a fault of ours meets nobody who mends it. Two things it
does keep from the test, because they come when they like: the OPTIONS by which the server asks whether the phone
lives (answered with 200, unless `answers_options` is off), and repetitions of what `response` and `asked` showed.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import struct
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gateway.audio.g711 import Law, encode
from gateway.sip.message import Message, Request, Response, parse_message
from gateway.sip.transport import Address
from gateway.sip.uri import write_host
from tests.fakes.sip import PASSWORD


class Peer:
    """One UDP socket of a phone, with a second one for its media."""

    def __init__(
        self, server: Address, user: str = "101", *, host: str = "127.0.0.1", password: str = PASSWORD
    ) -> None:
        self.server = server
        self.user = user
        self.password = password
        self.host = host
        self.tag = "mine"
        self.received: list[Message] = []
        """What was not looked at yet, repetitions too."""
        self.answers_options = True
        """Off: an OPTIONS is for the test to answer, like everything else."""
        self._seen: set[bytes] = set()
        self._repeated: list[Message] = []
        self.media = RtpSocket(host)
        self._socket = _bound(host)
        self.port = self._socket.getsockname()[1]
        self._arrived = asyncio.Event()
        self._count = 0
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self.media.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Sending.

    def send_raw(self, data: bytes) -> None:
        self._socket.sendto(data, self.server)

    def send(self, text: str, body: bytes = b"") -> None:
        """Send lines of text as a message; Content-Length is added."""
        lines = [line.strip() for line in text.strip().splitlines()]
        lines.append(f"Content-Length: {len(body)}")
        self.send_raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def new_branch(self) -> str:
        self._count += 1
        return f"z9hG4bK{self.user}x{self.port}x{self._count}"

    def request(
        self,
        method: str,
        user: str,
        *,
        call_id: str,
        number: int,
        to_tag: str | None = None,
        from_tag: str | None = None,
        branch: str | None = None,
        body: bytes = b"",
        extra: tuple[str, ...] = (),
    ) -> None:
        host, port = write_host(self.server[0]), self.server[1]
        to = f"<sip:{user}@{host}>" + (f";tag={to_tag}" if to_tag else "")
        lines = [
            f"{method} sip:{user}@{host}:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP {write_host(self.host)}:{self.port};rport;branch={branch or self.new_branch()}",
            "Max-Forwards: 70",
            f"From: <sip:{self.user}@{host}>;tag={from_tag or self.tag}",
            f"To: {to}",
            f"Call-ID: {call_id}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:{self.user}@{write_host(self.host)}:{self.port}>",
            *extra,
        ]
        if body:
            lines.append("Content-Type: application/sdp")
        self.send("\n".join(lines), body)

    def respond(
        self,
        request: Request,
        status: int,
        reason: str,
        *,
        tag: str = "theirs",
        body: bytes = b"",
        extra: tuple[str, ...] = (),
    ) -> None:
        to = request.headers.get("To") or ""
        lines = [f"SIP/2.0 {status} {reason}"]
        lines += [f"Via: {value}" for value in request.headers.all("Via")]
        lines += [f"Record-Route: {value}" for value in request.headers.all("Record-Route")]
        lines += [
            f"From: {request.headers.get('From')}",
            f"To: {to}" if "tag=" in to or status == 100 else f"To: {to};tag={tag}",
        ]
        lines += [f"Call-ID: {request.call_id}", f"CSeq: {request.headers.get('CSeq')}"]
        lines += [f"Contact: <sip:{self.user}@{write_host(self.host)}:{self.port}>"]
        lines += extra
        if body:
            lines.append("Content-Type: application/sdp")
        self.send("\n".join(lines), body)

    def authorization(self, challenge: Response, method: str, uri: str, *, algorithm: str = "MD5", nc: int = 1) -> str:
        """An Authorization field that answers the challenge of that algorithm; written without our own digest code."""
        given = next(each for _, each in challenge.challenges() if each.get("algorithm") == algorithm)
        new = hashlib.md5 if algorithm == "MD5" else hashlib.sha256

        def hashed(text: str) -> str:
            return new(text.encode()).hexdigest()

        realm, nonce = given.get("realm"), given.get("nonce")
        first, second = hashed(f"{self.user}:{realm}:{self.password}"), hashed(f"{method}:{uri}")
        answer = hashed(f"{first}:{nonce}:{nc:08x}:abc:auth:{second}")
        return (
            f'Authorization: Digest username="{self.user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
            f'algorithm={algorithm}, qop=auth, nc={nc:08x}, cnonce="abc", response="{answer}"'
        )

    def old_authorization(self, nonce: str, method: str, uri: str) -> str:
        """An Authorization of the form of RFC 2069, for any nonce."""

        def hashed(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        first, second = hashed(f"{self.user}:simbridge:{self.password}"), hashed(f"{method}:{uri}")
        answer = hashed(f"{first}:{nonce}:{second}")
        return (
            f'Authorization: Digest username="{self.user}", realm="simbridge", nonce="{nonce}", uri="{uri}", '
            f'response="{answer}"'
        )

    # Receiving.

    def _read(self) -> None:
        while True:
            try:
                data = self._socket.recv(65536)
            except BlockingIOError:
                break
            self.take(data)

    def take(self, data: bytes) -> None:
        """One message has come."""
        message = parse_message(data)
        if self.answers_options and isinstance(message, Request) and message.method == "OPTIONS":
            self.respond(message, 200, "OK")
            return
        if data in self._seen and _comes_by_itself(message):
            self._repeated.append(message)
        self._seen.add(data)
        self.received.append(message)
        self._arrived.set()

    async def next(self, *, within: float = 5.0) -> Message:
        """The oldest message that was not looked at yet."""
        async with asyncio.timeout(within):
            while not self.received:
                self._arrived.clear()
                await self._arrived.wait()
        return self.received.pop(0)

    async def response(self, *statuses: int, within: float = 5.0) -> Response:
        """The next message that is no repetition; it must be a response of one of these statuses."""
        message = await self._next_new(within)
        assert isinstance(message, Response), message
        assert message.status in statuses, message
        return message

    async def asked(self, method: str, within: float = 5.0) -> Request:
        """The next message that is no repetition; it must be a request of this method."""
        message = await self._next_new(within)
        assert isinstance(message, Request), message
        assert message.method == method, message
        return message

    async def _next_new(self, within: float) -> Message:
        async with asyncio.timeout(within):
            while True:
                message = await self.next(within=within)
                if not any(message is each for each in self._repeated):
                    return message

    # Whole exchanges.

    async def register(self, *, expires: int = 300, extra: tuple[str, ...] = (), status: int = 200) -> Response:
        call_id = f"register-{self.port}-{self.new_branch()}"
        fields = (f"Expires: {expires}", *extra)
        self.request("REGISTER", self.user, call_id=call_id, number=1, extra=fields)
        challenge = await self.response(401)
        uri = f"sip:{self.user}@{self.server}"
        fields = (*fields, self.authorization(challenge, "REGISTER", uri))
        self.request("REGISTER", self.user, call_id=call_id, number=2, extra=fields)
        return await self.response(status)

    async def invite(
        self,
        user: str,
        *,
        call_id: str = "call",
        body: bytes | None = None,
        extra: tuple[str, ...] = (),
        branch: str | None = None,
    ) -> None:
        """Send an INVITE that is let in; what it is answered with is for the test to read. Its number is 2."""
        body = self.media.offer() if body is None else body
        self.request("INVITE", user, call_id=call_id, number=1, body=body, extra=extra)
        challenge = await self.response(401)
        uri = f"sip:{user}@{self.server}"
        fields = (*extra, self.authorization(challenge, "INVITE", uri))
        self.request("INVITE", user, call_id=call_id, number=2, body=body, extra=fields, branch=branch)

    async def call(self, user: str, *, call_id: str = "call", body: bytes | None = None) -> Response:
        """A call that is answered: its 200, acknowledged."""
        await self.invite(user, call_id=call_id, body=body)
        await self.response(100)
        answer = await self.response(180, 200)
        if answer.status == 180:
            answer = await self.response(200)
        self.ack(user, answer)
        if answer.body:
            self.media.use_answer(answer.body)
        return answer

    def ack(self, user: str, answer: Response, *, body: bytes = b"") -> None:
        self.request(
            "ACK", user, call_id=answer.call_id, number=answer.cseq.number, to_tag=answer.recipient.tag, body=body
        )


def _comes_by_itself(message: Message) -> bool:
    """It is repeated because of what was lost or late, not in answer to what the test has sent again."""
    if isinstance(message, Request):
        return message.method != "ACK"
    return message.cseq.method == "INVITE" and message.status >= 200


@dataclass
class Heard:
    """One RTP packet as it came."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    payload: bytes
    at: float


@dataclass
class RtpSocket:
    """The media of a peer: it sends what it is told, and keeps what it hears."""

    host: str = "127.0.0.1"
    heard: list[Heard] = field(default_factory=list)
    remote: tuple[str, int] | None = None
    ssrc: int = 0x1234
    sequence: int = 100
    timestamp: int = 5000
    port: int = 0
    """Left out: any that is free."""
    raw: list[bytes] = field(default_factory=list)
    """What was heard, byte for byte."""

    def __post_init__(self) -> None:
        self._socket = _bound(self.host, self.port)
        self.port = self._socket.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def offer(self, formats: str = "0 8 96", way: str = "sendrecv", host: str | None = None) -> bytes:
        at = host or self.host
        family = "IP6" if ":" in at else "IP4"
        return (
            f"v=0\r\no=- 1 1 IN {family} {at}\r\ns=-\r\nc=IN {family} {at}\r\nt=0 0\r\n"
            f"m=audio {self.port} RTP/AVP {formats}\r\na=rtpmap:96 telephone-event/8000\r\na={way}\r\n"
        ).encode()

    def use_answer(self, body: bytes) -> None:
        line = next(line for line in body.decode().splitlines() if line.startswith("m=audio"))
        self.remote = (self.host, int(line.split()[1]))

    def send(self, payload: bytes, *, payload_type: int = 0, marker: bool = False, samples: int | None = None) -> None:
        """One packet; the numbers go on by themselves."""
        second = payload_type | (0x80 if marker else 0)
        header = struct.pack(">BBHII", 0x80, second, self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, self.ssrc)
        self.send_raw(header + payload)
        self.sequence += 1
        self.timestamp += len(payload) if samples is None else samples

    def send_raw(self, data: bytes) -> None:
        assert self.remote is not None
        self._socket.sendto(data, self.remote)

    def send_frame(self, frame: NDArray[np.int16]) -> None:
        self.send(encode(frame, Law.ULAW))

    def _read(self) -> None:
        now = asyncio.get_running_loop().time()
        while True:
            try:
                data = self._socket.recv(2048)
            except BlockingIOError:
                return
            self.raw.append(data)
            _, second, sequence, timestamp, _ = struct.unpack_from(">BBHII", data)
            self.heard.append(Heard(second & 0x7F, bool(second & 0x80), sequence, timestamp, data[12:], now))


def _bound(host: str, port: int = 0) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    bound.setblocking(False)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
