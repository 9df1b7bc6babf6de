"""SIP over TCP and TLS: listeners, connections, and the limits that keep slow and broken clients cheap (T-S12).

A peer that has connected to us is answered, and asked, on that connection; to a phone we open none. To a provider
we do, and are called by it on the same one. When the connection is gone the way to the peer is gone.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.sip.framing import Framer
from gateway.sip.grammar import MalformedMessage
from gateway.sip.transport import Address, OnSent, Receive, bind_fault, nobody_looks

log = logging.getLogger(__name__)

MOST_PER_SOURCE = 20
MOST_CONNECTIONS = 200
MESSAGE_SECONDS = 30.0
"""So long the first message of a connection may take to come, and every later one once it has begun."""
HANDSHAKE_SECONDS = 10.0
CONNECT_SECONDS = 10.0
IDLE_SECONDS = 300.0
"""So long a connection may be silent on which nobody is registered."""
MOST_UNREAD_BYTES = 262_144
"""A peer that does not read what we send is given up."""

Begin: TypeAlias = Callable[[Coroutine[object, object, None]], asyncio.Task[None]]
"""Runs work that its owner cancels at the end."""


@dataclass(frozen=True, slots=True)
class StreamFlow:
    """One connection. Two flows are the same when their connection is."""

    connection: Connection = field(repr=False)
    remote: Address
    local: Address
    transport: str
    reliable: bool = True

    @property
    def is_open(self) -> bool:
        """The connection is there."""
        return self.connection.is_open

    async def over(self) -> None:
        """Wait until the connection has ended."""
        await self.connection.ended.wait()

    def send(self, data: bytes) -> None:
        """Send one message; without the connection it is lost."""
        self.connection.send(data)

    def towards(self, remote: Address) -> StreamFlow:  # noqa: ARG002  # the seam of every Flow
        """The same connection: whatever address the peer names, it is reached on this way."""
        return self


class StreamEndpoint:
    """One listening socket and its connections, or those that we open ourselves. With a `context`: TLS."""

    def __init__(
        self,
        receive: Receive,
        admits: Callable[[str], bool],
        is_known: Callable[[Address], bool],
        *,
        begin: Begin | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """`admits` says whether a host may connect, `is_known` whether a silent peer may stay.

        `begin` runs the handshakes of a TLS listener.
        """
        self.receive = receive
        self.is_known = is_known
        self.begin = begin
        self.context = context
        self.on_sent: OnSent = nobody_looks
        self.on_lost: Callable[[Address], None] = lambda _remote: None
        """Called when the connection of a peer is over."""
        self._admits = admits
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._per_host: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def is_open(self) -> bool:
        """It listens."""
        return self._server is not None

    @property
    def bound(self) -> Address:
        """Where it listens."""
        sockets = self._server.sockets if self._server is not None else ()
        return Address(*sockets[0].getsockname()[:2]) if sockets else Address("", 0)

    async def open(self, host: str, port: int) -> None:
        """Listen. Raises AddressInUse with a sentence for the owner."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: Connection(self), host, port)
        except OSError as fault:
            raise bind_fault(fault, host, port) from fault

    async def connect(
        self, remote: Address, *, local_host: str | None, context: ssl.SSLContext | None = None, name: str = ""
    ) -> StreamFlow:
        """A new connection to `remote`. With a `context`: TLS, where the certificate must be that of `name`.

        Raises OSError, ssl.SSLError among them, when it cannot be had within CONNECT_SECONDS.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await loop.create_connection(
                    lambda: Connection(self, is_ours=True, is_secure=context is not None),
                    *remote,
                    local_addr=None if local_host is None else (local_host, 0),
                    ssl=context,
                    server_hostname=name if context is not None else None,
                )
        except TimeoutError as fault:
            raise OSError(f"{remote} takes no connection in time") from fault
        if connection.flow is None:
            raise OSError(f"{remote} has closed the connection at once")
        return connection.flow

    def close(self) -> None:
        """Stop listening, and end every connection; idempotent."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in tuple(self._connections):
            connection.abort()

    def admit(self, connection: Connection, remote: Address) -> bool:
        """Take a connection in; False when it is one too many, or its host is none of ours."""
        if not connection.is_ours and (
            self._server is None
            or len(self._connections) >= MOST_CONNECTIONS
            or self._per_host[remote.host] >= MOST_PER_SOURCE
            or not self._admits(remote.host)
        ):
            return False
        self._connections.add(connection)
        self._per_host[remote.host] += 1
        return True

    def forget(self, connection: Connection, remote: Address) -> None:
        """The connection is over."""
        if connection in self._connections:
            self._connections.remove(connection)
            self._per_host[remote.host] -= 1
            if not self._per_host[remote.host]:
                del self._per_host[remote.host]
            self.on_lost(remote)


