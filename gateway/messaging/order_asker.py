"""Asks the shop's own program for an order by HTTP: short patience, and no way into a private network (T-W5).

The name is resolved once, every address is judged, and the connection goes to these addresses and no others, so that
a name that means something else a moment later leads nowhere new.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.telephony.order_reading import SourceTrouble
from gateway.telephony.order_status import OrderHeader, OrderSource

PATIENCE_SECONDS = 2.0
MOST_BYTES = 64 * 1024
_PIECE_BYTES = 16 * 1024
_TRANSLATED = ip_network("64:ff9b::/96")
"""IPv4 within IPv6 (RFC 6052): the last 32 bits are the address that is reached."""

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host. Raises OSError."""


async def ask_shop(
    source: OrderSource, headers: Sequence[OrderHeader], digits: str, *, resolve: Resolve | None = None
) -> bytes | SourceTrouble:
    """The body of the answer for an order, or why there is none. Takes PATIENCE_SECONDS at most.

    `digits` are nothing else.
    """
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            url = source.url.replace("{number}", digits)
            parts = urlsplit(url)
            addresses = await (resolve or _resolve)(parts.hostname or "", parts.port or 443)
            if not addresses:
                return SourceTrouble.UNREACHABLE
            if not source.private and not all(is_public(each) for each in addresses):
                return SourceTrouble.PRIVATE_ADDRESS
            return await _ask(url, headers, _Pinned(addresses))
    except TimeoutError:
        return SourceTrouble.TOO_SLOW
    except (aiohttp.ClientError, OSError, ValueError):
        return SourceTrouble.UNREACHABLE  # the fault's own words may hold the address, and that a key


def is_public(address: str) -> bool:
    """Anybody in the internet may reach it, whatever it is wrapped in."""
    found = _unwrapped(ip_address(address.partition("%")[0]))
    return found.is_global and not found.is_multicast


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
    if inner is None and address in _TRANSLATED:
        inner = IPv4Address(int(address) & 0xFFFF_FFFF)
    return inner if inner is not None else address


async def _ask(url: str, headers: Sequence[OrderHeader], pinned: AbstractResolver) -> bytes | SourceTrouble:
    asked = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "simbridge"}
    asked |= {header.name: header.secret for header in headers if header.secret}
    async with (
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=pinned, use_dns_cache=False, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        ) as session,
        session.get(url, headers=asked, allow_redirects=False) as answer,
    ):
        if answer.status != 200:
            return _TROUBLES.get(answer.status, SourceTrouble.FAILED)
        body = bytearray()
        async for piece in answer.content.iter_chunked(_PIECE_BYTES):
            body += piece
            if len(body) > MOST_BYTES:
                return SourceTrouble.TOO_LARGE
        return bytes(body)


_TROUBLES = {
    401: SourceTrouble.REFUSED,
    403: SourceTrouble.REFUSED,
    404: SourceTrouble.NOT_FOUND,
    410: SourceTrouble.NOT_FOUND,
}


@dataclass(frozen=True, slots=True)
class _Pinned(AbstractResolver):
    """Knows nothing but the addresses that were judged."""

    addresses: Sequence[str]

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """They, whatever the name is."""
        return [
            ResolveResult(
                hostname=host, host=each, port=port, proto=0, flags=socket.AI_NUMERICHOST,
                family=socket.AF_INET6 if ":" in each else socket.AF_INET,
            )
            for each in self.addresses
            if family in (socket.AF_UNSPEC, socket.AF_INET6 if ":" in each else socket.AF_INET)
        ]  # fmt: skip

    async def close(self) -> None:
        """Nothing is open."""


async def _resolve(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
