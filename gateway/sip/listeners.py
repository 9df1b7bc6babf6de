"""Where SIP comes in and goes out: UDP, TCP and TLS on each of our addresses, and the connections that we open."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from contextlib import suppress

from gateway.errors import AddressInUse, SettingsError
from gateway.settings import SipSettings, TlsFiles
from gateway.sip.addresses import addresses_of, is_only_here
from gateway.sip.certificate import client_context, make_certificate, server_context
from gateway.sip.place import Connect, Hop
from gateway.sip.stream import Begin, StreamEndpoint, StreamFlow
from gateway.sip.transport import Address, Flow, OnSent, Receive, UdpEndpoint, is_ours, is_wildcard

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How often we look whether our addresses are still those that we listen on (X-N4)."""
RENEWAL_SECONDS = 600.0
"""How often the files of the certificate are looked at."""
_PORT_TRIES = 5
_AGAIN_SECONDS = 5.0


class Listeners:
    """All sockets of the signalling. `open` and `close`."""

    def __init__(
        self,
        settings: SipSettings,
        tls: TlsFiles | None,
        receive: Receive,
        begin: Begin,
        *,
        admits: Callable[[str], bool],
        is_known: Callable[[Address], bool],
        on_lost: Callable[[Address], None],
        on_sent: OnSent,
    ) -> None:
        """`tls` is needed with a `tls_port`. `on_lost` hears of a phone whose connection is over.

        The rest is as for StreamEndpoint.
        """
        self._settings = settings
        self._tls = tls
        self._receive = receive
        self._begin = begin
        self._admits = admits
        self._is_known = is_known
        self._on_lost = on_lost
        self._datagrams: list[UdpEndpoint] = []
        self._streams: list[StreamEndpoint] = []
        self._on_sent = on_sent
        self._outgoing = StreamEndpoint(receive, admits, lambda _remote: True)
        self._outgoing.on_sent = on_sent
        self._opened: dict[tuple[Hop, str, str | None], StreamFlow] = {}
        self._opening = asyncio.Lock()
        self._context: ssl.SSLContext | None = None

    @property
    def addresses(self) -> list[Address]:
        """Where we listen for datagrams, and on the same ports for TCP."""
        return [endpoint.bound for endpoint in self._datagrams]

    @property
    def tls_addresses(self) -> list[Address]:
        """Where we listen for TLS."""
        return [endpoint.bound for endpoint in self._streams if endpoint.context is not None and endpoint.is_open]

    async def open(self) -> None:
        """Bind. Raises AddressInUse or SettingsError with a sentence for the owner."""
        hosts = addresses_of(self._settings.bind)
        for host in hosts:
            await self._listen(host)
        tls_port = self._settings.tls_port
        if tls_port is not None and self._tls is not None:
            self._context = await asyncio.to_thread(_context_of, self._tls, hosts)
            for host in hosts:
                await self._stream(host, tls_port, self._context, may_wait=True)
            self._begin(self._follow_renewals(self._tls))

    async def follow(self, look_round: Callable[[bool], None]) -> None:
        """Listen where `[sip] bind` says, whatever becomes of our addresses; runs until cancelled.

        `look_round` is called each time, with whether there is an address that was not there before.
        """
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for endpoint in self._datagrams:
                endpoint.forget_ways()
            look_round(await self._keep_up())

    def close(self) -> None:
        """Unbind, and end every connection; idempotent."""
        for endpoint in self._datagrams:
            endpoint.close()
        for stream in (*self._streams, self._outgoing):
            stream.close()
        self._datagrams.clear()
        self._streams.clear()
        self._opened.clear()

    def flow_to(self, remote: Address) -> Flow | None:
        """The way of a datagram to `remote`; None when none of our sockets reaches it."""
        return next((each.flow_to(remote) for each in self._datagrams if each.reaches(remote.host)), None)

    def connector(self, name: str, ca_file: str | None) -> Connect:
        """What opens connections to a provider whose certificate must be that of `name`.

        Accounts that want the same connection share it.
        """

        async def connect(hop: Hop) -> StreamFlow:
            async with self._opening:
                return await self._connection((hop, name, ca_file))

        return connect

    # Inside.

    async def _keep_up(self) -> bool:
        """Bind what is new, and let go what is gone; True when something is new."""
        try:
            wanted = addresses_of(self._settings.bind)
        except SettingsError:  # an interface that has no address at the moment
            return False
        bound = {endpoint.bound.host for endpoint in self._datagrams}
        if not (is_only_here(bound) or not is_only_here(wanted)):
            return False  # between two addresses: the next one is awaited
        is_new = False
        for host in wanted:
            if host not in bound:
                is_new = await self._listen_anew(host) or is_new
        for host in bound.difference(wanted):
            if not is_ours(host):
                self._leave(host)
        for flow in self._opened.values():
            if flow.is_open and not is_ours(flow.local.host):
                flow.connection.abort()
        return is_new

    async def _listen_anew(self, host: str) -> bool:
        try:
            await self._listen(host)
        except AddressInUse as fault:
            log.warning("It is tried again: %s", fault)
            return False
        if self._context is not None and self._settings.tls_port is not None:
            await self._stream(host, self._settings.tls_port, self._context, may_wait=True)
        log.info("SIP listens on %s from now on.", host)
        return True

    def _leave(self, host: str) -> None:
        """That address is none of ours any more."""
        log.info("SIP listens on %s no more: this machine has lost that address.", host)
        for endpoint in [each for each in self._datagrams if each.bound.host == host]:
            endpoint.close()
            self._datagrams.remove(endpoint)
        for stream in [each for each in self._streams if each.bound.host == host]:
            stream.close()
            self._streams.remove(stream)

    async def _connection(self, key: tuple[Hop, str, str | None]) -> StreamFlow:
        hop, name, ca_file = key
        known = self._opened.get(key)
        if known is not None and known.is_open:
            return known
        self._opened = {key: flow for key, flow in self._opened.items() if flow.is_open}
        socket = next((each for each in self._datagrams if each.reaches(hop.address.host)), None)
        if socket is None:
            raise OSError(f"None of our addresses reaches {hop.address}.")
        local = None if is_wildcard(socket.bound.host) else socket.bound.host
        context = await asyncio.to_thread(client_context, ca_file) if hop.transport == "TLS" else None
        flow = await self._outgoing.connect(hop.address, local_host=local, context=context, name=name)
        self._opened[key] = flow
        return flow

    async def _listen(self, host: str) -> None:
        """UDP and TCP on the same port; one chosen by the system (port 0) is free for both.

        Without UDP we do not start. TCP may wait: a passing connection of another program can hold its port.
        """
        port = self._settings.port
        for left in reversed(range(1 if port else _PORT_TRIES)):
            endpoint = UdpEndpoint(self._receive, self._on_sent)
            await endpoint.open(host, port)
            try:
                await self._stream(host, endpoint.bound.port, None, may_wait=not left)
            except AddressInUse:
                endpoint.close()
                continue
            self._datagrams.append(endpoint)
            return

    async def _stream(self, host: str, port: int, context: ssl.SSLContext | None, *, may_wait: bool) -> None:
        stream = StreamEndpoint(self._receive, self._admits, self._is_known, begin=self._begin, context=context)
        stream.on_sent = self._on_sent
        stream.on_lost = self._on_lost
        try:
            await stream.open(host, port)
        except AddressInUse as fault:
            if not may_wait:
                raise
            log.warning("It is tried again: %s", fault)
            self._begin(self._open_later(stream, host, port))
        self._streams.append(stream)

    async def _follow_renewals(self, tls: TlsFiles) -> None:
        """Show a new certificate as soon as the owner's files have one (every three months, with some authorities)."""
        shown = await asyncio.to_thread(_age_of, tls)
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            found = await asyncio.to_thread(_age_of, tls)
            if found is None or found == shown:
                continue
            shown = found
            try:
                context = await asyncio.to_thread(server_context, tls.certificate, tls.key)
            except SettingsError as fault:
                log.error("The former certificate is shown: %s", fault)
                continue
            self._context = context
            for stream in self._streams:
                stream.context = context if stream.context is not None else None
            log.info("The certificate %s is new, and is shown from now on.", tls.certificate)

    @staticmethod
    async def _open_later(stream: StreamEndpoint, host: str, port: int) -> None:
        while not stream.is_open:
            await asyncio.sleep(_AGAIN_SECONDS)
            with suppress(AddressInUse):
                await stream.open(host, port)


def _age_of(tls: TlsFiles) -> tuple[float, float] | None:
    """When the files were written; None while one of them is away."""
    try:
        return tls.certificate.stat().st_mtime, tls.key.stat().st_mtime
    except OSError:
        return None


def _context_of(tls: TlsFiles, hosts: tuple[str, ...]) -> ssl.SSLContext:
    """The listener's certificate; made by ourselves where the owner has named none. Reads and writes files."""
    if tls.is_self_made:
        make_certificate(tls.certificate, tls.key, tuple(host for host in hosts if not is_wildcard(host)))
    return server_context(tls.certificate, tls.key)
