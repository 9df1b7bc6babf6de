"""A browser that is a phone, as far as a server sees one: SIP by a tunnel, checks, a handshake, sealed media.

Its handshake and its sealing are OpenSSL's and libsrtp's; its checks are written here.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import socket
import struct
import zlib
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL
from pylibsrtp import Policy, Session

from gateway.sip.message import Message, Request, Response, parse_message
from gateway.sip.self_signed import self_signed
from gateway.sip.tunnel import Tunnels

COOKIE = bytes.fromhex("2112a442")


def check_bytes(user: str, password: str, *, nominates: bool = True, transaction: bytes | None = None) -> bytes:
    """A check as a browser sends it (RFC 8445 section 7.1): USERNAME, PRIORITY, USE-CANDIDATE, its seal, its sum."""
    name = user.encode()
    body = struct.pack("!HH", 0x0006, len(name)) + name + bytes(-len(name) % 4)
    body += struct.pack("!HHI", 0x0024, 4, 0x6E7F1EFF)
    body += struct.pack("!HHQ", 0x802A, 8, 1)
    if nominates:
        body += struct.pack("!HH", 0x0025, 0)
    head = COOKIE + (transaction or os.urandom(12))
    counted = struct.pack("!HH", 1, len(body) + 24) + head + body
    body += struct.pack("!HH", 0x0008, 20) + hmac.new(password.encode(), counted, hashlib.sha1).digest()
    whole = struct.pack("!HH", 1, len(body) + 8) + head + body
    return whole + struct.pack("!HHI", 0x8028, 4, zlib.crc32(whole) ^ 0x5354554E)


class BrowserMediaSide:
    """One UDP socket of a browser."""

    def __init__(self) -> None:
        pem, secret = self_signed(())
        made = x509.load_pem_x509_certificate(pem)
        self.fingerprint = made.fingerprint(hashes.SHA256()).hex(":").upper()
        context = SSL.Context(SSL.DTLS_METHOD)
        context.use_certificate(made)
        private = load_pem_private_key(secret, None)
        assert isinstance(private, EllipticCurvePrivateKey)
        context.use_privatekey(private)
        context.set_tlsext_use_srtp(b"SRTP_AES128_CM_SHA1_80")
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        self.fragment = "brow"
        self.password = "b" * 24
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(("127.0.0.1", 0))
        self.answers: list[bytes] = []
        """To checks, as they came."""
        self.heard: list[bytes] = []
        """RTP, opened."""
        self.unsealed: list[bytes] = []
        """What came as RTP or RTCP and could not be opened."""
        self.takes_part = True
        """In the handshake."""
        self.theirs = ""
        self.has_keys = asyncio.Event()
        self._connection = SSL.Connection(context, None)
        self._connection.set_accept_state()
        self._session: tuple[Session, Session] | None = None
        self._remote: tuple[str, int] = ("", 0)
        asyncio.get_running_loop().add_reader(self.socket, self._read)

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    @property
    def is_sealed(self) -> bool:
        return self._session is not None

    def description(
        self, *, fingerprint: str | None = None, setup: str = "actpass", formats: str = "111 0 8 101"
    ) -> bytes:
        """As Chromium writes it, shortened; its address is one that nobody can reach."""
        lines = [
            "v=0", "o=- 4611 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0",
            f"m=audio 9 UDP/TLS/RTP/SAVPF {formats}", "c=IN IP4 0.0.0.0", "a=rtcp:9 IN IP4 0.0.0.0",
            f"a=ice-ufrag:{self.fragment}", f"a=ice-pwd:{self.password}", "a=ice-options:trickle",
            f"a=fingerprint:sha-256 {fingerprint or self.fingerprint}", f"a=setup:{setup}", "a=mid:0", "a=sendrecv",
            "a=rtcp-mux", "a=rtpmap:111 opus/48000/2", "a=rtpmap:101 telephone-event/8000",
        ]  # fmt: skip
        return ("\r\n".join(lines) + "\r\n").encode()

    def learn(self, description: bytes) -> dict[str, str]:
        """Our server's side: its names, its fingerprint, and where it is."""
        said = dict(
            line[2:].split(":", 1)
            for line in description.decode().split("\r\n")
            if line.startswith("a=") and ":" in line
        )
        words = said["candidate"].split()
        self._remote = (words[4], int(words[5]))
        self.theirs = said["fingerprint"].split()[1]
        return said

    def send(self, data: bytes) -> None:
        self.socket.sendto(data, self._remote)

    def check(self, said: dict[str, str], *, password: str | None = None, user: str | None = None) -> None:
        """Look whether the way is good."""
        name = user or f"{said['ice-ufrag']}:{self.fragment}"
        self.send(check_bytes(name, password or said["ice-pwd"]))

    def shake_hands(self) -> None:
        """Begin, or go on."""
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            pass
        else:
            keys = self._connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 60)
            theirs, ours = keys[:16] + keys[32:46], keys[16:32] + keys[46:]
            self._session = (
                Session(Policy(key=ours, ssrc_type=Policy.SSRC_ANY_OUTBOUND)),
                Session(Policy(key=theirs, ssrc_type=Policy.SSRC_ANY_INBOUND)),
            )
            self.has_keys.set()
        self._flush()

    def say(self, packet: bytes) -> None:
        """Send RTP, sealed."""
        assert self._session is not None
        self.send(bytes(self._session[0].protect(packet)))

    def _flush(self) -> None:
        while True:
            try:
                self.send(self._connection.bio_read(5000))
            except SSL.WantReadError:
                return

    def _read(self) -> None:
        while True:
            try:
                data = self.socket.recv(2000)
            except BlockingIOError:
                return
            if data[0] < 4:
                self.answers.append(data)
            elif data[0] < 64:
                if self.takes_part:
                    self._connection.bio_write(data)
                    self.shake_hands()
            elif 192 <= data[1] < 224:
                self._open(data, is_report=True)
            else:
                self._open(data, is_report=False)

    def _open(self, data: bytes, *, is_report: bool) -> None:
        if self._session is None:
            self.unsealed.append(data)
            return
        session = self._session[1]
        opened = bytes(session.unprotect_rtcp(data) if is_report else session.unprotect(data))
        if not is_report:
            self.heard.append(opened)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()


