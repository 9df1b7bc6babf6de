"""Where a provider is: its host name, the addresses that the name has, and the one in use.

Names are looked up in a thread of their own, so that a slow or silent DNS server holds up nothing. What was
found last stays good for a day when the next look-up fails (X-N2).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from gateway.sip.transport import Address, Flow, is_numeric
from gateway.sip.uri import parse_host_port

log = logging.getLogger(__name__)

LAST_GOOD_SECONDS = 86_400.0
FIRST_PATIENCE_SECONDS = 60.0
"""So long the first look-up may take: without it there is nobody to speak to."""
PATIENCE_SECONDS = 5.0
"""So long a later one may take, before the addresses found last are used again."""

Resolve: TypeAlias = Callable[[str], Awaitable[list[str]]]
"""The addresses of a name, best first. Raises OSError when there are none to be had."""


class Place:
    """A registrar or proxy. `host` is a name or an address, with a port where it is not 5060."""

    def __init__(self, host: str, flow_to: Callable[[Address], Flow | None], resolve: Resolve) -> None:
        self.host, port = parse_host_port(host)
        self.port = port or 5060
        self.given_port = port
        self._flow_to = flow_to
        self._resolve = resolve
        self._hosts: list[str] = [self.host] if is_numeric(self.host) else []
        self._found_at = 0.0

    @property
    def hosts(self) -> tuple[str, ...]:
        """All addresses, the one in use first."""
        return tuple(self._hosts)

    @property
    def flow(self) -> Flow | None:
        """The way there; None: no address is known, or none of our sockets reaches it."""
        return self._flow_to(Address(self._hosts[0], self.port)) if self._hosts else None

    def has_failed(self) -> None:
        """The address in use does not answer: the next one is in use from now on."""
        self._hosts = self._hosts[1:] + self._hosts[:1]

    async def look_up(self) -> None:
        """Ask for the addresses again. What fails leaves those of the last time, for a day."""
        if is_numeric(self.host):
            return
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS if self._hosts else FIRST_PATIENCE_SECONDS):
                found = await self._resolve(self.host)
        except (OSError, TimeoutError) as fault:
            log.debug("The name %s cannot be looked up: %s", self.host, fault)
            if self._hosts and now - self._found_at > LAST_GOOD_SECONDS:
                self._hosts = []
            return
        self._found_at = now
        if set(found) != set(self._hosts):
            self._hosts = list(dict.fromkeys(found))


async def resolve_by_system(host: str) -> list[str]:
    """The addresses of a name by the system's resolver, in a thread that nobody has to wait for."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()

    def report(found: list[str], fault: OSError | None) -> None:
        if answer.done():
            return
        if fault is not None:
            answer.set_exception(fault)
        else:
            answer.set_result(found)

    def ask() -> None:
        found: list[str] = []
        trouble: OSError | None = None
        try:
            rows = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
            found = list(dict.fromkeys(str(row[4][0]) for row in rows))
        except (OSError, UnicodeError) as fault:
            trouble = fault if isinstance(fault, OSError) else OSError(str(fault))
        with contextlib.suppress(RuntimeError):  # the loop was closed while the DNS server was silent
            loop.call_soon_threadsafe(report, found, trouble)

    threading.Thread(target=ask, name=f"look up {host}", daemon=True).start()
    return await answer
