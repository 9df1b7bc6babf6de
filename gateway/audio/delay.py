"""How much delay a stream needs: measured by how early its packets come, asked for by how much that varies.

Everything is in samples of waiting time. `queued` of a packet is what lies between the next sample
that the device takes and the packet's own first one, at its arrival.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import FRAME_SAMPLES, SAMPLE_RATE


class DelayMeter:
    """Says how much of a stream's delay can be given back (`surplus`) or should be added (`wish`).

    `room` is what may be added before too much waits, `limit` the most that may wait: a quiet network's
    stall is not kept as delay, a jittery one may fill the buffer up to `longest_samples`.
    """

    def __init__(self, *, block_samples: int, longest_samples: int) -> None:
        self.surplus = 0
        self.wish = 0
        self.limit = 0
        self.room = 0
        self.is_even = False
        """Whether the packets of the last seconds have come in even steps, but for a few."""
        self._block_samples = block_samples
        self._longest = longest_samples
        self._moved = 0
        """Added since the stream began, so that what was measured before can be compared."""
        self._times, self._spares, self._queues = array("d"), array("d"), array("d")
        """When each packet came, how long before the device's next read, and how much was queued before it."""
        self._since_review = 0
        self._most_queued = 0.0
        """The most that was queued before a packet, slowly forgotten: the quickest packets are rare where jitter is."""

    def begin(self, waiting: int) -> None:
        """A stream begins behind `waiting` samples that are in the device already."""
        del self._times[:], self._spares[:], self._queues[:]
        self._moved = self.surplus = self.wish = self._since_review = 0
        self._most_queued = 0.0
        self.is_even = False
        self.limit = min(self._longest, waiting + _LEAST_LIMIT + self._block_samples)
        self.room = self.limit - _HEADROOM - waiting

    def note(self, now: float, spare: float, queued: int) -> bool:
        """A packet has come, `spare` seconds before the device's next read. True: it is time for a review."""
        self._times.append(now)
        self._spares.append(spare)
        self._queues.append(queued - self._moved)
        self._since_review += 1
        return self._since_review >= _REVIEW_EVERY

    def usual_spare(self) -> float | None:
        """How long before the device's next read the packets come, but for the latest tenth; None: too few have come.

        Of the last second: on a line whose clocks drift apart it changes by some milliseconds a minute.
        """
        latest = sorted(self._spares[-_LAST_SECOND:])
        return latest[len(latest) // 10] if len(latest) == _LAST_SECOND else None

    def moved(self, samples: int) -> None:
        """Samples were put in, or (negative) left out: those before and those after are not to be mixed up."""
        self._moved += samples

    def grown(self, samples: int) -> int:
        """Samples were put in because packets came late. Returns how many more the jitter asks for, at once."""
        self._moved += samples
        self.room -= samples
        self.surplus = 0
        more, self.wish = max(0, self.wish - samples), 0
        return more

    def given_back(self, samples: int) -> None:
        """Samples of the surplus were taken out."""
        self._moved -= samples
        self.surplus -= samples

    def review(self, now: float, in_hand: float, cushion_samples: int) -> None:
        """Compare the delay with what the packets of the last seconds have needed, and the next will.

        `in_hand` seconds must lie ready beyond the next read, `cushion_samples` are kept in the device for it.
        """
        self._since_review = 0
        old = max(bisect_left(self._times, now - _WINDOW_SECONDS), len(self._times) - _ARRIVALS)
        del self._times[:old], self._spares[:old], self._queues[:old]
        count = len(self._times)
        if count < _LEAST_ARRIVALS:
            return
        margin_seconds = _MARGIN_SECONDS + in_hand
        if not cushion_samples and max(self._queues) + self._moved <= 0:
            latest = min(self._spares)
            if latest >= margin_seconds and max(self._spares) - latest < _CALM_SECONDS:
                # Nothing waits, and nothing has to: nearly always.
                self.surplus = self.wish = 0
                self.is_even = True
                self.limit = min(self._longest, _LEAST_LIMIT + self._block_samples)
                self.room = self.limit - _HEADROOM
                self._most_queued = 0.0 - self._moved
                return
        times = np.array(self._times)
        spare = np.array(self._spares) * SAMPLE_RATE
        queued = np.array(self._queues) + self._moved
        margin = margin_seconds * SAMPLE_RATE
        reads = np.ceil((margin - spare) / self._block_samples)
        unneeded = float((queued - self._block_samples * reads)[count // 2 :].min())
        early = _without_drift(times - now, spare + queued)
        middle = float(early[count // 2])
        spread = middle - float(early[count // 10])
        reserve = middle - _SPREADS * spread - margin
        most = max(_LEAST_LIMIT, int(2 * _SPREADS * spread)) + cushion_samples + self._block_samples
        self.limit = min(self._longest, max(most, int(queued.max()) + FRAME_SAMPLES))
        # While jitter goes on, not every change of its measure is followed.
        self.is_even = spread <= _LEAST_SPREAD
        known = 0.0 if self.is_even else self._most_queued + self._moved - _FORGOTTEN
        waiting = int(max(known, float(queued.max())))
        self._most_queued = waiting - self._moved
        self.room = min(self._longest - FRAME_SAMPLES, most - _HEADROOM) - waiting
        slackness = 0 if self.is_even else _SLACKNESS
        self.surplus = int(min(unneeded, reserve)) - slackness
        self.wish = 0
        if (slackness or cushion_samples) and -reserve > slackness:
            wish = min(int(-reserve), self.room)
            self.wish = wish if wish >= _LEAST_WISH else 0


def _without_drift(ages: NDArray[np.float64], early: NDArray[np.float64]) -> NDArray[np.float64]:
    """How early the packets would be now, in order of size: two clocks that drift apart are no jitter."""
    half = len(early) // 2
    older, newer = np.sort(early[:half]), np.sort(early[half:])
    moved = float(newer[half // 2] - older[half // 2])
    apart = float(ages[half + half // 2] - ages[half // 2])
    if apart < _LEAST_APART or abs(moved) < float(newer[half // 2] - newer[half // 10]):
        return np.sort(early)
    return np.sort(early - min(max(moved / apart, -_MOST_DRIFT), _MOST_DRIFT) * ages)


_ARRIVALS = 400
_LAST_SECOND = 50
_REVIEW_EVERY = 25
"""Half a second: more often costs more than it gives, by PESQ as by the clock."""
_WINDOW_SECONDS = 4.0
_LEAST_ARRIVALS = 20
_LEAST_APART = 1.0
_CALM_SECONDS = 0.003
_MARGIN_SECONDS = 0.0005
_SPREADS = 3.4
"""Times the way from the median to the tenth percentile: of exponential jitter one packet in 500 is later."""
_LEAST_SPREAD = 0.003 * SAMPLE_RATE
_SLACKNESS = FRAME_SAMPLES
_HEADROOM = 2 * FRAME_SAMPLES
_FORGOTTEN = 2
"""Samples a review, half a millisecond a second: as much as two clocks drift apart."""
_LEAST_WISH = 40
_LEAST_LIMIT = 3 * FRAME_SAMPLES
_MOST_DRIFT = 0.01 * SAMPLE_RATE
"""Samples a second, 1 %: what two bad crystals make together."""
