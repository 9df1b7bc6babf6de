"""What DNS says of a provider: addresses, SRV and NAPTR records (RFC 3263, RFC 2782).

Every question is asked in a thread of its own, so that a slow or silent DNS server holds up nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol, TypeVar

QUESTION_SECONDS = 4.0
"""So long the DNS servers may take for an SRV or NAPTR question."""

_Answer = TypeVar("_Answer")


class Srv(NamedTuple):
    """An SRV record: where a name is served. A lower priority is better; the weight shares load among equals."""

    priority: int
    weight: int
    port: int
    target: str


class Naptr(NamedTuple):
    """A NAPTR record that leads to SRV records. `kind` is "SIP+D2U", "SIP+D2T" or "SIPS+D2T"."""

    order: int
    preference: int
    kind: str
    name: str


class Names(Protocol):
    """A DNS. Each verb raises OSError when no answer is to be had."""

    async def addresses(self, host: str) -> list[str]:
        """The addresses of a name, best first."""

    async def srv(self, name: str) -> list[Srv]:
        """The SRV records of a name like `_sip._udp.example.net`; empty when there are none."""

    async def naptr(self, host: str) -> list[Naptr]:
        """The NAPTR records of a name; empty when there are none."""


class SystemNames:
    """The DNS of this machine. `nameserver`, an address and port, is asked in place of it for SRV and NAPTR."""

    def __init__(self, nameserver: tuple[str, int] | None = None) -> None:
        self._nameserver = nameserver

    async def addresses(self, host: str) -> list[str]:
        """By the system's resolver, which knows /etc/hosts too."""

        def ask() -> list[str]:
            try:
                rows = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
            except UnicodeError as fault:
                raise OSError(str(fault)) from fault
            return list(dict.fromkeys(str(row[4][0]) for row in rows))

        return await in_thread(ask)

    async def srv(self, name: str) -> list[Srv]:
        """By the DNS servers of /etc/resolv.conf."""
        rows = await in_thread(lambda: self._ask(name, "SRV"))
        return [Srv(row.priority, row.weight, row.port, row.target.to_text(omit_final_dot=True)) for row in rows]

    async def naptr(self, host: str) -> list[Naptr]:
        """By the DNS servers of /etc/resolv.conf; records that need rewriting (a regular expression) are left out."""
        rows = await in_thread(lambda: self._ask(host, "NAPTR"))
        return [
            Naptr(row.order, row.preference, _text(row.service).upper(), row.replacement.to_text(omit_final_dot=True))
            for row in rows
            if _text(row.flags).lower() == "s" and not row.regexp
        ]

    def _ask(self, name: str, kind: str) -> list[Any]:
        # Here alone: most shops name no provider, and need no DNS library in memory.
        import dns.exception  # noqa: PLC0415  # as said above
        import dns.resolver  # noqa: PLC0415  # as said above

        try:
            resolver = dns.resolver.Resolver(configure=self._nameserver is None)
            if self._nameserver is not None:
                resolver.nameservers, resolver.port = [self._nameserver[0]], self._nameserver[1]
            return list(resolver.resolve(name, kind, lifetime=QUESTION_SECONDS, search=False))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as fault:
            raise OSError(f"The DNS does not answer for {name}: {fault}") from fault


def in_order(records: Iterable[Srv], dice: random.Random) -> list[Srv]:
    """The records in the order in which they are to be tried: by priority, at random by weight (RFC 2782)."""
    left = sorted(records, key=lambda each: (each.priority, each.weight))
    ordered: list[Srv] = []
    while left:
        equals = [each for each in left if each.priority == left[0].priority]
        throw = dice.uniform(0, sum(each.weight for each in equals))
        for chosen in equals:
            throw -= chosen.weight
            if throw <= 0:
                break
        ordered.append(chosen)
        left.remove(chosen)
    return ordered


async def in_thread(work: Callable[[], _Answer]) -> _Answer:
    """The result of blocking work, done in a thread that nobody has to wait for, not even at the end."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[_Answer] = loop.create_future()

    def report(act: Callable[[], None]) -> None:
        if not answer.done():
            act()

    def run() -> None:
        try:
            found = work()
        except OSError as fault:
            trouble = fault
            said = lambda: answer.set_exception(trouble)  # noqa: E731  # one of two ways to end
        else:
            said = lambda: answer.set_result(found)  # noqa: E731  # the other way
        with contextlib.suppress(RuntimeError):  # the loop was closed while the DNS server was silent
            loop.call_soon_threadsafe(report, said)

    threading.Thread(target=run, name="DNS", daemon=True).start()
    return await answer


def _text(value: bytes | str) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else value
