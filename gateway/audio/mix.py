"""Conference: three parties and more, mixed by the clock; everyone hears all others, never themselves.

Each party's audio passes through a jitter buffer of its own, and each party gets a mix of its own,
delivered by a port that it hears like any other. The owner calls `tick` every 20 ms.
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
        voices = np.empty((len(members), FRAME_SAMPLES), dtype=np.float32)
        for row, member in zip(voices, members, strict=True):
            row[:] = member.next_frame(now)
        mixes = np.clip(self._weights @ voices, -32768, 32767).astype(np.int16)
        position = self._position
        self._position += FRAME_SAMPLES
        for mix, member in zip(mixes, members, strict=True):
            member.rest.say(mix, position)

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


class _Rest(MediaPort):
    """What one party hears: a port that only speaks."""

    def say(self, frame: Frame, position: int) -> None:
        self._deliver(frame, position)

    def _restart(self, source: FrameSource | None) -> None:
        """Nobody is behind it."""

    def _write(self, frame: Frame, position: int) -> None:
        """Nobody is behind it."""


class _Member:
    """One party: its jitter buffer, whose device is the mixer, and the port that it hears."""

    def __init__(self, port: MediaPort, clock: Clock) -> None:
        self.port = port
        self.speaks = True
        self.to: MediaPort | None = None
        self.playout = Playout()
        self.rest = _Rest()
        self._clock = clock
        self._ready: deque[Frame] = deque()
        self._stop_listening = port.listen(self._arrive)
        port.hear(self.rest)

    def leave(self) -> None:
        self._stop_listening()
        self.port.hear(None)

    def next_frame(self, now: float) -> Frame:
        self._ready.extend(self.playout.conceal(now))
        frame = self._ready.popleft() if self._ready else SILENCE
        self._ready.extend(self.playout.consumed(now))
        return frame

    def _arrive(self, frame: Frame, position: int) -> None:
        self._ready.extend(self.playout.arrive(frame, position, self._clock()))
