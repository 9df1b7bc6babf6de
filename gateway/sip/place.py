"""Where a provider is: the ways there that its name has, in order, and the one in use (RFC 3263).

A name without a port is asked for SRV records first, and for NAPTR records where the owner leaves the
transport to them. What was found last stays good for a day when the next look-up fails (X-N2). A way that has
failed is passed over for ten minutes.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeAlias

from gateway.sip.grammar import MalformedMessage
from gateway.sip.resolver import Names, Srv, in_order
from gateway.sip.transport import Address, Flow, Stream, is_numeric
from gateway.sip.uri import parse_host_port
from gateway.telephony.shop import SipTransport

log = logging.getLogger(__name__)

LAST_GOOD_SECONDS = 86_400.0
FIRST_PATIENCE_SECONDS = 60.0
"""So long the first look-up may take: without it there is nobody to speak to."""
PATIENCE_SECONDS = 5.0
"""So long a later one may take, before what was found last is used again."""
FAILED_SECONDS = 600.0
"""So long a way that has failed is passed over while there are others."""
DEFAULT_PORTS = {"UDP": 5060, "TCP": 5060, "TLS": 5061}

_SRV_NAMES = {"UDP": "_sip._udp", "TCP": "_sip._tcp", "TLS": "_sips._tcp"}
_NAPTR_KINDS = {"SIP+D2U": "UDP", "SIP+D2T": "TCP", "SIPS+D2T": "TLS"}


class Hop(NamedTuple):
    """One way to a provider. `transport` as a Via names it."""

    transport: str
    address: Address


FlowTo: TypeAlias = Callable[[Address], Flow | None]
Connect: TypeAlias = Callable[[Hop], Awaitable[Stream]]
"""A connection to a hop, one that is open already or a new one. Raises OSError when there is none to be had."""


class Place:
    """A registrar or proxy. `host` is a name or an address, with a port where it is not the usual one."""

    def __init__(
        self,
        host: str,
        flow_to: FlowTo,
        names: Names,
        *,
        connect: Connect | None = None,
        transport: SipTransport = SipTransport.UDP,
    ) -> None:
        self.host, self.given_port = parse_host_port(host)
        self._flow_to = flow_to
        self._names = names
        self._connect = connect
        self._wanted = transport
        self._hops: list[Hop] = []
        if is_numeric(self.host):
            self._hops = [self._hop(self._usual_transport, self.host, self.given_port)]
        self._failed: dict[Hop, float] = {}
        self._found_at = 0.0
        self._stream: Stream | None = None
        self.is_distrusted = False
        """The last connection was given up because of its certificate."""

    @property
    def hops(self) -> tuple[Hop, ...]:
        """All ways there, the one in use first."""
        now = asyncio.get_running_loop().time()

        def failed_at(hop: Hop) -> float:
            at = self._failed.get(hop)
            return at if at is not None and now - at < FAILED_SECONDS else 0.0

        return tuple(sorted(self._hops, key=failed_at))

    @property
    def hosts(self) -> tuple[str, ...]:
        """All addresses, the one in use first."""
        return tuple(dict.fromkeys(hop.address.host for hop in self.hops))

    @property
    def flow(self) -> Flow | None:
        """The way there, now; None: no address is known, none of our sockets reaches it, or it is not connected."""
        if self._stream is not None:
            return self._stream if self._stream.is_open else None
        return next((flow for hop in self.hops if (flow := self._datagrams(hop)) is not None), None)

    def spare_flows(self) -> list[Flow]:
        """Other ways there that need no connection: for a call that the one in use does not take (RFC 3263 4.3)."""
        used = self.flow
        flows = [self._datagrams(hop) for hop in self.hops]
        return [flow for flow in flows if flow is not None and used is not None and flow.remote != used.remote]

    def is_source(self, source: Address, *, any_port: bool) -> bool:
        """The provider sends from there."""
        return any(
            hop.address.host == source.host and (any_port or hop.address.port == source.port) for hop in self._hops
        )

    async def open(self) -> Flow | None:
        """The way there, connected where it needs a connection; None when that cannot be had now."""
        if self._stream is not None and self._stream.is_open:
            return self._stream
        self._stream = None
        self.is_distrusted = False
        for hop in self.hops:
            if hop.transport == "UDP":
                flow = self._datagrams(hop)
                if flow is not None:
                    return flow
            elif self._connect is not None:
                try:
                    self._stream = await self._connect(hop)
                except OSError as fault:
                    log.debug("No connection to %s, %s: %s", self.host, hop, fault)
                    self.is_distrusted = self.is_distrusted or isinstance(fault, ssl.SSLError)
                    self._note_failure(hop)
                else:
                    return self._stream
        return None

    async def is_lost_within(self, seconds: float) -> bool:
        """Wait so long; True as soon as the connection is over, False in the end."""
        if self._stream is None:
            await asyncio.sleep(seconds)
            return False
        try:
            async with asyncio.timeout(seconds):
                await self._stream.over()
        except TimeoutError:
            return False
        return True

    def has_failed(self) -> None:
        """The way in use does not answer: the next one is in use from now on."""
        flow = self.flow
        hops = self.hops
        used = next((hop for hop in hops if flow is not None and hop.address == flow.remote), hops[0] if hops else None)
        self._stream = None
        if used is not None:
            self._note_failure(used)

    def _note_failure(self, hop: Hop) -> None:
        self._failed[hop] = asyncio.get_running_loop().time()

    def _datagrams(self, hop: Hop) -> Flow | None:
        return self._flow_to(hop.address) if hop.transport == "UDP" else None

    # DNS.

    async def look_up(self) -> None:
        """Ask for the ways again. What fails leaves those of the last time, for a day."""
        if is_numeric(self.host):
            return
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS if self._hops else FIRST_PATIENCE_SECONDS):
                found = await self._find()
        except (OSError, TimeoutError, MalformedMessage) as fault:
            log.debug("The name %s cannot be looked up: %s", self.host, fault)
            if self._hops and now - self._found_at > LAST_GOOD_SECONDS:
                self._hops = []
            return
        self._found_at = now
        if set(found) != set(self._hops):
            self._hops = list(dict.fromkeys(found))
            self._failed = {hop: at for hop, at in self._failed.items() if hop in self._hops}

    async def _find(self) -> list[Hop]:
        if self.given_port is None:
            for transport, name in await self._srv_names():
                records = await self._srv(name)
                if [each.target for each in records] == ["."]:
                    continue  # RFC 2782: not served there, by decision
                if records:
                    return await self._hops_of(transport, in_order(records, random.Random()))  # noqa: S311  # shares load
        transport = self._usual_transport
        return [self._hop(transport, each, self.given_port) for each in await self._names.addresses(self.host)]

    async def _srv_names(self) -> list[tuple[str, str]]:
        """The names to ask for SRV records, each with the transport that it is for (RFC 3263 section 4.1)."""
        if self._wanted is not SipTransport.AUTO:
            transport = self._wanted.upper()
            return [(transport, f"{_SRV_NAMES[transport]}.{self.host}")]
        rows = sorted(await self._names.naptr(self.host))
        told = [(_NAPTR_KINDS[row.kind], row.name) for row in rows if row.kind in _NAPTR_KINDS]
        return told or [(transport, f"{name}.{self.host}") for transport, name in _SRV_NAMES.items()]

    async def _srv(self, name: str) -> list[Srv]:
        """Some DNS servers of home routers answer no SRV questions: then the name itself has to do, the first time."""
        try:
            return await self._names.srv(name)
        except OSError:
            if self._hops:
                raise
            return []

    async def _hops_of(self, transport: str, records: list[Srv]) -> list[Hop]:
        hops: list[Hop] = []
        fault: OSError | None = None
        for record in records:
            try:
                found = [record.target] if is_numeric(record.target) else await self._names.addresses(record.target)
            except OSError as trouble:
                fault = trouble
                continue
            hops += [self._hop(transport, host, record.port) for host in found]
        if not hops and fault is not None:
            raise fault
        return hops

    @property
    def _usual_transport(self) -> str:
        return "UDP" if self._wanted is SipTransport.AUTO else self._wanted.upper()

    @staticmethod
    def _hop(transport: str, host: str, port: int | None) -> Hop:
        return Hop(transport, Address(host, port or DEFAULT_PORTS[transport]))
