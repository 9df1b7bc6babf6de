"""RTP on the wire: packets, the peer's timeline, and ours (RFC 3550, RFC 3551). No sockets."""

from __future__ import annotations

import secrets
import struct
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from gateway.audio.frame import FRAME_SAMPLES, FRAMES_PER_SECOND, SAMPLE_RATE

HEADER_BYTES = 12
LONGEST_DATAGRAM = 2_048
HEADER = struct.Struct(">BBHII")
_WINDOW = 64
_WINDOW_MASK = (1 << _WINDOW) - 1
_LARGEST_STEP = 3_000
"""RFC 3550 appendix A.1, MAX_DROPOUT: a larger step of the sequence number is a sender that began anew."""
_LARGEST_LEAP_SECONDS = 2.0
"""A timestamp further ahead of the clock than this is no pause but a sender that began anew."""
_PASSED_ON_GAP = 10 * FRAME_SAMPLES
"""A gap up to this is loss, and shown to the peer as loss; a longer one is a pause."""


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One packet; padding and header extension are taken off."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def parse_rtp(data: bytes) -> RtpPacket | None:
    """The packet; None for anything that is not RTP version 2."""
    if len(data) < HEADER_BYTES or data[0] >> 6 != 2:
        return None
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    start = HEADER_BYTES + 4 * (first & 0x0F)
    if first & 0x10:
        if len(data) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    end = len(data)
    if first & 0x20:
        end -= data[-1]
        if data[-1] == 0:
            return None
    if start > end:
        return None
    return RtpPacket(second & 0x7F, bool(second & 0x80), sequence, timestamp, ssrc, data[start:end])


class Arrival(StrEnum):
    """What a packet is, seen in the order of its stream."""

    NEXT = "next"
    LATE = "late"
    """It was missing, and comes out of order."""
    DUPLICATE = "duplicate"
    TOO_LATE = "too-late"


class Timeline:
    """Turns what a peer numbers into positions on one unbroken timeline of 8 kHz samples.

    The timeline goes on over a new SSRC, a restart of the numbers and leaps of the timestamp; it never
    leaps by more than the time that went by.
    """

    def __init__(self) -> None:
        self.lost = 0
        self.ssrc: int | None = None
        self._ticks = 1
        """What the peer counts in the time of one sample of ours."""
        self._highest = 0
        self._window = 0
        self._timestamp: int | None = None
        self._position = 0
        self._floor = 0
        """What comes for an earlier position is of a stream that is over."""
        self._end = 0
        self._arrived_at = 0.0
        self._restarted = False

    def count_by(self, clock_rate: int) -> None:
        """The timestamps that come have this clock, a multiple of 8 kHz."""
        if self._ticks != clock_rate // SAMPLE_RATE:
            self._ticks = clock_rate // SAMPLE_RATE
            self._restarted = self._timestamp is not None

    def next_position(self, sequence: int, timestamp: int, ssrc: int, now: float) -> int | None:
        """Where 20 ms of audio belong that follow the last 20 ms without a gap, counted by 8 kHz; nearly always.

        None for all else, of which nothing is noted: `arrived` and `position` decide.
        """
        if (
            ssrc != self.ssrc
            or sequence != (self._highest + 1) & 0xFFFF
            or self._timestamp is None
            or timestamp != (self._timestamp + FRAME_SAMPLES) & 0xFFFF_FFFF
            or self._restarted
            or self._ticks != 1
        ):
            return None
        self._highest = sequence
        self._window = (self._window << 1 | 1) & _WINDOW_MASK
        self._timestamp = timestamp
        self._position = position = self._position + FRAME_SAMPLES
        self._end = position + FRAME_SAMPLES
        self._arrived_at = now
        return position

    def arrived(self, packet: RtpPacket) -> Arrival:
        """Note the sequence number (duplicates are known for 64 packets)."""
        step = (packet.sequence - self._highest) & 0xFFFF
        if packet.ssrc != self.ssrc or _LARGEST_STEP <= step <= 0x10000 - _LARGEST_STEP:
            self._restarted = self.ssrc is not None
            self.ssrc = packet.ssrc
            self._highest = packet.sequence
            self._window = 1
            return Arrival.NEXT
        if step == 0:
            return Arrival.DUPLICATE
        if step < _LARGEST_STEP:
            self.lost += step - 1
            self._highest = packet.sequence
            self._window = (self._window << step | 1) & _WINDOW_MASK if step < _WINDOW else 1
            return Arrival.NEXT
        back = 0x10000 - step
        if back >= _WINDOW:
            return Arrival.TOO_LATE
        if self._window >> back & 1:
            return Arrival.DUPLICATE
        self._window |= 1 << back
        self.lost = max(0, self.lost - 1)
        return Arrival.LATE

    def position(self, timestamp: int, samples: int, now: float, *, late: bool) -> int | None:
        """Where `samples` samples of audio belong; None: before the present stream. `now` is the loop's time."""
        if self._timestamp is None:
            self._note(timestamp, 0, samples, now)
            return 0
        step = _signed(timestamp - self._timestamp) // self._ticks
        if late and not self._restarted:
            position = self._position + step
            return position if position >= self._floor and step <= 0 else None
        elapsed = now - self._arrived_at
        leaps = step < 0 or step > (elapsed + _LARGEST_LEAP_SECONDS) * SAMPLE_RATE
        if self._restarted or leaps:
            self._restarted = False
            frames_missed = max(0, round(elapsed * FRAMES_PER_SECOND) - 1)
            # Two packets of one moment, or with a little jitter between: nothing is missing.
            position = self._end + (frames_missed if frames_missed > 2 else 0) * FRAME_SAMPLES
            self._floor = position
        else:
            position = self._position + step
        self._note(timestamp, position, samples, now)
        return position

    def _note(self, timestamp: int, position: int, samples: int, now: float) -> None:
        self._timestamp = timestamp
        self._position = position
        self._end = position + samples
        self._arrived_at = now


