"""When a device takes its next frames, learned from its reports; and how steady the machine is that hears them.

Reports come late, never early, so the earliest of them are right. What is late by more than the machine's habit is a
stall: of the system, of a virtual machine's host, of a USB hub. A single one costs 20 ms of voice that are made up; to
be ready for it would delay every word of the next minute. What has come twice in a minute will come again: that much
sound is kept in hand, on every port, since a stall hits all of them; less by what each port's packets come before
they are needed, and so nothing at all where they come early enough.
"""

from __future__ import annotations

from collections import deque

TIMER_GRAIN_SECONDS = 0.0005
"""So much too early a timer may fire."""


class Steadiness:
    """The stall that the last minute has shown twice, in seconds; shared by all ports of a machine."""

    WINDOW_SECONDS = 60.0
    IGNORED_SECONDS = 0.003
    ONE_STALL_SECONDS = 0.1
    """What comes late within this time was held up by one and the same stall."""
    _MOST = 0.060

    def __init__(self) -> None:
        self._stalls: deque[tuple[float, float]] = deque()
        self._second_worst: float | None = None
        """Of those in `_stalls`; None when it has to be looked for again."""

    def note(self, late: float, now: float) -> None:
        """Something came `late` seconds later than it should."""
        if late < self.IGNORED_SECONDS:
            return
        began = now
        if self._stalls and now - self._stalls[-1][0] < self.ONE_STALL_SECONDS:
            began, known = self._stalls[-1]
            if late <= known:
                return
            self._stalls.pop()
        self._stalls.append((began, min(late, self._MOST)))
        self._second_worst = None

    def expected(self, now: float) -> float:
        """What must be reckoned with now, 0 on a machine that is nearly always in time."""
        while self._stalls and self._stalls[0][0] < now - self.WINDOW_SECONDS:
            self._stalls.popleft()
            self._second_worst = None
        if self._second_worst is None:
            stalls = sorted(late for _, late in self._stalls)
            self._second_worst = stalls[-2] if len(stalls) > 1 else 0.0
        return self._second_worst


class DeviceClock:
    """The crystal of a device that takes `block_frames` frames every `period` seconds."""

    PATIENCE_SECONDS = 0.060
    """So long after a read its report is waited for: after a stall of the machine it is here, but not looked at yet."""

    def __init__(self, *, block_frames: int, period: float, steadiness: Steadiness | None) -> None:
        self.next_read: float | None = None
        """When the device takes its next block; None before its first report."""
        self.guard = _FIRST_GUARD
        """How long before a read its frames must be on their way."""
        self.promised: float | None = None
        """The deadline that the owner was told, until it was kept or another one was told."""
        self._block = block_frames
        self._period = period
        self._steadiness = steadiness
        self._part_of_block = 0
        self._latest = self._lateness = 0.0
        """The latest that the owner was at a deadline, and how late it must be expected; both are slowly forgotten."""
        self._learned_at = 0.0

    def follow(self, now: float, count: int) -> None:
        """The device has reported `count` frames as taken."""
        if count == self._block and not self._part_of_block:
            blocks = 1
        else:
            blocks, self._part_of_block = divmod(self._part_of_block + count, self._block)
            if blocks == 0:
                return
        read = self.next_read
        if read is None or now - read > _CLOCK_LOST:
            self.next_read = now + self._period
            return
        if blocks > 1:
            read += (blocks - 1) * self._period
        behind = now - read
        if behind < 0:
            read = now
        else:
            read += min(behind * _CLOCK_LEAK + _CLOCK_DRIFT, behind)
            if behind > Steadiness.IGNORED_SECONDS and self._steadiness is not None:
                self._steadiness.note(behind, now)
        self.next_read = read + self._period

    def is_read_under_way(self, now: float) -> bool:
        """Whether the device may be taking its block just now, and the report has not come yet."""
        return self.next_read is not None and -_REPORT_GRAIN <= now - self.next_read < self.PATIENCE_SECONDS

    def learn_lateness(self, now: float) -> None:
        """The owner was at its deadline, or should have been: next time earlier, or later again when it is exact."""
        if self.promised is None or now < self.promised - TIMER_GRAIN_SECONDS:
            return
        late, self.promised = now - self.promised, None
        kept = 0.5 ** ((now - self._learned_at) / _LATENESS_HALF_LIFE)
        self._learned_at = now
        # One stall of the machine says nothing of the next deadline, a second one does.
        expected = late if late < _HABIT else min(late, self._latest * kept)
        self._latest = max(late, self._latest * kept)
        self._lateness = max(expected, self._lateness * kept)
        self.guard = min(max(_LEAST_GUARD + 1.5 * self._lateness, _LEAST_GUARD), _MOST_GUARD)

    def in_hand(self, now: float) -> float:
        """Seconds of sound that should lie ready beyond the next read, for stalls like those of the last minute."""
        return self._steadiness.expected(now) if self._steadiness is not None else 0.0


_FIRST_GUARD = 0.001
_LEAST_GUARD = 0.0008
_MOST_GUARD = 0.006
_LATENESS_HALF_LIFE = 15.0
_HABIT = 0.001
"""So late is any timer now and then; what is later is a stall."""
_REPORT_GRAIN = 0.0003
_CLOCK_LOST = 0.3
_CLOCK_LEAK = 0.02
_CLOCK_DRIFT = 5e-6
