"""A registrar for one account, in as few lines as a test of a phone needs; it can lose what it hears."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable
from typing import cast

PASSWORD = "secret"


class Registrar(asyncio.DatagramProtocol):
    """Challenges each request without credentials, and checks those that have some."""

    def __init__(self, password: str, algorithms: tuple[str, ...], loses: Callable[[int], bool]) -> None:
        self.requests: list[str] = []
        self.accepted: list[str] = []
        self._password = password
        self._algorithms = algorithms
        self._loses = loses
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def address(self) -> tuple[str, int]:
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")[:2]
        return host, port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def datagram_received(self, data: bytes, addr: object) -> None:
        text = data.decode()
        self.requests.append(text)
        if self._loses(len(self.requests)):
            return
        assert self._transport is not None
        self._transport.sendto(self._answer(text).encode(), cast("tuple[str, int]", addr))

    def _answer(self, request: str) -> str:
        method, uri, _ = request.split(" ", 2)
        kept = re.findall(r"(?m)^(?:Via|From|To|Call-ID|CSeq): .*\r\n", request)
        authorization = re.search(r"(?m)^Authorization: Digest (.*)\r$", request)
        if authorization is None:
            challenges = [
                f'WWW-Authenticate: Digest realm="test", nonce="n1", qop="auth", algorithm={name}\r\n'
                for name in self._algorithms
            ]
            return "".join(["SIP/2.0 401 Unauthorized\r\n", *kept, *challenges, "Content-Length: 0\r\n\r\n"])
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', authorization[1]))
        if given["response"] != self._expected(given, method, uri):
            return "".join(["SIP/2.0 403 Forbidden\r\n", *kept, "Content-Length: 0\r\n\r\n"])
        self.accepted.append(given["algorithm"])
        contact = re.search(r"(?m)^Contact: (.*)\r$", request)
        assert contact is not None
        return "".join(["SIP/2.0 200 OK\r\n", *kept, f"Contact: {contact[1]};expires=120\r\nContent-Length: 0\r\n\r\n"])

    def _expected(self, given: dict[str, str], method: str, uri: str) -> str:
        def digest(text: str) -> str:
            name = {"MD5": "md5", "SHA-256": "sha256"}[given["algorithm"]]
            return hashlib.new(name, text.encode()).hexdigest()

        secret = digest(f"{given['username']}:test:{self._password}")
        rest = f"n1:{given['nc']}:{given['cnonce']}:auth:{digest(f'{method}:{uri}')}"
        return digest(f"{secret}:{rest}")


async def start_registrar(
    *,
    password: str = PASSWORD,
    algorithms: tuple[str, ...] = ("SHA-256", "MD5"),
    loses: Callable[[int], bool] = lambda _: False,
) -> Registrar:
    loop = asyncio.get_running_loop()
    _, registrar = await loop.create_datagram_endpoint(
        lambda: Registrar(password, algorithms, loses), local_addr=("127.0.0.1", 0)
    )
    return registrar
