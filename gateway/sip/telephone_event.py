"""Keys as RTP telephone events, both ways (RFC 4733), and as some phones write them into an INFO."""

from __future__ import annotations

import re
import struct
from collections import deque
from dataclasses import dataclass

from gateway.audio.frame import FRAMES_PER_SECOND, SAMPLE_RATE
from gateway.sip.rtp import RtpPacket, RtpSender

KEYS = "0123456789*#ABCD"
"""The place of a key is its event code (RFC 4733 table 3)."""

_RELAYED = re.compile(r"^[ \t]*Signal[ \t]*=[ \t]*([0-9*#A-D]|1[0-5])[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_EVENT = struct.Struct(">BBH")
_VOLUME = 10
_STEPS = 5
"""A key lasts 100 ms: five packets, each 20 ms longer than the one before."""
_ENDS = 3
_PAUSE_STEPS = 2
"""After the three end packets, so that two keys stand 80 ms apart."""


def key_of_info(content_type: str, body: bytes) -> str | None:
    """The key in the body of an INFO, empty when it holds none; None for a type that carries no keys.

    There is no standard: `application/dtmf-relay` has a line "Signal=5", `application/dtmf` the key alone; both may
    write * and # as their event codes, 10 and 11.
    """
    text = body[:200].decode("utf-8", "replace")
    match content_type:
        case "application/dtmf-relay":
            found = _RELAYED.search(text)
            word = "" if found is None else found[1].upper()
        case "application/dtmf":
            word = text.strip().upper()
        case _:
            return None
    if len(word) == 2 and word.isascii() and word.isdigit() and int(word) < len(KEYS):
        return KEYS[int(word)]
    return word if len(word) == 1 and word in KEYS else ""


class KeyReceiver:
    """Gives each key once, whatever of its packets was lost, repeated or reordered."""

    def __init__(self) -> None:
        self._known: deque[tuple[int, int]] = deque(maxlen=8)
        self._ended = True

    def receive(self, packet: RtpPacket) -> str | None:
        """The key that begins with this packet; None when it is known, or no key."""
        if len(packet.payload) < _EVENT.size:
            return None
        code, flags, _ = _EVENT.unpack_from(packet.payload)
        if code >= len(KEYS):
            return None
        name = (packet.ssrc, packet.timestamp)
        # Some phones give all keys the same timestamp: then a marker after an end begins another key.
        again = packet.marker and self._ended and bool(self._known) and self._known[-1] == name
        known = name in self._known and not again
        if not known:
            self._known.append(name)
            self._ended = False
        if flags & 0x80:
            self._ended = True
        return None if known else KEYS[code]


@dataclass(slots=True)
class _Sending:
    code: int
    timestamp: int
    step: int = 0


class KeySender:
    """Sends keys one after the other, a packet per 20 ms tick."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque(maxlen=64)
        self._sending: _Sending | None = None

    @property
    def is_busy(self) -> bool:
        """A key is on its way: audio pauses."""
        return self._sending is not None or bool(self._waiting)

    def send(self, key: str) -> None:
        """Send one of 0-9 * # A-D after those before."""
        if key in KEYS:
            self._waiting.append(key)

    def next_packet(
        self, sender: RtpSender, payload_type: int, now: float, clock_rate: int = SAMPLE_RATE
    ) -> bytes | None:
        """The packet of this tick; None in the pause between two keys, or when all are sent.

        How long the key has lasted is told by the clock of the events, `clock_rate`.
        """
        if self._sending is None:
            if not self._waiting:
                return None
            self._sending = _Sending(KEYS.index(self._waiting.popleft()), sender.event_timestamp(now))
        sending = self._sending
        sending.step += 1
        if sending.step > _STEPS + _ENDS - 1:
            if sending.step >= _STEPS + _ENDS - 1 + _PAUSE_STEPS:
                self._sending = None
            return None
        end = 0x80 if sending.step >= _STEPS else 0
        lasted = min(sending.step, _STEPS) * clock_rate // FRAMES_PER_SECOND
        payload = _EVENT.pack(sending.code, end | _VOLUME, lasted)
        return sender.event(payload_type, payload, sending.timestamp, marker=sending.step == 1)
