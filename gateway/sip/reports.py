"""The reports of one call's media: ours about every five seconds, and what the peer's tell us (RFC 3550 section 6)."""

from __future__ import annotations

import logging
import random
import secrets
import socket
from typing import TYPE_CHECKING

from gateway.audio.port import PortCounters
from gateway.sip.rtcp import Reception, Report, ReportBlock, SenderInfo, parse_rtcp, write_rtcp
from gateway.sip.rtp import RtpSender
from gateway.sip.sdp import Agreement
from gateway.sip.transport import Address

if TYPE_CHECKING:
    from gateway.sip.sealed_packets import SecurePackets

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 5.0
"""RFC 3550 section 6.2: no oftener, and half as much more or less by chance, so that no two keep step."""
_LONGEST_ROUND_TRIP_SECONDS = 10.0


class Reports:
    """Goes with one RtpPort, whose party it reports to. A stranger's report is neither believed nor answered (T-S7)."""

    def __init__(self, sender: RtpSender, counters: PortCounters) -> None:
        self.reception = Reception()
        self._sender = sender
        self._counters = counters
        self._name = secrets.token_hex(8)
        """RFC 7022 section 4.2: a name that tells nothing of us."""
        self._agreement: Agreement | None = None
        self._secure: SecurePackets | None = None
        self._is_behind_nat = False
        self._learned: Address | None = None
        self._due: float | None = None
        self._last_report: tuple[int, float] | None = None
        """The peer's last sender's report: the middle of its `ntp`, and when it came."""

    def agree(self, agreement: Agreement, secure: SecurePackets | None, *, is_behind_nat: bool) -> None:
        """Media as agreed, from now on."""
        self._agreement = agreement
        self._secure = secure
        self._is_behind_nat = is_behind_nat
        self._learned = None
        self.reception.rate = agreement.codec.facts.clock_rate

    def look(self, now: float, remote: Address, rtp: socket.socket, rtcp: socket.socket) -> None:
        """Send a report when it is time for one; `remote` is where our media goes."""
        if self._due is None:
            self._due = now + INTERVAL_SECONDS / 2
        if self._agreement is None or now < self._due:
            return
        self._due = now + INTERVAL_SECONDS * random.uniform(0.5, 1.5)  # noqa: S311  # spreads load, keeps no secret
        packet: bytes | None = write_rtcp(self._report(now), self._name)
        if self._secure is not None and packet is not None:
            packet = self._secure.seal_report(packet)
        if packet is None:
            return
        try:
            (rtp if self._agreement.has_rtcp_mux else rtcp).sendto(packet, self._destination(remote))
        except OSError as fault:
            log.debug("RTCP to %s: %s", remote, fault)

    def receive(self, data: bytes, source: Address, remote: Address, now: float) -> None:
        """A packet has come where reports come; `remote` is where the party's media comes from."""
        if self._agreement is None or source.host != remote.host:
            return
        if source != self._destination(remote) and not self._is_behind_nat:
            return
        if self._secure is not None:
            data = self._secure.open_report(data) or b""
        for report in parse_rtcp(data):
            self._learned = source
            if report.sender is not None:
                self._last_report = (report.sender.ntp >> 16 & 0xFFFF_FFFF, now)
            for block in report.blocks:
                if block.ssrc == self._sender.ssrc:
                    self._learn(block, now)

    def _destination(self, remote: Address) -> Address:
        agreement = self._agreement
        if agreement is None or agreement.has_rtcp_mux:
            return remote
        if self._is_behind_nat:
            return self._learned or Address(remote.host, remote.port + 1)
        return Address(remote.host, agreement.rtcp_port or remote.port + 1)

    def _report(self, now: float) -> Report:
        sender = None
        if self._sender.packets:
            sender = SenderInfo(
                ntp=int(now * 2**32),
                timestamp=self._sender.event_timestamp(now),
                packets=self._sender.packets,
                octets=self._sender.octets,
            )
        block = self.reception.block()
        self._counters.jitter_ms = round(self.reception.jitter_ms, 1)
        if block is None:
            return Report(ssrc=self._sender.ssrc, sender=sender)
        if self._last_report is not None:
            last, came_at = self._last_report
            block = ReportBlock(
                ssrc=block.ssrc,
                fraction=block.fraction,
                lost=block.lost,
                highest=block.highest,
                jitter=block.jitter,
                last_report=last,
                delay=min(int((now - came_at) * 65536), 0xFFFF_FFFF),
            )
        return Report(ssrc=self._sender.ssrc, sender=sender, blocks=(block,))

    def _learn(self, block: ReportBlock, now: float) -> None:
        """What the peer says of our stream (RFC 3550 section 6.4.1)."""
        counters = self._counters
        counters.peer_lost = max(0, block.lost)
        counters.peer_loss = round(block.fraction, 3)
        rate = self.reception.rate
        counters.peer_jitter_ms = round(1000 * block.jitter / rate, 1)
        if block.last_report:
            present = int(now * 65536) & 0xFFFF_FFFF
            seconds = ((present - block.last_report - block.delay) & 0xFFFF_FFFF) / 65536
            if seconds < _LONGEST_ROUND_TRIP_SECONDS:
                counters.round_trip_ms = round(1000 * seconds, 1)