class RtpSender:
    """Numbers what we send. Loss and order of the source are passed on: the peer's own buffer deals with them."""

    def __init__(self) -> None:
        self.ssrc = secrets.randbits(32)
        self.packets = 0
        self.octets = 0
        self.timestamp = secrets.randbits(32)
        self._ticks = 1
        self._sequence = secrets.randbits(15)
        self._position: int | None = None
        self._floor = 0
        self._recent: deque[int] = deque(maxlen=16)
        self._timed_at: float | None = None
        """When `timestamp` was the present one."""
        self._interrupted = False

    def count_by(self, clock_rate: int) -> None:
        """Timestamps have this clock from now on, a multiple of 8 kHz."""
        self._ticks = clock_rate // SAMPLE_RATE

    def begin(self) -> None:
        """What is sent next is of another stream: its positions have nothing to do with the former ones."""
        self._position = None

    def audio(self, payload_type: int, payload: bytes, position: int, now: float) -> bytes | None:
        """A packet with one frame; None for one that came twice or too late to be placed."""
        last = self._position
        if last is not None and position == last + FRAME_SAMPLES and not self._interrupted:
            # Nearly always.
            self._position = position
            self._recent.append(position)
            self._timed_at = now
            self._sequence += 1
            self.timestamp += FRAME_SAMPLES * self._ticks
            self.packets += 1
            self.octets += len(payload)
            return (
                HEADER.pack(0x80, payload_type, self._sequence & 0xFFFF, self.timestamp & 0xFFFF_FFFF, self.ssrc)
                + payload
            )
        marker = False
        if last is None or position < last - _PASSED_ON_GAP:
            self._advance(self._elapsed_samples(now), 1)
            self._floor = position
            self._recent.clear()
            marker = True
        elif position > last:
            gap = position - last
            loss = gap <= _PASSED_ON_GAP and not self._interrupted
            marker = gap > _PASSED_ON_GAP
            self._advance(gap, max(1, gap // FRAME_SAMPLES) if loss else 1)
            if not loss:
                self._floor = position
        else:
            return self._late(payload_type, payload, position, last)
        self._interrupted = False
        self._position = position
        self._recent.append(position)
        self._timed_at = now
        return self._packet(payload_type, payload, self._sequence, self.timestamp, marker=marker)

    def event(self, payload_type: int, payload: bytes, timestamp: int, *, marker: bool) -> bytes:
        """A packet of a telephone event, whose timestamp is that of its beginning (RFC 4733 section 2.2)."""
        self._sequence += 1
        self._interrupted = True
        return self._packet(payload_type, payload, self._sequence, timestamp, marker=marker)

    def event_timestamp(self, now: float) -> int:
        """The timestamp of an event that begins now."""
        if self._timed_at is None:
            self._timed_at = now
            return self.timestamp
        return self.timestamp + self._elapsed_samples(now) * self._ticks

    def _late(self, payload_type: int, payload: bytes, position: int, last: int) -> bytes | None:
        back = last - position
        if position in self._recent or back % FRAME_SAMPLES or position < self._floor or self._interrupted:
            return None
        self._recent.append(position)
        sequence = self._sequence - back // FRAME_SAMPLES
        return self._packet(payload_type, payload, sequence, self.timestamp - back * self._ticks, marker=False)

    def _elapsed_samples(self, now: float) -> int:
        if self._timed_at is None:
            return 0
        return max(1, round((now - self._timed_at) * FRAMES_PER_SECOND)) * FRAME_SAMPLES

    def _advance(self, samples: int, packets: int) -> None:
        self.timestamp += samples * self._ticks
        self._sequence += packets

    def _packet(self, payload_type: int, payload: bytes, sequence: int, timestamp: int, *, marker: bool) -> bytes:
        self.packets += 1
        self.octets += len(payload)
        second = payload_type | (0x80 if marker else 0)
        return HEADER.pack(0x80, second, sequence & 0xFFFF, timestamp & 0xFFFF_FFFF, self.ssrc) + payload


def _signed(difference: int) -> int:
    """The difference of two 32-bit timestamps, with its sign."""
    difference &= 0xFFFF_FFFF
    return difference - 0x1_0000_0000 if difference & 0x8000_0000 else difference
