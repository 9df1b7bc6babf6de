"""The pair of UDP ports that the media of one SIP party goes through: RTP on the even one, its reports on the next."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from gateway.media_loop import no_longer_readable, on_readable
from gateway.sip.port_range import PortRange
from gateway.sip.rtp import LONGEST_DATAGRAM
from gateway.sip.transport import Address

log = logging.getLogger(__name__)

Watch: TypeAlias = Callable[[bytes, Address, Address], None]
"""Called with each packet as it is on the wire, with its source and its target."""
_READS_AT_ONCE = 16


class RtpWire:
    """Open from `open` to `close`. Packets are given on as they come; what they are is not looked at here."""

    def __init__(
        self,
        ports: PortRange,
        on_packet: Callable[[bytes, tuple[str, int]], None],
        on_report: Callable[[bytes, Address], None],
    ) -> None:
        """`on_packet` gets the source as the socket gives it: it is called for every packet."""
        self.local = Address("", 0)
        """Where the peer must send, once the wire is open."""
        self.rtp: socket.socket | None = None
        self.rtcp: socket.socket | None = None
        self._ports = ports
        self._on_packet = on_packet
        self._on_report = on_report
        self._watchers: tuple[Watch, ...] = ()

    def open(self, host: str) -> None:
        """Bind a random pair of ports at `host`. Raises AddressInUse when none is free."""
        rtp, rtcp, port = self._ports.bind_pair(host)
        self.rtp, self.rtcp, self.local = rtp, rtcp, Address(host, port)
        on_readable(rtp.fileno(), partial(self._read, rtp))
        asyncio.get_running_loop().add_reader(rtcp, self._read_reports, rtcp)

    def close(self) -> None:
        """Free the ports; idempotent."""
        if self.rtp is not None:
            no_longer_readable(self.rtp.fileno())
            self.rtp.close()
        if self.rtcp is not None:
            asyncio.get_running_loop().remove_reader(self.rtcp)
            self.rtcp.close()
        self.rtp = self.rtcp = None

    def send(self, data: bytes, remote: Address) -> bool:
        """Send a packet; False when it is lost already: a full buffer, or a network that is gone."""
        if self.rtp is None:
            return False
        try:
            self.rtp.sendto(data, remote)
        except OSError as fault:
            log.debug("RTP to %s: %s", remote, fault)
            return False
        for watcher in self._watchers:
            watcher(data, self.local, remote)
        return True

    def watch(self, watcher: Watch) -> Callable[[], None]:
        """Show `watcher` each packet, until the returned function is called."""
        self._watchers = (*self._watchers, watcher)

        def stop() -> None:
            self._watchers = tuple(each for each in self._watchers if each is not watcher)

        return stop

    def _read(self, rtp: socket.socket) -> None:
        """One packet: a second look would nearly always find nothing, and the loop comes back while there is more."""
        try:
            data, source = rtp.recvfrom(LONGEST_DATAGRAM)
        except OSError:  # an ICMP message about a packet of ours
            return
        for watcher in self._watchers:
            watcher(data, Address(source[0], source[1]), self.local)
        self._on_packet(data, source)

    def _read_reports(self, rtcp: socket.socket) -> None:
        for _ in range(_READS_AT_ONCE):
            try:
                data, source = rtcp.recvfrom(LONGEST_DATAGRAM)
            except OSError:
                return
            self._on_report(data, Address(source[0], source[1]))
