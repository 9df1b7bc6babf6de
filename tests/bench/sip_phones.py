"""Phones of the SIP bench: many calls over one UDP socket each, by the text of messages and nothing of the gateway."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

ANSWER_SECONDS = 10.0
"""So long a request may wait for its final response before the call counts as failed."""
_REPEAT_SECONDS = 0.5
_RECEIVE_BYTES = 4 * 1024 * 1024


class Failed(Exception):
    """A request was refused, or not answered in time."""


@dataclass
class _Asked:
    final: asyncio.Future[str]
    statuses: list[int] = field(default_factory=list)


class BenchPhone(asyncio.DatagramProtocol):
    """One account. It answers every call that comes; `failures` are those that it was refused."""

    def __init__(self, extension: str, password: str, server: tuple[str, int], host: str) -> None:
        self.extension = extension
        self.answered = 0
        self._password = password
        self._server = server
        self._host = host
        self._port = 0
        self._asked: dict[str, _Asked] = {}
        self._answers: dict[tuple[str, str], str] = {}
        self._repeats: dict[str, asyncio.TimerHandle] = {}
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self) -> None:
        """Bind, with room for a burst."""
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        bound.bind((self._host, 0))
        bound.setblocking(False)
        self._port = bound.getsockname()[1]
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, sock=bound)

    def close(self) -> None:
        """Unbind."""
        for timer in self._repeats.values():
            timer.cancel()
        if self._transport is not None:
            self._transport.close()

    # What it does.

    async def register(self) -> None:
        """Once, with its challenge. Raises Failed."""
        await self._ask_with_password("REGISTER", self.extension, secrets.token_hex(8), ("Expires: 300",))

    async def call(self, extension: str, seconds: float) -> None:
        """A call from INVITE to BYE. Raises Failed."""
        async with self.calling(extension):
            await asyncio.sleep(seconds)

    @asynccontextmanager
    async def calling(self, extension: str) -> AsyncIterator[tuple[str, int]]:
        """A call that is answered, and hung up in the end: where its sound goes. Raises Failed."""
        call_id = secrets.token_hex(8)
        body = self._description()
        answer = await self._ask_with_password("INVITE", extension, call_id, ("Content-Type: application/sdp",), body)
        to = _field(answer, "To")
        number = _field(answer, "CSeq").split()[0]
        self._send(self._request("ACK", extension, call_id, int(number), to=to))
        media = re.search(r"m=audio (\d+)", answer)
        yield self._server[0], int(media[1]) if media is not None else 0
        await self._ask(self._request("BYE", extension, call_id, int(number) + 1, to=to))

    def send_to(self, data: bytes, remote: tuple[str, int]) -> None:
        """Any packet from the phone's port."""
        if self._transport is not None:
            self._transport.sendto(data, remote)

    # Requests of its own.

    async def _ask_with_password(
        self, method: str, user: str, call_id: str, fields: tuple[str, ...], body: str = ""
    ) -> str:
        challenge = await self._ask(self._request(method, user, call_id, 1, fields=fields, body=body), expects=401)
        if method == "INVITE":
            to = _field(challenge, "To")
            branch = _branch(challenge)
            self._send(self._request("ACK", user, call_id, 1, to=to, branch=branch))
        credentials = self._credentials(challenge, method, self._uri(user))
        return await self._ask(self._request(method, user, call_id, 2, fields=(*fields, credentials), body=body))

    async def _ask(self, request: str, *, expects: int = 200) -> str:
        key = f"{_field(request, 'Call-ID')} {_field(request, 'CSeq')}"
        asked = self._asked[key] = _Asked(asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                wait = _REPEAT_SECONDS
                while True:
                    if not asked.statuses:
                        self._send(request)
                    try:
                        answer = await asyncio.wait_for(asyncio.shield(asked.final), wait)
                        break
                    except TimeoutError:
                        wait *= 2
        except TimeoutError:
            raise Failed(f"{key}: no answer, but {asked.statuses}") from None
        finally:
            del self._asked[key]
        if _status(answer) != expects:
            raise Failed(f"{key}: {answer.partition(chr(13))[0]}")
        return answer

    def _request(
        self,
        method: str,
        user: str,
        call_id: str,
        number: int,
        *,
        fields: tuple[str, ...] = (),
        body: str = "",
        to: str = "",
        branch: str = "",
    ) -> str:
        host = self._server[0]
        lines = [
            f"{method} {self._uri(user)} SIP/2.0",
            f"Via: SIP/2.0/UDP {self._host}:{self._port};rport;branch={branch or 'z9hG4bK' + secrets.token_hex(8)}",
            "Max-Forwards: 70",
            f"From: <sip:{self.extension}@{host}>;tag={call_id[:8]}",
            f"To: {to or f'<sip:{user}@{host}>'}",
            f"Call-ID: {call_id}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:{self.extension}@{self._host}:{self._port}>",
            *fields,
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def _uri(self, user: str) -> str:
        return f"sip:{user}@{self._server[0]}:{self._server[1]}"

    def _credentials(self, challenge: str, method: str, uri: str) -> str:
        line = next(each for each in challenge.split("\r\n") if each.startswith("WWW-Authenticate") and "MD5" in each)
        realm, nonce = (re.search(rf'{name}="([^"]+)"', line) for name in ("realm", "nonce"))
        if realm is None or nonce is None:
            raise Failed("a challenge without realm or nonce")
        first = _md5(f"{self.extension}:{realm[1]}:{self._password}")
        answer = _md5(f"{first}:{nonce[1]}:00000001:abc:auth:{_md5(f'{method}:{uri}')}")
        return (
            f'Authorization: Digest username="{self.extension}", realm="{realm[1]}", nonce="{nonce[1]}", uri="{uri}", '
            f'algorithm=MD5, qop=auth, nc=00000001, cnonce="abc", response="{answer}"'
        )

    def _description(self) -> str:
        return (
            f"v=0\r\no=- 1 1 IN IP4 {self._host}\r\ns=-\r\nc=IN IP4 {self._host}\r\nt=0 0\r\n"
            f"m=audio {self._port} RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
        )

    # What comes.

    def datagram_received(self, data: bytes, _address: tuple[str, int]) -> None:
        """A message, or the sound of a call, which nobody listens to."""
        if data[:1] == b"\x80":
            return
        text = data.decode()
        if text.startswith("SIP/2.0 "):
            self._receive_response(text)
            return
        match text.partition(" ")[0]:
            case "INVITE":
                self._receive_invite(text)
            case "ACK":
                self._stop_repeating(_field(text, "Call-ID"))
            case "BYE" | "OPTIONS" | "CANCEL" | "NOTIFY":
                self._send(_answer(text, "200 OK"))

    def _receive_response(self, text: str) -> None:
        asked = self._asked.get(f"{_field(text, 'Call-ID')} {_field(text, 'CSeq')}")
        if asked is None:
            return
        asked.statuses.append(_status(text))
        if _status(text) >= 200 and not asked.final.done():
            asked.final.set_result(text)

    def _receive_invite(self, text: str) -> None:
        key = (_field(text, "Call-ID"), _field(text, "CSeq"))
        answer = self._answers.get(key)
        if answer is None:
            tag = secrets.token_hex(4)
            contact = f"Contact: <sip:{self.extension}@{self._host}:{self._port}>"
            self._send(_answer(text, "180 Ringing", tag, contact))
            fields = f"{contact}\r\nContent-Type: application/sdp"
            answer = self._answers[key] = _answer(text, "200 OK", tag, fields, self._description())
            self.answered += 1
            self._repeat(key[0], answer, _REPEAT_SECONDS)
            asyncio.get_running_loop().call_later(60.0, self._answers.pop, key, None)
        self._send(answer)

    def _repeat(self, call_id: str, answer: str, after: float) -> None:
        def again() -> None:
            self._send(answer)
            if after < 8:
                self._repeat(call_id, answer, 2 * after)

        self._repeats[call_id] = asyncio.get_running_loop().call_later(after, again)

    def _stop_repeating(self, call_id: str) -> None:
        timer = self._repeats.pop(call_id, None)
        if timer is not None:
            timer.cancel()

    def _send(self, text: str) -> None:
        if self._transport is not None:
            self._transport.sendto(text.encode(), self._server)


def _answer(request: str, status: str, tag: str = "", fields: str = "", body: str = "") -> str:
    lines = [f"SIP/2.0 {status}"]
    for line in request.partition("\r\n\r\n")[0].split("\r\n")[1:]:
        name = line.partition(":")[0].lower()
        if name in ("via", "from", "call-id", "cseq", "record-route"):
            lines.append(line)
        elif name == "to":
            lines.append(line if "tag=" in line or not tag else f"{line};tag={tag}")
    lines += [fields] if fields else []
    return "\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body


def _field(message: str, name: str) -> str:
    start = message.find(f"\r\n{name}: ") + len(name) + 4
    return message[start : message.find("\r\n", start)]


def _branch(message: str) -> str:
    found = re.search(r"branch=([^;\s,]+)", message)
    return "" if found is None else found[1]


def _status(message: str) -> int:
    return int(message[8:11])


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


async def every(interval: float, count: int, begin: Callable[[int], None]) -> None:
    """Call `begin` that many times, that far apart by the clock, however long each takes."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    for number in range(count):
        await asyncio.sleep(max(0.0, start + number * interval - loop.time()))
        begin(number)
