"""Conference: three parties and more, mixed by the clock; everyone hears all others, never themselves.

Each party's audio passes through a jitter buffer of its own, and each party gets a mix of its own,
delivered by a port that it hears like any other. The owner calls `tick` every 20 ms. Parties with a wide-band codec
hear each other at 16 kHz; everyone else hears, and is heard by them, at 8 (docs/decisions/wide-band.md).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import FRAME_SAMPLES, SILENCE, Frame
from gateway.audio.playout import Playout
from gateway.audio.port import FrameSource, MediaPort
from gateway.audio.splice import PlayoutCounters
from gateway.audio.twice import Doubler, Halver

Clock: TypeAlias = Callable[[], float]
"""Seconds of one monotonic clock: the loop's `time`."""


class Conference:
    """The mixer. Parties are known by their ports."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._members: dict[MediaPort, _Member] = {}
        self._weights: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        self._position = 0

    @property
    def ports(self) -> tuple[MediaPort, ...]:
        """Who takes part, in the order of joining."""
        return tuple(self._members)

    def add(self, port: MediaPort) -> None:
        """`port` speaks to all and hears all; also: from listening or whispering to taking part (barging in)."""
        self._join(port, speaks=True, to=None)

    def listen_in(self, port: MediaPort) -> None:
        """`port` hears all and is heard by nobody."""
        self._join(port, speaks=False, to=None)

    def whisper(self, port: MediaPort, to: MediaPort) -> None:
        """`port` hears all and is heard by `to` alone. When `to` leaves, `port` is heard by nobody."""
        self._join(port, speaks=True, to=to)

    def drop(self, port: MediaPort) -> None:
        """Take `port` out; it hears silence. Idempotent."""
        member = self._members.pop(port, None)
        if member is not None:
            member.leave()
            self._weigh()

    def close(self) -> None:
        """Take everyone out."""
        for port in self.ports:
            self.drop(port)

    def mix_for(self, port: MediaPort) -> MediaPort:
        """What a party hears, as something that can be listened to: for the recording. Raises KeyError."""
        return self._members[port].rest

    def counters(self, port: MediaPort) -> PlayoutCounters:
        """What happened to the audio of a party on its way into the mix."""
        return self._members[port].playout.counters

    def tick(self, now: float) -> None:
        """Mix 20 ms and deliver to everyone."""
        members = tuple(self._members.values())
        if not members:
            return
        frames = [member.next_frame(now) for member in members]
        voices = np.stack([member.narrow(frame) for member, frame in zip(members, frames, strict=True)])
        mixes = _limited(self._weights @ voices)
        wide = [index for index, member in enumerate(members) if member.port.hears_full_band]
        wide_mixes: dict[int, NDArray[np.int16]] = {}
        # The upper band is worth its work when somebody has one and somebody else can hear it.
        if wide and any(member.lanes > 1 and [index] != wide for index, member in enumerate(members)):
            wide_voices = np.stack([member.wide(frame) for member, frame in zip(members, frames, strict=True)])
            wide_mixes = dict(zip(wide, _limited(self._weights[wide] @ wide_voices), strict=True))
        position = self._position
        self._position += FRAME_SAMPLES
        for index, (mix, member) in enumerate(zip(mixes, members, strict=True)):
            member.rest.say(mix, position, wide_mixes.get(index))

    def _join(self, port: MediaPort, *, speaks: bool, to: MediaPort | None) -> None:
        member = self._members.get(port)
        if member is None:
            member = self._members[port] = _Member(port, self._clock)
        member.speaks, member.to = speaks, to
        self._weigh()

    def _weigh(self) -> None:
        """Who hears whom: one row for each listener, one column for each speaker."""
        members = tuple(self._members.values())
        self._weights = np.array(
            [
                [
                    float(speaker is not listener and speaker.speaks and speaker.to in (None, listener.port))
                    for speaker in members
                ]
                for listener in members
            ],
            dtype=np.float32,
        )


def _limited(mixes: NDArray[np.float32]) -> NDArray[np.int16]:
    limited: NDArray[np.int16] = np.clip(mixes, -32768, 32767).astype(np.int16)
    return limited


class _Rest(MediaPort):
    """What one party hears: a port that only speaks."""

    def __init__(self) -> None:
        super().__init__()
        self._frame: Frame | None = None
        self._twin: NDArray[np.int16] | None = None

    def say(self, frame: Frame, position: int, twin: NDArray[np.int16] | None) -> None:
        self._frame, self._twin = frame, twin
        self._deliver(frame, position)

    def full_band(self, frame: Frame) -> NDArray[np.int16] | None:
        """The mix at 16 kHz, for a party that hears it."""
        return self._twin if frame is self._frame else None

    def _restart(self, source: FrameSource | None) -> None:
        """Nobody is behind it."""

    def _write(self, frame: Frame, position: int) -> None:
        """Nobody is behind it."""


class _Member:
    """One party: its jitter buffer, whose device is the mixer, and the port that it hears.

    A voice of 16 kHz waits as pairs of samples, its even and its odd ones: so it has the buffer of all others.
    """

    def __init__(self, port: MediaPort, clock: Clock) -> None:
        self.port = port
        self.speaks = True
        self.to: MediaPort | None = None
        self.lanes = 2 if port.ask_full_band(wanted=True) else 1
        self.playout = Playout(lanes=self.lanes)
        self.rest = _Rest()
        self._clock = clock
        self._ready: deque[Frame] = deque()
        self._silence: Frame = SILENCE if self.lanes == 1 else np.zeros((FRAME_SAMPLES, self.lanes), dtype=np.int16)
        self._arrived_narrow, self._doubler, self._halver = Doubler(), Doubler(), Halver()
        self._stop_listening = port.listen(self._arrive)
        port.hear(self.rest)

    def leave(self) -> None:
        self._stop_listening()
        self.port.ask_full_band(wanted=False)
        self.port.hear(None)

    def next_frame(self, now: float) -> Frame:
        """What the mixer takes: 160 samples, or 160 pairs."""
        self._ready.extend(self.playout.conceal(now, is_before_read=True))
        frame = self._ready.popleft() if self._ready else self._silence
        self._ready.extend(self.playout.consumed(now))
        return frame

    def narrow(self, frame: Frame) -> Frame:
        """A taken frame at 8 kHz."""
        return frame if self.lanes == 1 else self._halver.feed(frame.reshape(-1))

    def wide(self, frame: Frame) -> NDArray[np.int16]:
        """A taken frame at 16 kHz."""
        return self._doubler.feed(frame) if self.lanes == 1 else frame.reshape(-1)

    def _arrive(self, frame: Frame, position: int) -> None:
        if self.lanes > 1:
            wide = self.port.full_band(frame)
            wide = self._arrived_narrow.feed(frame) if wide is None else wide
            frame = wide.reshape(FRAME_SAMPLES, self.lanes)
        self._ready.extend(self.playout.arrive(frame, position, self._clock()))
