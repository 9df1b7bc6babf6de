"""How loud, and whether anybody spoke: cheap enough for every frame."""

from __future__ import annotations

from enum import StrEnum
from math import log10, sqrt

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import FRAME_SECONDS, Frame

_FULL_SCALE = 32768.0**2 / 2
SILENT_DBFS = -120.0
"""What stands for the level of digital silence."""
HEARD_DBFS = -50.0
"""A frame louder than this was heard. The noise of a line lies below it, a quiet voice above."""
HEARD_MEAN_SQUARE = _FULL_SCALE * 10 ** (HEARD_DBFS / 10)
"""The same as a mean of squares."""
HEARD_LEAST_SECONDS = 0.2
"""So much of it makes a party heard: a click is not a voice."""
_NO_SIGNAL_MEAN_SQUARE = 64.0
"""A-law has no zero: its silence is a constant of 8."""


class Verdict(StrEnum):
    """Who was heard in a call."""

    BOTH_HEARD = "both-heard"
    CALLER_SILENT = "caller-silent"
    CALLEE_SILENT = "callee-silent"
    NOTHING_HEARD = "nothing-heard"

    @classmethod
    def of(cls, *, caller_heard: bool, callee_heard: bool) -> Verdict:
        """The verdict from what is known of each side."""
        match caller_heard, callee_heard:
            case True, True:
                return cls.BOTH_HEARD
            case False, True:
                return cls.CALLER_SILENT
            case True, False:
                return cls.CALLEE_SILENT
        return cls.NOTHING_HEARD


def frame_energy(frame: Frame) -> float:
    """The sum of the squares of the samples."""
    samples = frame.astype(np.float32)
    return float(samples.dot(samples))


def dbfs(mean_square: float) -> float:
    """Decibels below a full-scale sine's root mean square; SILENT_DBFS for nothing at all."""
    return 10 * log10(mean_square / _FULL_SCALE) if mean_square > 1e-3 else SILENT_DBFS


def rms(samples: NDArray[np.int16]) -> float:
    """Root mean square, in units of a sample."""
    return sqrt(float(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


class LevelMeter:
    """What one direction of a call has carried so far; feed it every frame that arrives, or one in `every`.

    Nothing is measured before somebody asks, or a second of frames has come: many at once cost little more than one.
    """

    __slots__ = ("_alive_at", "_every", "_fed", "_frames", "_loud_at", "_loud_energy", "_loud_frames", "_most", "_peak")

    def __init__(self, every: int = 1) -> None:
        self._every = every
        self._fed: list[tuple[Frame, float]] = []
        """What has not been measured yet, and when it came."""
        self._frames = 0
        self._loud_frames = 0
        self._loud_energy = 0.0
        self._loud_at: float | None = None
        self._alive_at: float | None = None
        self._peak = 0
        self._most = 0.0

    def feed(self, frame: Frame, now: float) -> None:
        """A frame has arrived at `now` (seconds of the caller's clock)."""
        self._fed.append((frame, now))
        if len(self._fed) >= _MOST_UNMEASURED:
            self._measure()

    @property
    def frames(self) -> int:
        """How many were fed."""
        return self._frames + len(self._fed)

    @property
    def loud_frames(self) -> int:
        """In how many of them something was heard."""
        self._measure()
        return self._loud_frames

    @property
    def loud_energy(self) -> float:
        """The sum of squares of what was heard."""
        self._measure()
        return self._loud_energy

    @property
    def loud_at(self) -> float | None:
        """When something was last heard."""
        self._measure()
        return self._loud_at

    @property
    def alive_at(self) -> float | None:
        """When last there was anything at all: the faintest noise of a line is, a constant (no signal) is not."""
        self._measure()
        return self._alive_at

    @property
    def heard(self) -> bool:
        """Whether a voice, or anything as loud, has come."""
        return self.voice_seconds >= HEARD_LEAST_SECONDS

    @property
    def voice_seconds(self) -> float:
        """How long something was heard."""
        return self.loud_frames * self._every * FRAME_SECONDS

    @property
    def silence_seconds(self) -> float:
        """How long nothing was, of what came."""
        return (self.frames - self.loud_frames) * self._every * FRAME_SECONDS

    @property
    def level_dbfs(self) -> float:
        """The mean level of the frames in which something was heard."""
        return dbfs(self.loud_energy / (self.loud_frames * 160)) if self.loud_frames else SILENT_DBFS

    @property
    def peak(self) -> int:
        """The largest sample of the loudest frame, 0 to 32,768."""
        self._measure()
        return self._peak

    def _measure(self) -> None:
        """All that was fed since the last time."""
        if not self._fed:
            return
        fed, self._fed = self._fed, []
        samples = np.array([frame for frame, _ in fed], dtype=np.float32)
        energies: list[float] = np.einsum("ij,ij->i", samples, samples).tolist()
        for (frame, now), energy in zip(fed, energies, strict=True):
            if energy > HEARD_MEAN_SQUARE * len(frame):
                self._loud_frames += 1
                self._loud_energy += energy
                self._loud_at = self._alive_at = now
                if energy > self._most:
                    self._most = energy
                    self._peak = max(int(frame.max()), -int(frame.min()))
            elif energy > _NO_SIGNAL_MEAN_SQUARE * len(frame) or frame.max() != frame.min():
                self._alive_at = now
        self._frames += len(fed)


_MOST_UNMEASURED = 50
