"""What to play when a packet is missing: the voice goes on for a moment, then fades.

After ITU-T G.711 appendix I: the pitch of the last 50 ms is found by correlation, its last period is
repeated (two of them in a longer gap, so that it does not buzz), the level goes on falling or growing as that of the
voice did and then falls, and the first samples that arrive again are faded in over the synthetic ones. What follows the
voice that fades is not dead
silence but the noise of the room, for as long as anything is made up at all. Unlike the appendix nothing
that was already played has to be kept back: the seam at the start is smoothed on its later side. Where the frame
after the gap is known already, the gap is filled from both sides.
"""

from __future__ import annotations

from collections import deque
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.audio.comfort import LOUDEST_RMS, Noise
from gateway.audio.frame import SAMPLE_RATE

SHORTEST_PITCH = 32
LONGEST_PITCH = 120
"""Samples: 250 Hz down to 66 Hz; higher voices repeat two or three of their periods."""


class Concealer:
    """The voice of one stream, continued. Tell it everything that is played.

    With two lanes a sample is a pair, of 16 kHz audio; every count is of pairs, and the pitch is that of both together.
    """

    def __init__(self, *, lanes: int = 1) -> None:
        self._shape: tuple[int, ...] = () if lanes == 1 else (lanes,)
        """Of one sample."""
        self.history: deque[NDArray[np.int16]] = deque(maxlen=_HISTORY_PIECES)
        """What was played last. While nothing is being made up, real samples may be added right here."""
        self._going = False
        self._buffer = self._seam = np.zeros((0, *self._shape), dtype=np.float32)
        self._pitch = LONGEST_PITCH
        self._generated = 0
        self._phase = 0
        self._periods = 1
        self._trend = 1.0
        """How much louder each period of the voice was than the one before it."""
        self._noise = Noise()
        self._room: float | None = None
        """Mean square of the quietest that was heard of late; None: nothing was."""

    @property
    def generated(self) -> int:
        """Samples made up since the last real ones."""
        return self._generated

    @property
    def pitch(self) -> int:
        """The period in samples that is being repeated."""
        return self._pitch

    def forget(self) -> None:
        """A new stream begins: nothing of the old one is continued."""
        self.history.clear()
        self._going = False
        self._generated = 0

    def played(self, samples: NDArray[np.int16]) -> None:
        """Real samples have been played."""
        self.history.append(samples)
        if self._going:
            self._going = False
            self._generated = 0

    def hear_room(self, samples: NDArray[np.int16]) -> None:
        """Learn how loud the background is: what is quieter counts at once, what is louder slowly."""
        heard = samples.astype(np.float32).ravel()
        energy = float(heard.dot(heard)) / len(heard)
        self._room = energy if self._room is None else min(energy, self._room * _LOUDER)

    def recent(self, count: int) -> NDArray[np.float32]:
        """The last `count` samples played, zeros before the start of the stream."""
        tail = np.zeros((count, *self._shape), dtype=np.float32)
        if self.history:
            known = np.concatenate(tuple(self.history))[-count:]
            tail[count - len(known) :] = known
        return tail

    def more(self, count: int) -> NDArray[np.float32]:
        """`count` samples that continue what was played, or what was made up before."""
        if not self._going:
            self._begin()
        made = np.empty((count, *self._shape), dtype=np.float32)
        done = 0
        while done < count:
            span = self._periods * self._pitch
            if self._phase >= span:
                self._phase = 0
                self._grow()
                span = self._periods * self._pitch
            take = min(count - done, span - self._phase)
            start = len(self._buffer) - span + self._phase
            made[done : done + take] = self._buffer[start : start + take]
            self._phase += take
            done += take
        if self._generated < len(self._seam):
            overlap = self._seam[self._generated : self._generated + count]
            made[: len(overlap)] += overlap
        made *= self._each(self._gain(count))
        if self._room is not None and self._generated + count > _ROOM_AT[0]:
            noise = self._noise.samples(made.size).reshape(made.shape)
            made += noise * (min(LOUDEST_RMS, sqrt(self._room)) * self._each(_room(self._generated, count)))
        self._generated += count
        return made

    def between(self, following: NDArray[np.int16]) -> NDArray[np.float32]:
        """As many samples as `following` has, which is heard next: the voice goes over from what was to what comes.

        Call `played` with the result; `following` needs no `join`.
        """
        after = following.astype(np.float32)
        backwards = after[::-1]
        pitch = find_pitch(self._one_lane(backwards), _SHORT_WINDOW, len(after) - _SHORT_WINDOW)
        period = after[:pitch]
        missing = -(-len(after) // pitch) * pitch
        before = np.concatenate((period,) * (missing // pitch))[missing - len(after) :]
        made = self.more(len(after))
        made += (before - made) * self._each(np.arange(len(after), dtype=np.float32) / len(after))
        return made

    def join(self, real: NDArray[np.int16]) -> NDArray[np.float32]:
        """`real` with its start faded in over what would have been made up next. Call `played` with the result."""
        joined = real.astype(np.float32)
        overlap = min(len(real), _FADE)
        rise = self._each(_RAMP[:overlap])
        made = self.more(overlap)
        joined[:overlap] = made + (joined[:overlap] - made) * rise
        return joined

    def _begin(self) -> None:
        history = self.recent(_HISTORY)
        self._pitch = pitch = find_pitch(self._one_lane(history))
        # The end of the period is blended into what stood before its start, so that it can be repeated.
        buffer = history.copy()
        quarter = pitch // 4
        rise = self._each(np.arange(1, quarter + 1, dtype=np.float32) / (quarter + 1))
        buffer[-quarter:] += (history[-pitch - quarter : -pitch] - history[-quarter:]) * rise
        self._buffer = buffer
        self._going = True
        self._periods = 1
        self._phase = 0
        last, before = history[-pitch:].ravel(), history[-2 * pitch : -pitch].ravel()
        louder = sqrt((float(last.dot(last)) + pitch) / (float(before.dot(before)) + pitch))
        self._trend = min(max(louder, _LEAST_TREND), _MOST_TREND)
        step = history[-1] - history[-pitch - 1]
        self._seam = (step * (1 - rise)).astype(np.float32)
        self._generated = 0

    def _one_lane(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return samples.sum(axis=1) if self._shape else samples

    def _each(self, factors: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """One factor for each sample, whatever a sample is."""
        return factors.reshape(-1, 1) if self._shape else factors

    def _gain(self, count: int) -> NDArray[np.float32]:
        """The level, sample by sample: by how long it has gone on, and as the voice was growing or falling."""
        samples = np.arange(self._generated, self._generated + count)
        trend = self._trend ** np.minimum(samples / self._pitch, _TREND_PERIODS)
        return (np.interp(samples, _FADING_AT, _FADING_TO) * trend).astype(np.float32)

    def _grow(self) -> None:
        """Repeat one period for the first 20 ms, then two: by PESQ better than the appendix's two and three, sooner."""
        if self._generated > SAMPLE_RATE // 50:
            self._periods = 2


_WINDOW = 120


def find_pitch(history: NDArray[np.float32], window: int = _WINDOW, longest: int = LONGEST_PITCH) -> int:
    """The lag in samples, up to `longest`, at which the last `window` of `history` are most like what came before."""
    template = history[-window:]
    past = history[len(history) - window - longest : -SHORTEST_PITCH]
    products = np.correlate(past, template, "valid")
    squares = np.concatenate(([0.0], np.cumsum(past * past, dtype=np.float64)))
    energies = squares[window:] - squares[:-window]
    likeness = products / np.sqrt(energies + 1e4)
    return longest - int(likeness.argmax())


_SHORT_WINDOW = 60
"""Of a single frame: what is left of it allows periods of 12.5 ms, down to 80 Hz."""
_HISTORY = 3 * LONGEST_PITCH + 40
_HISTORY_PIECES = 4
_FADE = 14
"""Samples, 1.75 ms: the shorter the better by PESQ (appendix I takes 5 ms and more), but no click."""
_RAMP = np.arange(1, _FADE + 1, dtype=np.float32) / (_FADE + 1)
_FADING_AT = [each * SAMPLE_RATE // 1000 for each in (0, 20, 60, 120)]
_FADING_TO = [1.0, 0.8, 0.6, 0.0]
"""What is made up is soon wrong: heard as better when it steps back at once, but not into a hole (by PESQ)."""
_LEAST_TREND = 0.5
_MOST_TREND = 1.2
_TREND_PERIODS = 2
"""For so long a voice that falls or grows is held to go on doing so."""

_LOUDER = 1.02
"""In about six looks a second."""
_ROOM_AT = [each * SAMPLE_RATE // 1000 for each in (60, 80, 400, 500)]
_ROOM_TO = [0.0, 1.0, 1.0, 0.0]
"""The noise of the room takes the place of the voice, and ends before nothing more is made up."""


def _room(start: int, count: int) -> NDArray[np.float32]:
    """How much of it, sample by sample."""
    return np.interp(np.arange(start, start + count), _ROOM_AT, _ROOM_TO).astype(np.float32)
