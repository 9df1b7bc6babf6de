"""SIP over TCP: the listener, its connections, and the limits that keep slow and broken clients cheap (T-S12).

A peer is answered, and asked, on the connection that it opened; we open none. When the connection is gone
the way to the peer is gone, until the peer comes again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.sip.framing import Framer
from gateway.sip.grammar import MalformedMessage
from gateway.sip.transport import Address, Receive, bind_fault

log = logging.getLogger(__name__)

MOST_PER_SOURCE = 20
MOST_CONNECTIONS = 200
MESSAGE_SECONDS = 30.0
"""So long the first message of a connection may take to come, and every later one once it has begun."""
IDLE_SECONDS = 300.0
"""So long a connection may be silent on which nobody is registered."""
MOST_UNREAD_BYTES = 262_144
"""A peer that does not read what we send is given up."""


@dataclass(frozen=True, slots=True)
class TcpFlow:
    """The connection that one peer opened."""

    endpoint: TcpEndpoint = field(repr=False)
    remote: Address
    local: Address
    transport: str = "TCP"
    reliable: bool = True

    def send(self, data: bytes) -> None:
        """Send one message; without the connection it is lost."""
        self.endpoint.send(data, self.remote)

    def towards(self, remote: Address) -> TcpFlow:  # noqa: ARG002  # the seam of every Flow
        """The same connection: whatever address the peer names, it is reached on the way that it opened."""
        return self


class TcpEndpoint:
    """One listening socket and its connections."""

    def __init__(self, receive: Receive, admits: Callable[[str], bool], is_known: Callable[[Address], bool]) -> None:
        """`admits` says whether a host may connect, `is_known` whether a silent peer may stay."""
        self.receive = receive
        self.is_known = is_known
        self.on_lost: Callable[[Address], None] = lambda _remote: None
        """Called when the connection of a peer is over."""
        self._admits = admits
        self._server: asyncio.Server | None = None
        self._connections: dict[Address, _Connection] = {}
        self._per_host: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def is_open(self) -> bool:
        """It listens."""
        return self._server is not None

    async def open(self, host: str, port: int) -> None:
        """Listen. Raises AddressInUse with a sentence for the owner."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Connection(self), host, port)
        except OSError as fault:
            raise bind_fault(fault, host, port) from fault

    def close(self) -> None:
        """Stop listening, and end every connection; idempotent."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in tuple(self._connections.values()):
            connection.abort()

    def send(self, data: bytes, remote: Address) -> None:
        """Send on the connection of that peer, if it is there."""
        connection = self._connections.get(remote)
        if connection is not None:
            connection.send(data)

    def admit(self, connection: _Connection, remote: Address) -> bool:
        """Take a new connection in; False when it is one too many, or its host is none of ours."""
        if (
            self._server is None
            or len(self._connections) >= MOST_CONNECTIONS
            or self._per_host[remote.host] >= MOST_PER_SOURCE
            or not self._admits(remote.host)
        ):
            return False
        self._connections[remote] = connection
        self._per_host[remote.host] += 1
        return True

    def forget(self, remote: Address) -> None:
        """The connection is over."""
        if self._connections.pop(remote, None) is not None:
            self._per_host[remote.host] -= 1
            if not self._per_host[remote.host]:
                del self._per_host[remote.host]
            self.on_lost(remote)


class _Connection(asyncio.Protocol):
    """One connection."""

    def __init__(self, endpoint: TcpEndpoint) -> None:
        self._endpoint = endpoint
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        self._flow: TcpFlow | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._has_spoken = False
        self._waits_for_rest = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """For asyncio: somebody has connected."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # a stream always has one; for the type checker
        remote = Address(*transport.get_extra_info("peername")[:2])
        self._transport = transport
        if not self._endpoint.admit(self, remote):
            log.debug("A connection of %s is refused", remote)
            transport.abort()
            return
        self._flow = TcpFlow(self._endpoint, remote, Address(*transport.get_extra_info("sockname")[:2]))
        self._wait(MESSAGE_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the name is asyncio's
        """For asyncio: the connection is over."""
        if self._timer is not None:
            self._timer.cancel()
        if self._flow is not None:
            self._endpoint.forget(self._flow.remote)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """For asyncio: bytes."""
        if self._flow is None:
            return
        try:
            messages = self._framer.feed(data)
        except MalformedMessage as fault:
            log.debug("The connection of %s is closed: %s", self._flow.remote, fault)
            self.abort()
            return
        if self._framer.pings:
            self.send(b"\r\n" * self._framer.pings)
            self._framer.pings = 0
        self._has_spoken = self._has_spoken or bool(messages)
        self._watch(was_message=bool(messages))
        for message in messages:
            self._endpoint.receive(message, self._flow)

    def send(self, data: bytes) -> None:
        """Send, unless the peer has long ceased to read."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > MOST_UNREAD_BYTES:
            self.abort()
            return
        self._transport.write(data)

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _watch(self, *, was_message: bool) -> None:
        """A message that has begun must end in time, however slowly its bytes drip in."""
        amid = self._framer.is_amid_message
        if not self._has_spoken or (amid and self._waits_for_rest and not was_message):
            return
        self._waits_for_rest = amid
        self._wait(MESSAGE_SECONDS if amid else IDLE_SECONDS)

    def _wait(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._time_is_up)

    def _time_is_up(self) -> None:
        flow = self._flow
        if flow is not None and self._has_spoken and not self._waits_for_rest and self._endpoint.is_known(flow.remote):
            self._wait(IDLE_SECONDS)
            return
        self.abort()
