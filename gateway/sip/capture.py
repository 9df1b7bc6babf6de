"""A call as network people like to see it: its SIP messages and RTP packets as a pcap file, from one moment on.

Written by hand: a header of 24 bytes, and 16 before each packet (pcap-savefile(5)); link type 101, bare IP. What went
over TCP or TLS is shown as datagrams. Credentials and keys are blotted out, whoever asks; sealed packets stay so.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import struct
from collections.abc import Iterable
from contextlib import ExitStack, suppress

from gateway.clock import WallClock
from gateway.sip.rtp_port import RtpPort
from gateway.sip.transport import Address
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.trace import Traces

LONGEST_SECONDS = 60.0
MOST_BYTES = 8_000_000
_LINKTYPE_RAW = 101
_FILE_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, _LINKTYPE_RAW)
_SECRETS = re.compile(
    rb"(\r\n(?:Proxy-)?Authorization[ \t]*:[ \t]*|\r\na=crypto:\d+ \S+ inline:|\r\nSignal=)([^\r\n]+)", re.IGNORECASE
)


class Capture:
    """Packets, as many as fit."""

    def __init__(self, clock: WallClock) -> None:
        self._clock = clock
        self._pieces = [_FILE_HEADER]
        self._bytes = len(_FILE_HEADER)

    @property
    def is_full(self) -> bool:
        """Nothing more fits."""
        return self._bytes >= MOST_BYTES

    def add(self, payload: bytes, source: Address, target: Address) -> None:
        """A datagram has passed; what does not fit, or has no numeric address, is left out."""
        try:
            packet = _ip_packet(payload, source, target)
        except ValueError:
            return
        if self.is_full or len(packet) > 65_535:
            return
        moment = self._clock()
        whole = int(moment.timestamp())
        record = struct.pack("<IIII", whole, moment.microsecond, len(packet), len(packet)) + packet
        self._pieces.append(record)
        self._bytes += len(record)

    def add_signalling(self, data: bytes, source: Address, target: Address) -> None:
        """A SIP message, with what is secret in it blotted out."""
        self.add(_SECRETS.sub(lambda found: found[1] + b"*" * len(found[2]), data), source, target)

    def file(self) -> bytes:
        """All of it, as a pcap file."""
        return b"".join(self._pieces)


async def capture_call(legs: Iterable[Leg], traces: Traces, local: Address, clock: WallClock, seconds: float) -> bytes:
    """What passes on the wires of these legs for so long, or until all have ended; `local` is where we speak SIP."""
    legs = [leg for leg in legs if leg.state is not LegState.ENDED]
    capture = Capture(clock)

    def signalling(data: bytes, remote: str, sent: bool) -> None:
        host, _, port = remote.rpartition(":")
        there = Address(host.strip("[]"), int(port))
        capture.add_signalling(data, *((local, there) if sent else (there, local)))

    with ExitStack() as undo:
        undo.callback(traces.follow({leg.id for leg in legs}, signalling))
        for leg in legs:
            if isinstance(leg.port, RtpPort):
                undo.callback(leg.port.wire.watch(capture.add))
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, LONGEST_SECONDS)):
                for leg in legs:
                    await leg.ended(within=None)
    return capture.file()


def _ip_packet(payload: bytes, source: Address, target: Address) -> bytes:
    """The datagram in UDP in IP, with the checksums of RFC 791 and RFC 768 (in IPv4 that of UDP may be left out)."""
    here, there = ipaddress.ip_address(source.host), ipaddress.ip_address(target.host)
    length = 8 + len(payload)
    if here.version != there.version:
        raise ValueError(f"{source} and {target} are of different families.")
    if here.version == 4:
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + length, 0, 0x4000, 64, 17, 0, here.packed, there.packed)
        head = head[:10] + struct.pack(">H", _checksum(head)) + head[12:]
        return head + struct.pack(">HHHH", source.port, target.port, length, 0) + payload
    pseudo = here.packed + there.packed + struct.pack(">II", length, 17)
    udp = struct.pack(">HHHH", source.port, target.port, length, 0)
    udp = udp[:6] + struct.pack(">H", _checksum(pseudo + udp + payload) or 0xFFFF)
    return struct.pack(">IHBB16s16s", 0x6000_0000, length, 17, 64, here.packed, there.packed) + udp + payload


def _checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