class Connection(asyncio.Protocol):
    """One connection; `is_ours` when we have opened it."""

    def __init__(self, endpoint: StreamEndpoint, *, is_ours: bool = False, is_secure: bool = False) -> None:
        self.is_ours = is_ours
        self.flow: StreamFlow | None = None
        self.ended = asyncio.Event()
        self._endpoint = endpoint
        self._is_secure = is_secure
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._has_spoken = False
        self._waits_for_rest = False
        self._too_soon: bytearray | None = None
        """While a handshake is not known to be over: what the peer has said behind it."""

    @property
    def is_open(self) -> bool:
        """What is sent has a chance to arrive."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """For asyncio: somebody has connected, or we have."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # a stream always has one; for the type checker
        remote = Address(*transport.get_extra_info("peername")[:2])
        self._transport = transport
        if not self._endpoint.admit(self, remote):
            log.debug("A connection of %s is refused", remote)
            transport.abort()
            return
        context, begin = self._endpoint.context, self._endpoint.begin
        kind = "TLS" if self._is_secure or context is not None else "TCP"
        self.flow = StreamFlow(self, remote, Address(*transport.get_extra_info("sockname")[:2]), kind)
        if self.is_ours:
            return
        self._wait(MESSAGE_SECONDS)
        if context is not None and begin is not None:
            transport.pause_reading()  # the first bytes are for the handshake
            self._too_soon = bytearray()
            begin(self._secure(transport, context))

    async def _secure(self, transport: asyncio.Transport, context: ssl.SSLContext) -> None:
        """The handshake. It counts as a connection from its first byte, so that half a handshake is no way in."""
        loop = asyncio.get_running_loop()
        try:
            secured = await loop.start_tls(
                transport, self, context, server_side=True, ssl_handshake_timeout=HANDSHAKE_SECONDS
            )
        except OSError as fault:
            log.debug("A handshake has failed: %s", fault)
            self.connection_lost(fault)
            transport.abort()
            return
        if self._transport is None or secured is None:
            transport.abort()
            return
        self._transport = secured
        said, self._too_soon = self._too_soon, None
        if said:
            self.data_received(bytes(said))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the name is asyncio's
        """For asyncio: the connection is over."""
        if self._timer is not None:
            self._timer.cancel()
        self._transport = None
        self.ended.set()
        if self.flow is not None:
            self._endpoint.forget(self, self.flow.remote)

    def data_received(self, data: bytes) -> None:
        """For asyncio: bytes."""
        if self.flow is None:
            return
        if self._too_soon is not None:
            self._too_soon += data  # nothing can be answered before the secured transport is in our hands
            return
        try:
            messages = self._framer.feed(data)
        except MalformedMessage as fault:
            log.debug("The connection of %s is closed: %s", self.flow.remote, fault)
            self.abort()
            return
        if self._framer.pings:
            self.send(b"\r\n" * self._framer.pings)
            self._framer.pings = 0
        self._has_spoken = self._has_spoken or bool(messages)
        self._watch(was_message=bool(messages))
        for message in messages:
            self._endpoint.receive(message, self.flow)

    def send(self, data: bytes) -> None:
        """Send, unless the peer has long ceased to read."""
        if self._transport is None or self._transport.is_closing() or self._too_soon is not None:
            return
        if self._transport.get_write_buffer_size() > MOST_UNREAD_BYTES:
            self.abort()
            return
        self._transport.write(data)
        if self.flow is not None:
            self._endpoint.on_sent(data, self.flow.remote)

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
        waits = self._has_spoken and not self._waits_for_rest
        if waits and self.flow is not None and (self.is_ours or self._endpoint.is_known(self.flow.remote)):
            self._wait(IDLE_SECONDS)
            return
        self.abort()
