"""Bridge: two parties who hear each other, by arrival, and whoever keeps a record of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from gateway.audio.port import Listener, MediaPort
from gateway.audio.recorder import Channel
from gateway.audio.reminder import Reminder

Clock: TypeAlias = Callable[[], float]
"""Seconds of one monotonic clock: the loop's `time`."""


class Tap(Protocol):
    """Hears both parties: a Recorder, or a stand-in for one."""

    def listener(self, channel: Channel, clock: Clock) -> Listener:
        """What is to be called for each frame of one party, on arrival."""


class Bridge:
    """`a` is the caller, `b` the callee: a recorder puts them on its left and right.

    Between `start` and `stop` each hears the other. Whoever lets a port hear or play something else
    meanwhile takes that party out of the bridge, until `start` is called again.
    """

    def __init__(self, a: MediaPort, b: MediaPort, clock: Clock) -> None:
        self._parties = {Channel.CALLER: a, Channel.CALLEE: b}
        self._clock = clock
        self._joined = False
        self._remind_every: float | None = None
        self._taps: list[Callable[[], None]] = []

    def start(self) -> None:
        """Let both hear each other; again: after one of them heard something else."""
        a, b = self._parties.values()
        a.hear(self._as_heard(b))
        b.hear(self._as_heard(a))
        self._joined = True

    def remind(self, every_seconds: float) -> None:
        """Let both hear a quiet beep from time to time, over what the other says: the call is recorded."""
        self._remind_every = every_seconds
        if self._joined:
            self.start()

    def stop(self) -> None:
        """Let both hear silence, and end all taps; idempotent."""
        if self._joined:
            self._joined = False
            for party in self._parties.values():
                party.hear(None)
        for stop in self._taps:
            stop()
        self._taps.clear()

    def tap(self, tap: Tap) -> Callable[[], None]:
        """Give `tap` every frame of both parties, from now on, until `stop` or the returned function is called."""
        stops = [port.listen(tap.listener(channel, self._clock)) for channel, port in self._parties.items()]

        def stop() -> None:
            while stops:
                stops.pop()()

        self._taps.append(stop)
        return stop

    def _as_heard(self, party: MediaPort) -> MediaPort:
        return party if self._remind_every is None else Reminder(party, self._remind_every, self._clock)
