"""The sound of a SIP call: RTP every 20 ms by absolute deadlines (RFC 3550, RFC 3551), keys as events (RFC 4733)."""

from __future__ import annotations

import collections
import random
import socket
import struct
import time
from dataclasses import dataclass

from gateway.emulator.g711 import Codec
from gateway.emulator.media_clock import MediaClock, Ticker
from gateway.emulator.sound import from_bytes, to_bytes
from gateway.emulator.track import Block, Track

_SAMPLES = 160
_PERIOD_SECONDS = 0.020
_EVENTS = "0123456789*#ABCD"
_EVENT_VOLUME = 10
_END_PACKETS = 3
_MOST_GAP_SAMPLES = 80_000


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """What came in one datagram. `at` is monotonic, when it could first be read."""

    at: float
    sequence: int
    timestamp: int
    payload_type: int
    marker: bool
    source: int
    size: int
    """Octets of payload."""


@dataclass(slots=True)
class _Key:
    """A key on its way out as an event."""

    digit: str
    ticks: int
    gap_ticks: int
    start: int | None = None
    sent: int = 0


class RtpStream:
    """One socket, one codec each way. The track is that of this phone: what it says goes out, what comes in it hears.

    What comes in is laid out by its timestamps: what was lost or not sent is silence, what comes twice counts
    once, what comes late is put in its place. `start`, `press` and `close` from the event loop.
    """

    def __init__(self, clock: MediaClock, host: str, track: Track, *, ppm: float = 0.0) -> None:
        self.packets: list[RtpPacket] = []
        """Everything that came, in the order of coming."""
        self.sent: list[tuple[float, int]] = []
        """(moment, timestamp) of each packet of sound that went out."""
        self.keys_heard: list[tuple[float, str]] = []
        """Keys that came as events."""
        self._clock = clock
        self._track = track
        self._period_seconds = _PERIOD_SECONDS * (1 + ppm / 1e6)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._dice = random.Random()
        self._source = self._dice.getrandbits(32)
        self._sequence = self._dice.getrandbits(16)
        self._timestamp = self._dice.getrandbits(32)
        self._keys: collections.deque[_Key] = collections.deque()
        self._remote: tuple[str, int] | None = None
        self._codec: Codec | None = None
        self._event_type: int | None = None
        self._decoders: dict[int, Codec] = {}
        self._ticker: Ticker | None = None
        self._is_first = True
        self._heard_source: int | None = None
        self._next_expected = 0
        self._last_event = -1
        self._is_closed = False
        clock.soon(lambda: clock.watch(self._socket.fileno(), self._readable))

    def listen(self, decoders: dict[int, Codec], event_type: int | None) -> None:
        """Understand these payload types from now on."""
        self._decoders = dict(decoders)
        self._event_type = event_type

    def start(self, remote: tuple[str, int], codec: Codec) -> None:
        """Send to `remote` every 20 ms, from now on; a second call changes where and how."""
        self._remote, self._codec = remote, codec
        self._clock.soon(self._start)

    def pause(self) -> None:
        """Send nothing until `start`."""
        self._clock.soon(self._stop)

    def press(self, digits: str, *, tone_seconds: float, gap_seconds: float) -> None:
        """Send the keys as events, one after the other; ValueError for what is no key."""
        if any(digit not in _EVENTS for digit in digits):
            raise ValueError(f"{digits!r} holds what is no key.")
        ticks, gap = max(1, round(tone_seconds / _PERIOD_SECONDS)), max(1, round(gap_seconds / _PERIOD_SECONDS))
        self._keys.extend(_Key(digit, ticks, gap) for digit in digits)

    def close(self) -> None:
        """The end; the media thread closes the socket."""
        if not self._is_closed:
            self._is_closed = True
            self._clock.soon(self._close)

    def _start(self) -> None:
        if self._ticker is None and not self._is_closed:
            self._ticker = self._clock.every(self._period_seconds, self._tick, first_due=time.monotonic())

    def _stop(self) -> None:
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None

    def _close(self) -> None:
        self._stop()
        self._clock.unwatch(self._socket.fileno())
        self._socket.close()

    # Out

    def _tick(self, _due: float) -> None:
        now = time.monotonic()
        if self._keys:
            self._send_event(self._keys[0])
        elif self._codec is not None:
            said = from_bytes(self._track.speak_block(now, _SAMPLES))
            self._send(self._codec.payload_type, self._codec.encode(said), self._timestamp, marker=self._is_first)
            self.sent.append((now, self._timestamp))
            self._is_first = False
        self._timestamp = (self._timestamp + _SAMPLES) & 0xFFFF_FFFF

    def _send_event(self, key: _Key) -> None:
        """One packet of a key, whose timestamp is that of its start; its last packet thrice (RFC 4733 2.5.1)."""
        if key.start is None:
            key.start = self._timestamp
        if key.sent < key.ticks and self._event_type is not None:
            is_last = key.sent == key.ticks - 1
            duration = (key.sent + 1) * _SAMPLES
            volume = _EVENT_VOLUME | (0x80 if is_last else 0)
            payload = struct.pack("!BBH", _EVENTS.index(key.digit), volume, duration)
            for _ in range(_END_PACKETS if is_last else 1):
                self._send(self._event_type, payload, key.start, marker=key.sent == 0)
        key.sent += 1
        if key.sent >= key.ticks + key.gap_ticks:
            self._keys.popleft()
            self._is_first = True

    def _send(self, payload_type: int, payload: bytes, timestamp: int, *, marker: bool) -> None:
        head = struct.pack(
            "!BBHII", 0x80, payload_type | (0x80 if marker else 0), self._sequence, timestamp, self._source
        )
        self._sequence = (self._sequence + 1) & 0xFFFF
        if self._remote is not None:
            try:
                self._socket.sendto(head + payload, self._remote)
            except OSError:
                return  # the other side has closed its port, which ICMP told: the same as silence

    # In

    def _readable(self) -> None:
        try:
            data = self._socket.recv(2048)
        except OSError:
            return
        now = time.monotonic()
        if len(data) < 12 or data[0] >> 6 != 2:
            return
        flags, kind, sequence, timestamp, source = struct.unpack("!BBHII", data[:12])
        payload = data[12 + 4 * (flags & 0x0F) :]
        if flags & 0x10 and len(payload) >= 4:
            payload = payload[4 + 4 * struct.unpack("!H", payload[2:4])[0] :]
        packet = RtpPacket(now, sequence, timestamp, kind & 0x7F, bool(kind & 0x80), source, len(payload))
        self.packets.append(packet)
        if packet.payload_type == self._event_type:
            self._take_event(packet, payload)
        elif packet.payload_type in self._decoders:
            self._take_sound(packet, to_bytes(self._decoders[packet.payload_type].decode(payload)))

    def _take_event(self, packet: RtpPacket, payload: bytes) -> None:
        if len(payload) >= 4 and packet.timestamp != self._last_event and payload[0] < len(_EVENTS):
            self._last_event = packet.timestamp
            self.keys_heard.append((packet.at, _EVENTS[payload[0]]))

    def _take_sound(self, packet: RtpPacket, data: bytes) -> None:
        if packet.source != self._heard_source:  # a new stream follows the old one
            self._heard_source = packet.source
            self._next_expected = packet.timestamp
        ahead = (packet.timestamp - self._next_expected + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000
        if ahead > _MOST_GAP_SAMPLES:  # no pause but another count: it goes on from here
            ahead = 0
        if ahead < 0:
            self._put_late(-ahead, data)
            return
        if ahead > 0:
            self._track.hear_block(packet.at, bytes(2 * ahead))
        self._track.hear_block(packet.at, data)
        self._next_expected = (packet.timestamp + len(data) // 2) & 0xFFFF_FFFF

    def _put_late(self, samples_back: int, data: bytes) -> None:
        """Fill the silence where a packet was missing, unless it came before."""
        heard = self._track.heard
        offset = 2 * samples_back
        for at in range(len(heard) - 1, -1, -1):
            block = heard[at]
            if offset <= len(block.data):
                start = len(block.data) - offset
                if not any(block.data[start : start + len(data)]):
                    whole = block.data[:start] + data + block.data[start + len(data) :]
                    heard[at] = Block(block.at, whole[: len(block.data)])
                return
            offset -= len(block.data)
