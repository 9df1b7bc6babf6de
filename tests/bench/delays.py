"""Delay by content: each frame that was said is found again in what came out, and their moments are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.emulator.client import VoiceStamps
from tests.bench.voices import RATE

FRAME = 160
FRAME_SECONDS = FRAME / RATE
CONTEXT = 80
"""Samples before and after a frame that are compared with it, so that a vowel is not mistaken for its next period."""
REACH = 800
"""How far from where it is expected a frame is looked for: 100 ms."""
ALIKE = 0.9

Floats = NDArray[np.float64]


class Stream:
    """Sound with the moment at which each of its blocks passed. `data` is s16le; moments are monotonic seconds."""

    def __init__(self, data: bytes, stamps: Sequence[tuple[float, int]]) -> None:
        self.samples: Floats = np.frombuffer(data[: len(data) & ~1], dtype="<i2").astype(np.float64)
        self._moments = np.array([at for at, _size in stamps], dtype=np.float64)
        self._ends = np.cumsum([size for _at, size in stamps]) // 2

    def moment(self, sample: int) -> float:
        """When the block with that sample passed."""
        return float(self._moments[np.searchsorted(self._ends, sample, side="right")])

    def frames(self, since: float, until: float) -> list[tuple[int, float]]:
        """First sample and moment of each block of one frame that passed between two moments."""
        starts = self._ends - np.diff(self._ends, prepend=0)
        wanted = (self._moments >= since) & (self._moments < until)
        return [
            (first, float(at))
            for start, end, at in zip(starts[wanted], self._ends[wanted], self._moments[wanted], strict=True)
            for first in range(int(start), int(end) - FRAME + 1, FRAME)
        ]


@dataclass(frozen=True, slots=True)
class Found:
    """A frame at both ends."""

    sent_at: float
    place: int
    """Its first sample in what came out."""
    last_at: float
    """When the block with its last sample came out."""


@dataclass(frozen=True, slots=True)
class Traced:
    """The frames of one direction of one call that were found, and how many were not."""

    found: list[Found]
    missing: int

    @property
    def at_port_ms(self) -> Floats:
        """From the frame's leaving its party to its last sample's coming out."""
        return np.array([each.last_at - each.sent_at for each in self.found]) * 1000


def trace(said: Stream, heard: Stream, since: float, until: float) -> Traced:
    """Find all frames that were said between two moments."""
    frames = said.frames(since, until)
    if not frames:
        return Traced([], 0)
    begin, end = frames[0][0], frames[-1][0] + FRAME
    shift = _shift(said.samples[begin:end], heard.samples) - begin
    found: list[Found] = []
    missing = 0
    for first, at in frames:
        template = said.samples[max(0, first - CONTEXT) : first + FRAME + CONTEXT]
        lead = first - max(0, first - CONTEXT)
        place = _near(template, heard.samples, first - lead + shift)
        if place is None:
            missing += 1
            continue
        shift = place + lead - first
        found.append(Found(at, place + lead, heard.moment(place + lead + FRAME - 1)))
    return Traced(found, missing)


@dataclass(frozen=True, slots=True)
class AsHeard:
    """SIP to GSM behind the modem's own buffer, in ms, frame by frame."""

    heard_ms: Floats
    """From the packet's leaving the phone until the modem has come to play its first sample."""
    wait_ms: Floats
    """What of it nobody can avoid: the wait for the modem's next read, with the frames that one read needs."""

    @property
    def above_ms(self) -> Floats:
        """What is ours."""
        return self.heard_ms - self.wait_ms


def as_heard(traced: Traced, stamps: VoiceStamps) -> AsHeard:
    """When the modem played what was found in `stamps.arrived`; frames that it dropped do not count."""
    ticks = np.array([at for at, _due, _missing, _position in stamps.consumed])
    positions = np.array([position for _at, _due, _missing, position in stamps.consumed])
    block_bytes = len(stamps.consumed_data) // max(1, len(ticks))
    sizes = block_bytes - np.array([missing for _at, _due, missing, _position in stamps.consumed])
    heard, waits = [], []
    for each in traced.found:
        byte = 2 * each.place
        tick = int(np.searchsorted(positions + sizes, byte, side="right"))
        following = int(np.searchsorted(ticks, each.sent_at, side="right"))
        if tick >= len(ticks) or byte < positions[tick] or following >= len(ticks):
            continue
        heard.append(ticks[tick] + (byte - positions[tick]) / (2 * RATE) - each.sent_at)
        waits.append(_unavoidable(ticks[following] - each.sent_at, block_bytes))
    return AsHeard(np.array(heard) * 1000, np.array(waits) * 1000)


def _unavoidable(to_next_read: float, block_bytes: int) -> float:
    """With reads of one frame the wait for the next; with reads of two that of the first of a pair, 20 to 40 ms.

    A frame that comes within 20 ms of the read is the second of its pair, and is played 20 ms after it.
    """
    if block_bytes <= 2 * FRAME or to_next_read >= FRAME_SECONDS:
        return to_next_read
    return to_next_read + FRAME_SECONDS


def _shift(said: Floats, heard: Floats) -> int:
    """Where in `heard` the beginning of `said` lies, by cross-correlation of the whole."""
    size = 1 << int(np.ceil(np.log2(len(said) + len(heard) + 1)))
    product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size))
    best = int(np.argmax(np.fft.irfft(product, size)))
    return best if best < len(heard) else best - size


def _near(template: Floats, heard: Floats, expected: int) -> int | None:
    """The place of `template` in `heard` at, or else around, where it is expected."""
    size = len(template)
    if 0 <= expected <= len(heard) - size and _likeness(template, heard[expected : expected + size]) >= ALIKE:
        return expected
    begin, end = max(0, expected - REACH), min(len(heard), expected + REACH + size)
    if end - begin < size:
        return None
    around = heard[begin:end]
    products = np.correlate(around, template, "valid")
    squares = np.concatenate(([0.0], np.cumsum(around * around)))
    energies = (squares[size:] - squares[:-size]) * float(template @ template)
    likeness = products / np.sqrt(np.maximum(energies, 1.0))
    best = int(likeness.argmax())
    return begin + best if likeness[best] >= ALIKE else None


def _likeness(a: Floats, b: Floats) -> float:
    energy = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / energy if energy > 0 else 0.0