class Browser:
    """SIP by a tunnel."""

    def __init__(self, tunnels: Tunnels, extension: str, *, owner: str = "anna") -> None:
        self._tunnels = tunnels
        self.owner = owner
        self.extension = extension
        self.media = BrowserMediaSide()
        self.tunnel = tunnels.open(extension, "127.0.0.1", owner)
        self._came: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._count = 0

    async def read(self) -> None:
        """Until the tunnel is closed."""
        async for data in self.tunnel.messages(silence=30):
            if data:
                self._came.append(parse_message(data))
                self._arrived.set()

    async def next(self, kind: int | str) -> Message:
        """The next message of that kind: a response with that status, or a request with that method."""
        async with asyncio.timeout(20):
            while True:
                for message in self._came:
                    status = message.status if isinstance(message, Response) else None
                    method = message.method if isinstance(message, Request) else None
                    if kind in (status, method):
                        self._came.remove(message)
                        return message
                self._arrived.clear()
                await self._arrived.wait()

    def send(self, text: str, body: bytes = b"") -> bool:
        lines = [line.strip() for line in text.strip().splitlines()]
        lines.append(f"Content-Length: {len(body)}")
        data = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        return self._tunnels.receive(self.tunnel.id, self.owner, data)

    def request(
        self, method: str, to: str, *, number: int, body: bytes = b"", to_tag: str = "", call_id: str = "c1"
    ) -> bool:
        self._count += 1
        tag = f";tag={to_tag}" if to_tag else ""
        return self.send(
            f"""{method} sip:{to}@x.invalid SIP/2.0
            Via: SIP/2.0/WSS browser.invalid;branch=z9hG4bK{self.extension}{self._count}
            Max-Forwards: 69
            From: <sip:{self.extension}@x.invalid>;tag=mine
            To: <sip:{to}@x.invalid>{tag}
            Call-ID: {call_id}
            CSeq: {number} {method}
            Contact: <sip:b@browser.invalid;transport=ws>;expires=120
            """
            + ("Content-Type: application/sdp\n" if body else ""),
            body,
        )

    def respond(self, request: Request, status: int, body: bytes = b"") -> None:
        self.send(
            "\n".join(
                [
                    f"SIP/2.0 {status} Said",
                    *(f"{name}: {request.headers.get(name)}" for name in ("Via", "From", "Call-ID", "CSeq")),
                    f"To: {request.headers.get('To')};tag=theirs",
                    "Contact: <sip:b@browser.invalid;transport=ws>",
                    *(["Content-Type: application/sdp"] if body else []),
                ]
            ),
            body,
        )

    async def sealed(self, description: bytes) -> None:
        """From our server's description to keys."""
        said = self.media.learn(description)
        self.media.check(said)
        self.media.shake_hands()
        async with asyncio.timeout(20):
            await self.media.has_keys.wait()
        await asyncio.sleep(0.05)


@asynccontextmanager
async def browser(tunnels: Tunnels, extension: str, *, owner: str = "anna") -> AsyncIterator[Browser]:
    """A browser that reads its messages until the block ends."""
    made = Browser(tunnels, extension, owner=owner)
    reading = asyncio.create_task(made.read())
    try:
        yield made
    finally:
        tunnels.close(made.tunnel.id)
        await reading
        made.media.close()
