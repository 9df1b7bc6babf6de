"""Reports of how media arrives, both ways: loss, jitter, the time of a round trip (RFC 3550 section 6). No sockets."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from gateway.audio.frame import SAMPLE_RATE

SENDER_REPORT = 200
RECEIVER_REPORT = 201
_DESCRIPTION = 202
_TYPES = range(192, 224)
"""RFC 5761 section 4: no payload of ours has these numbers in the second byte of a packet."""
_HEAD = struct.Struct(">BBHI")
_SENDER = struct.Struct(">QIII")
_BLOCK = struct.Struct(">IIIIII")
_CNAME = 1
_MOST_PACKETS = 32
_MOST_STEP = 3_000
"""RFC 3550 appendix A.1, MAX_DROPOUT: a larger step of the sequence number is a sender that began anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderInfo:
    """What a sender has sent so far. `ntp` is its clock in 1/2**32 s, which need not be the time of day."""

    ntp: int
    timestamp: int
    packets: int
    octets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBlock:
    """How the stream `ssrc` arrives. `fraction` is that since the last report; `jitter` is in ticks of its clock."""

    ssrc: int
    fraction: float
    lost: int
    highest: int
    jitter: int
    last_report: int = 0
    """The middle 32 bits of the `ntp` of the last report of that stream's sender; 0: there was none."""
    delay: int = 0
    """Since then, in 1/65536 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One sender's or receiver's report; `sender` is None for who has sent nothing."""

    ssrc: int
    sender: SenderInfo | None = None
    blocks: tuple[ReportBlock, ...] = ()


def is_rtcp(data: bytes) -> bool:
    """Whether a packet on a port for both is a report (RFC 5761 section 4)."""
    return len(data) > 1 and data[1] in _TYPES


def parse_rtcp(data: bytes) -> tuple[Report, ...]:
    """The reports of a compound packet; empty for what is none (appendix A.2). Other kinds are passed over."""
    reports: list[Report] = []
    at = 0
    for _ in range(_MOST_PACKETS):
        if at == len(data):
            return tuple(reports)
        if len(data) - at < 8 or data[at] >> 6 != 2:
            return ()
        first, kind, words, ssrc = _HEAD.unpack_from(data, at)
        end = at + 4 * (words + 1)
        if end > len(data) or (at == 0 and kind not in (SENDER_REPORT, RECEIVER_REPORT)):
            return ()
        if kind in (SENDER_REPORT, RECEIVER_REPORT):
            report = _parse_report(data[at + 8 : end], ssrc, first & 0x1F, is_sender=kind == SENDER_REPORT)
            if report is None:
                return ()
            reports.append(report)
        at = end
    return ()


def write_rtcp(report: Report, name: str) -> bytes:
    """A compound packet: the report, and `name` for its sender (RFC 3550 section 6.1)."""
    body = b""
    if report.sender is not None:
        sender = report.sender
        body = _SENDER.pack(
            sender.ntp & 0xFFFF_FFFF_FFFF_FFFF,
            sender.timestamp & 0xFFFF_FFFF,
            sender.packets & 0xFFFF_FFFF,
            sender.octets & 0xFFFF_FFFF,
        )
    for block in report.blocks:
        lost = max(-0x80_0000, min(block.lost, 0x7F_FFFF)) & 0xFF_FFFF
        share = min(255, int(block.fraction * 256))
        body += _BLOCK.pack(block.ssrc, share << 24 | lost, block.highest, block.jitter, block.last_report, block.delay)
    kind = RECEIVER_REPORT if report.sender is None else SENDER_REPORT
    text = name.encode()[:255]
    item = bytes((_CNAME, len(text))) + text
    item += bytes(4 - len(item) % 4)
    return (
        _HEAD.pack(0x80 | len(report.blocks), kind, len(body) // 4 + 1, report.ssrc)
        + body
        + _HEAD.pack(0x81, _DESCRIPTION, len(item) // 4 + 1, report.ssrc)
        + item
    )


class Reception:
    """What has arrived of one peer's stream, for our report of it (RFC 3550 appendices A.1, A.3, A.8)."""

    __slots__ = ("_base", "_cycles", "_highest", "_prior", "_stamp", "_transit", "jitter", "packets", "rate", "ssrc")

    def __init__(self) -> None:
        self.ssrc: int | None = None
        self.rate = SAMPLE_RATE
        self.packets = 0
        self.jitter = 0.0
        """In ticks of the stream's clock, `rate`."""
        self._base = 0
        self._highest = 0
        self._cycles = 0
        self._stamp: int | None = None
        self._transit = 0.0
        self._prior = (0, 0)

    def heard(self, ssrc: int, sequence: int, timestamp: int, now: float) -> None:
        """A packet of the peer has come; `now` is the loop's time."""
        step = (sequence - self._highest) & 0xFFFF
        if ssrc != self.ssrc or _MOST_STEP <= step <= 0x10000 - _MOST_STEP:
            self._begin(ssrc, sequence)
        elif step < _MOST_STEP:
            if sequence < self._highest:
                self._cycles += 0x10000
            self._highest = sequence
        self.packets += 1
        if timestamp == self._stamp:
            return  # the packets of one key have one timestamp
        transit = now * self.rate - timestamp
        change = abs(transit - self._transit)
        if self._stamp is not None and change < self.rate:
            self.jitter += (change - self.jitter) / 16
        self._stamp, self._transit = timestamp, transit

    @property
    def expected(self) -> int:
        """How many packets should have come."""
        return self._cycles + self._highest - self._base + 1 if self.ssrc is not None else 0

    @property
    def jitter_ms(self) -> float:
        """The jitter in milliseconds."""
        return 1000 * self.jitter / self.rate

    def block(self) -> ReportBlock | None:
        """What to report now; the fraction is that since the last call. None: nothing has come."""
        if self.ssrc is None:
            return None
        expected, received = self.expected - self._prior[0], self.packets - self._prior[1]
        self._prior = (self.expected, self.packets)
        return ReportBlock(
            ssrc=self.ssrc,
            fraction=max(0.0, (expected - received) / expected) if expected > 0 else 0.0,
            lost=self.expected - self.packets,
            highest=(self._cycles + self._highest) & 0xFFFF_FFFF,
            jitter=int(self.jitter),
        )

    def _begin(self, ssrc: int, sequence: int) -> None:
        self.ssrc = ssrc
        self.packets = 0
        self._base = self._highest = sequence
        self._cycles = 0
        self._stamp = None
        self._prior = (0, 0)


def _parse_report(body: bytes, ssrc: int, count: int, *, is_sender: bool) -> Report | None:
    at = _SENDER.size if is_sender else 0
    if len(body) < at + count * _BLOCK.size:
        return None
    sender = None
    if is_sender:
        ntp, timestamp, packets, octets = _SENDER.unpack_from(body)
        sender = SenderInfo(ntp=ntp, timestamp=timestamp, packets=packets, octets=octets)
    blocks = []
    for index in range(count):
        source, loss, highest, jitter, last, delay = _BLOCK.unpack_from(body, at + index * _BLOCK.size)
        lost = loss & 0xFF_FFFF
        blocks.append(
            ReportBlock(
                ssrc=source,
                fraction=(loss >> 24) / 256,
                lost=lost - 0x100_0000 if lost & 0x80_0000 else lost,
                highest=highest,
                jitter=jitter,
                last_report=last,
                delay=delay,
            )
        )
    return Report(ssrc=ssrc, sender=sender, blocks=tuple(blocks))
