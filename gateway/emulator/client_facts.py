"""What the emulator's control socket tells, as values. Moments are seconds of CLOCK_MONOTONIC."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Say:
    """Speech of a subscriber in each of its calls, `after_seconds` of the answer; 0: with its first sample."""

    wav: Path
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Heard:
    """Sound of one side of a call, gapless, s16le at 8 kHz, in the file and here."""

    path: Path
    data: bytes
    stamps: list[tuple[float, int]]
    """(moment, bytes) of each block in its turn."""

    def moment_of(self, sample: int) -> float:
        """When the block with that sample passed; IndexError beyond the end."""
        offset = 2 * sample
        for at, size in self.stamps:
            if offset < size:
                return at
            offset -= size
        raise IndexError(f"Nothing was heard at sample {sample}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """A mobile call as it is now."""

    id: str
    number: str
    from_modem: bool
    state: str
    """"dialling", "ringing", "active" or "ended"."""
    started: float
    ringing: float | None
    answered: float | None
    ended: float | None
    cause: int | None
    """Q.850."""
    ended_by: str | None
    """"subscriber", "modem" or "network"."""
    seconds: float
    keys: list[tuple[float, str]]
    """Pressed by the gateway with a command (not in-band)."""
    pressed: list[tuple[float, str]]
    """Pressed by the subscriber."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceStamps:
    """What passed a voice port in its present or last call. Positions are in bytes of the host's stream."""

    arrived: list[tuple[float, int]]
    """(moment, bytes) as the host wrote them."""
    consumed: list[tuple[float, float, int, int]]
    """(moment, when due, bytes that were missing, position) of each block that the modem took."""
    delivered: list[tuple[float, int]]
    """(moment, bytes) of each block that the modem gave to the host."""
    arrived_data: bytes
    consumed_data: bytes
    delivered_data: bytes
    dropped_bytes: int
    refused_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneCallFacts:
    """A call of a SIP phone as it is now."""

    id: str
    peer: str
    """What was dialled, or the user part of From."""
    peer_name: str
    is_incoming: bool
    state: str
    """"dialling", "ringing", "active" or "ended"."""
    started: float
    ringing: float | None
    answered: float | None
    ended: float | None
    seconds: float
    status: int | None
    """The final status of the INVITE."""
    reason: str
    ended_by: str | None
    """"phone" or "peer"."""
    codec: str | None
    call_id: str
    statuses: list[tuple[float, int]]
    """Each response to the INVITE."""
    keys: list[tuple[float, str]]
    """Keys that came as RFC 4733 events."""


@dataclass(frozen=True, slots=True)
class RtpFacts:
    """What came in one RTP packet."""

    at: float
    sequence: int
    timestamp: int
    payload_type: int
    marker: bool
    source: int
    size: int


def call_facts(answer: dict[str, Any]) -> CallFacts:
    """Of the answer of a verb about a mobile call."""
    pairs = {name: [(at, digit) for at, digit in answer[name]] for name in ("keys", "pressed")}
    return CallFacts(**{**answer, **pairs})


def phone_call_facts(answer: dict[str, Any]) -> PhoneCallFacts:
    """Of the answer of a verb about a phone's call."""
    pairs = {name: [(at, what) for at, what in answer[name]] for name in ("keys", "statuses")}
    return PhoneCallFacts(**{**answer, **pairs})


def heard_of(answer: dict[str, Any]) -> Heard:
    """Of the answer of a verb that gives sound."""
    return Heard(Path(answer["wav"]), wav_data(answer["wav"]), [(at, size) for at, size in answer["stamps"]])


def wav_data(path: str) -> bytes:
    """The samples of a WAV as they stand in it."""
    with wave.open(path, "rb") as file:
        return file.readframes(file.getnframes())
