"""The wires that SIP messages travel on: UDP, and what every kind of Flow has in common.

A Flow is a way to one peer: it knows how to send and what to call both ends. Everything above this
module speaks of flows, never of sockets.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias

from gateway.errors import AddressInUse
from gateway.sip.headers import Via
from gateway.sip.uri import write_host

log = logging.getLogger(__name__)


class Address(NamedTuple):
    """A host as a numeric address, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{write_host(self.host)}:{self.port}"


class Flow(Protocol):
    """A way to one peer."""

    @property
    def transport(self) -> str:
        """As a Via names it: UDP, TCP or TLS."""

    @property
    def reliable(self) -> bool:
        """True where the transport repeats what was lost itself."""

    @property
    def is_open(self) -> bool:
        """False when what is sent is certain to be lost: the connection is over."""

    @property
    def local(self) -> Address:
        """Our end, as the peer reaches it."""

    @property
    def remote(self) -> Address:
        """The peer's end."""

    def send(self, data: bytes) -> None:
        """Send one message; what cannot be sent is lost, as on any wire."""

    def towards(self, remote: Address) -> Flow:
        """A flow from the same end of ours to another peer, or to another port of this one."""


class Stream(Flow, Protocol):
    """A connection."""

    async def over(self) -> None:
        """Wait until the connection has ended."""


Receive: TypeAlias = Callable[[bytes, Flow], None]
"""Called with each message as it came and with the way back to its sender."""
OnSent: TypeAlias = Callable[[bytes, Address], None]
"""Called with each message that has gone out, and where to."""


def nobody_looks(_data: bytes, _remote: Address) -> None:
    """What has gone out is not looked at."""


@dataclass(frozen=True, slots=True)
class UdpFlow:
    """Datagrams from one socket of ours to one peer."""

    endpoint: UdpEndpoint = field(repr=False)
    remote: Address
    transport: str = "UDP"
    reliable: bool = False

    @property
    def is_open(self) -> bool:
        """Our socket is there; whether anybody hears us, a datagram does not say."""
        return self.endpoint.is_open

    @property
    def local(self) -> Address:
        """Our end, as the peer reaches it."""
        return self.endpoint.local_towards(self.remote.host)

    def send(self, data: bytes) -> None:
        """Send one datagram."""
        self.endpoint.send(data, self.remote)

    def towards(self, remote: Address) -> UdpFlow:
        """A flow from the same socket."""
        return UdpFlow(self.endpoint, remote)


class UdpEndpoint(asyncio.DatagramProtocol):
    """One bound UDP socket."""

    def __init__(self, receive: Receive, on_sent: OnSent = nobody_looks) -> None:
        self._receive = receive
        self._on_sent = on_sent
        self._transport: asyncio.DatagramTransport | None = None
        self._bound = Address("", 0)
        self._local_hosts: dict[str, str] = {}

    async def open(self, host: str, port: int) -> None:
        """Bind. Raises AddressInUse with a sentence for the owner."""
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        except OSError as fault:
            raise bind_fault(fault, host, port) from fault
        self._transport = transport
        bound = transport.get_extra_info("socket")
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)  # as much of it as the system allows
        name = bound.getsockname()
        self._bound = Address(name[0], name[1])

    def close(self) -> None:
        """Unbind; idempotent."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    @property
    def is_open(self) -> bool:
        """It is bound."""
        return self._transport is not None

    @property
    def bound(self) -> Address:
        """Where the socket is bound; the host may be the wildcard."""
        return self._bound

    def forget_ways(self) -> None:
        """The ways of this machine may be others by now."""
        self._local_hosts.clear()

    def flow_to(self, remote: Address) -> UdpFlow:
        """A way to `remote`."""
        return UdpFlow(self, remote)

    def reaches(self, host: str) -> bool:
        """True when a packet for `host` leaves by the address of this socket."""
        if is_ipv6_host(host) != is_ipv6_host(self._bound.host):
            return False
        if is_wildcard(self._bound.host):
            return not is_wildcard(self.local_towards(host).host)
        return local_host_towards(host) == self._bound.host

    def local_towards(self, host: str) -> Address:
        """Our address as `host` sees it."""
        if not is_wildcard(self._bound.host):
            return self._bound
        if host not in self._local_hosts:
            if len(self._local_hosts) > 1000:
                self._local_hosts.clear()
            self._local_hosts[host] = local_host_towards(host) or self._bound.host
        return Address(self._local_hosts[host], self._bound.port)

    def send(self, data: bytes, remote: Address) -> None:
        """Send one datagram; a closed socket sends nothing."""
        if self._transport is not None:
            self._transport.sendto(data, (remote.host, remote.port))
            self._on_sent(data, remote)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """For asyncio: a datagram."""
        self._receive(data, UdpFlow(self, Address(addr[0], addr[1])))

    def error_received(self, exc: Exception) -> None:
        """For asyncio: the network refused an earlier datagram; the transaction's timers deal with it."""
        log.debug("UDP %s: %s", self._bound, exc)


def answering_flow(via: Via, flow: Flow) -> Flow:
    """Where the answer to a request goes: to its source, at the Via's port unless `rport` was asked for.

    RFC 3261 section 18.2.2 and RFC 3581 section 4; `maddr` is not followed, as nobody but the sender
    may be answered.
    """
    if flow.reliable or via.wants_rport:
        return flow
    port = via.port or 5060
    return flow if port == flow.remote.port else flow.towards(Address(flow.remote.host, port))


_RECEIVE_BYTES = 1024 * 1024
"""What waits in the system while this machine stands still: the default has room for some ninety messages."""

_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
)
"""RFC 1918, 3927, 4193, 4291: what cannot be the internet."""


def is_private(host: str) -> bool:
    """True when `host` is an address of a private network."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address.version == network.version and address in network for network in _PRIVATE)


def is_numeric(host: str) -> bool:
    """True when `host` is an address and not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_wildcard(host: str) -> bool:
    """True for the address that stands for all of ours."""
    return host in ("0.0.0.0", "::")


def is_ipv6_host(host: str) -> bool:
    """True for an IPv6 address."""
    return ":" in host


def local_host_towards(host: str) -> str | None:
    """The address of ours from which a packet for `host` leaves; None when there is no way. Nothing is sent."""
    family = socket.AF_INET6 if is_ipv6_host(host) else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 9))
            name: str = probe.getsockname()[0]
        except OSError:
            return None
    return name


def is_ours(host: str) -> bool:
    """True while this machine has that address: only then can it be bound."""
    with socket.socket(socket.AF_INET6 if is_ipv6_host(host) else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True


def bind_fault(fault: OSError, host: str, port: int) -> AddressInUse:
    """The sentence for a socket that cannot be bound."""
    if fault.errno == errno.EADDRINUSE:
        reason = "another program is using it. Stop that program, or choose another [sip] port"
    elif fault.errno == errno.EADDRNOTAVAIL:
        reason = "this machine does not have that address. Correct [sip] bind"
    elif fault.errno in (errno.EACCES, errno.EPERM):
        reason = "a port below 1024 needs more rights. Choose another [sip] port"
    else:
        reason = str(fault.strerror or fault)
    return AddressInUse(f"SIP cannot listen on {host} port {port}: {reason}.", host=host, port=port)
