"""A simulated wire, modem and listener around a Playout: what is heard, and how much later."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import FRAME_SAMPLES, SILENCE, Frame
from gateway.audio.playout import Playout

Arrival = tuple[float, int, Frame]
"""Seconds, position in samples, frame."""
Wire = Callable[[list[Arrival], np.random.Generator], list[Arrival]]


def packets(speech: NDArray[np.int16], *, start: float = 0.5, clock_ppm: float = 0.0) -> list[Arrival]:
    """One packet every 20 ms by a sender whose clock is `clock_ppm` fast."""
    interval = 0.020 / (1 + clock_ppm * 1e-6)
    return [
        (start + index * interval, offset, speech[offset : offset + FRAME_SAMPLES])
        for index, offset in enumerate(range(0, len(speech) - FRAME_SAMPLES + 1, FRAME_SAMPLES))
    ]


def clean(sent: list[Arrival], rng: np.random.Generator) -> list[Arrival]:
    return sent


def jitter(kind: str, ms: float, *, reordered: bool = False, calm_after: float = 1e9) -> Wire:
    def wire(sent: list[Arrival], rng: np.random.Generator) -> list[Arrival]:
        if kind == "exponential":
            delays = rng.exponential(ms / 1000, len(sent))
        else:
            delays = np.maximum(0.0, rng.normal(3 * ms / 1000, ms / 1000, len(sent)))
        got: list[Arrival] = []
        latest = 0.0
        for (time, position, frame), delay in zip(sent, delays, strict=True):
            arrived = time + (delay if time < calm_after else 0.0)
            if not reordered:
                arrived = max(arrived, latest)
            latest = arrived
            got.append((arrived, position, frame))
        return got

    return wire


def loss(share: float, *, burst: int = 1) -> Wire:
    def wire(sent: list[Arrival], rng: np.random.Generator) -> list[Arrival]:
        lost: set[int] = set()
        for index in range(len(sent)):
            if rng.random() < share / burst:
                lost.update(range(index, index + burst))
        return [each for index, each in enumerate(sent) if index not in lost]

    return wire


def stall(at: float, seconds: float) -> Wire:
    def wire(sent: list[Arrival], rng: np.random.Generator) -> list[Arrival]:
        return [(max(time, at + seconds) if time >= at else time, position, frame) for time, position, frame in sent]

    return wire


def duplicates(share: float) -> Wire:
    def wire(sent: list[Arrival], rng: np.random.Generator) -> list[Arrival]:
        return [copy for each in sent for copy in [each] * (2 if rng.random() < share else 1)]

    return wire


_AFTER_ARRIVALS = 1

FIFO_FRAMES = 5
"""What a modem holds, 100 ms; what comes on top is lost."""


@dataclass
class Heard:
    """What the modem's side has heard, and the delay of each frame at the time it was consumed."""

    samples: NDArray[np.int16]
    playout: Playout
    times: list[float] = field(default_factory=list)
    depths: list[float] = field(default_factory=list)
    """Milliseconds that wait, seen right before each read."""
    unseen: list[int] = field(default_factory=list)
    """Frames in the modem that the play-out buffer knows nothing of, seen right before each read."""
    written_after_ms: list[float] = field(default_factory=list)
    most_fill: int = 0


def listen(
    got: list[Arrival],
    *,
    block_frames: int = 1,
    phase: float = 0.007,
    clock_ppm: float = 0.0,
    timer_late: float = 0.0003,
    report_late: float = 0.0002,
    tail: float = 0.5,
    rng: np.random.Generator | None = None,
    playout: Playout | None = None,
    silence: Frame = SILENCE,
    stalls: Sequence[tuple[float, float]] = (),
) -> Heard:
    """Run a Playout against a modem that reads `block_frames` at each tick of its own crystal.

    From the beginning to the end of each of `stalls` this machine stands still; then it sees to what has come, and
    after that to what was due.
    """
    rng = rng or np.random.default_rng(0)
    playout = playout or Playout(block_frames=block_frames)
    period = 0.020 * block_frames / (1 + clock_ppm * 1e-6)
    end = max(time for time, _, _ in got) + tail
    order = itertools.count()
    events: list[tuple[float, int, float, int, str, tuple[int, Frame] | None]] = []

    def push(time: float, what: str, detail: tuple[int, Frame] | None = None) -> None:
        served = time if what == "read" else next((stop for start, stop in stalls if start <= time < stop), time)
        rank = _AFTER_ARRIVALS if what == "timer" and served > time else 0
        heapq.heappush(events, (served, rank, time, next(order), what, detail))

    for time, position, frame in got:
        push(time, "arrive", (position, frame))
    for index in range(int(end / period)):
        push(phase + index * period, "read")
    fifo: list[Frame] = []
    heard: list[Frame] = []
    result = Heard(np.zeros(0, np.int16), playout)
    timer: float | None = None
    arrived: dict[int, float] = {}
    while events:
        now, _, _, _, what, detail = heapq.heappop(events)
        written: list[Frame] = []
        if detail is not None:
            position, frame = detail
            arrived.setdefault(id(frame), now)
            written = playout.arrive(frame, position, now)
        elif what == "read":
            result.times.append(now)
            result.depths.append(playout.depth_frames * 20)
            result.unseen.append(len(fifo) - playout.fill_frames)
            for _ in range(block_frames):
                heard.append(fifo.pop(0) if fifo else silence)
            late = report_late * (1 + rng.random())
            push(now + late, "consumed")
        elif what == "consumed":
            written = playout.consumed(now, block_frames)
        elif what == "timer":
            timer = None
            written = playout.conceal(now)
        for each in written:
            if id(each) in arrived:
                result.written_after_ms.append(1000 * (now - arrived[id(each)]))
        fifo += written[: max(0, FIFO_FRAMES - len(fifo))]
        result.most_fill = max(result.most_fill, len(fifo))
        due = playout.deadline(now)
        if due is not None and timer is None:
            timer = max(due, now)
            push(timer + timer_late * rng.random() * 2, "timer")
        if not events or now > end:
            break
    result.samples = np.concatenate(heard)
    return result
