"""The one way out to addresses that people have typed in: webhooks, the shop's own program, mail servers (T-W5).

Whoever may set such an address must not reach with it what only this machine can reach: its own ports, the router, the
shop's LAN, a cloud's metadata. A name is resolved once, every address that it means is judged, and the connection goes
to those addresses and no others, so that a name that means something else a moment later leads nowhere new. No
redirection is followed, no proxy of the environment is used, and what comes back has a bound in bytes and seconds.
Private hosts that gateway.toml names are let through: who writes that file has the machine anyway.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from gateway.errors import GatewayError, TryLater

PATIENCE_SECONDS = 5.0
"""For name, connection, question and answer together, unless a caller says otherwise."""
MOST_BYTES = 64 * 1024
LONGEST_ADDRESS = 2000
_PIECE_BYTES = 16 * 1024
_EMBEDDING = (ip_network("64:ff9b::/96"), ip_network("::/96"))
"""IPv4 within IPv6 (RFC 6052, and RFC 4291 section 2.5.5.1): the last 32 bits are the address that is reached."""
_LOCAL_TRANSLATION = ip_network("64:ff9b:1::/48")
"""A network's own translation to its IPv4 (RFC 8215)."""
_SCHEMES = ("https", "http")
_OURS = {"Accept-Encoding": "identity", "User-Agent": "simbridge"}

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host. Raises OSError."""


class AddressBarred(GatewayError):
    """An address leads to where only this machine, or this network, can go, and gateway.toml does not allow it."""

    code = "address-barred"


class AddressUnusable(GatewayError):
    """What was given as an address is none that can be asked by HTTP."""

    code = "address-unusable"


class ServerAway(TryLater):
    """Nobody answers at the address, or not in time; `values["is_slow"]`: not in time."""

    code = "server-away"


@dataclass(frozen=True, slots=True)
class Question:
    """What a server is asked by HTTP. Only its method and its bounds are ever printed: the rest may hold a secret."""

    method: str
    address: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    may_be_private: bool = False
    """The address is from gateway.toml itself."""
    seconds: float = PATIENCE_SECONDS
    most_bytes: int = MOST_BYTES


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: the HTTP status, and its body as far as it was read."""

    status: int
    body: bytes = b""
    retry_after: str = ""
    """The header of that name."""
    is_cut: bool = False
    """There was more than anybody would read."""


Ask: TypeAlias = Callable[[Question], Awaitable[Answer]]
"""`Outside.ask`, for those who are given it."""


class Outside:
    """The way out. `private` are the hosts, as they stand in an address, that may be anywhere."""

    def __init__(self, private: Iterable[str] = (), *, resolve: Resolve | None = None) -> None:
        self._private = frozenset(_plain_host(each) for each in private)
        self._resolve = resolve or _addresses_of

    async def ask(self, question: Question) -> Answer:
        """Ask, and read the answer. Raises ServerAway, AddressBarred and AddressUnusable, which name no path."""
        url = _url(question.address)
        try:
            async with asyncio.timeout(question.seconds):
                # The same reader of addresses that makes the connection: two could understand one in two ways.
                pinned = await self.addresses(url.host or "", url.port or 0, may_be_private=question.may_be_private)
                async with (
                    aiohttp.ClientSession(
                        connector=aiohttp.TCPConnector(resolver=_Pinned(pinned), use_dns_cache=False, force_close=True),
                        cookie_jar=aiohttp.DummyCookieJar(),
                        auto_decompress=False,
                    ) as session,
                    session.request(
                        question.method,
                        url,
                        data=question.body,
                        headers={**_OURS, **question.headers},
                        allow_redirects=False,
                    ) as answer,
                ):
                    return await _read(answer, question.most_bytes)
        except TimeoutError:
            raise ServerAway(
                f"The server has not answered within {question.seconds:g} seconds.", is_slow=True
            ) from None
        except (aiohttp.ClientError, OSError, ValueError) as fault:
            # The fault's own words may hold the address, and that a token.
            raise ServerAway(f"The server cannot be reached ({type(fault).__name__}).", is_slow=False) from None

    async def connect(
        self, host: str, port: int, *, tls: ssl.SSLContext | None, may_be_private: bool = False
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection, with TLS for the name `host` if a context is given. Raises OSError and AddressBarred."""
        fault: OSError = OSError("the name means no address")
        for address in await self.addresses(host, port, may_be_private=may_be_private):
            try:
                return await asyncio.open_connection(
                    address, port, ssl=tls, server_hostname=host if tls is not None else None
                )
            except OSError as refused:
                fault = refused
        raise fault

    async def addresses(self, host: str, port: int, *, may_be_private: bool = False) -> Sequence[str]:
        """What a host means now, once it was judged. Raises OSError and AddressBarred."""
        found = await self._resolve(host, port)
        if not found:
            raise OSError("the name means no address")
        if not (may_be_private or _plain_host(host) in self._private or all(is_public(each) for each in found)):
            raise AddressBarred(f"{host} is in a private network, which [outside] of gateway.toml does not name.")
        return found


def is_public(address: str) -> bool:
    """Anybody in the internet may reach it, whatever it is wrapped in."""
    found = _unwrapped(ip_address(address.partition("%")[0]))
    if isinstance(found, IPv6Address) and (found.is_site_local or found in _LOCAL_TRANSLATION):
        return False
    return found.is_global and not found.is_multicast


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
    if inner is None and any(address in network for network in _EMBEDDING):
        inner = IPv4Address(int(address) & 0xFFFF_FFFF)
    return inner if inner is not None else address


def _url(address: str) -> URL:
    try:
        url = URL(address)
        is_usable = url.scheme in _SCHEMES and bool(url.host) and url.user is None and url.password is None
    except ValueError:
        is_usable = False
    if not is_usable or len(address) > LONGEST_ADDRESS:
        raise AddressUnusable("An address must begin with https:// or http:// and name a host.")
    return url


def _plain_host(host: str) -> str:
    return host.strip("[]").rstrip(".").casefold()


async def _read(answer: aiohttp.ClientResponse, most_bytes: int) -> Answer:
    read = bytearray()
    async for piece in answer.content.iter_chunked(_PIECE_BYTES):
        read += piece
        if len(read) > most_bytes:
            break
    retry_after = answer.headers.get("Retry-After", "")
    return Answer(answer.status, bytes(read[:most_bytes]), retry_after, is_cut=len(read) > most_bytes)


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


async def _addresses_of(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
