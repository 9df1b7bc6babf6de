"""Splice: what is played of the frames that came, 20 ms at a time: as they are, or with samples taken out or put in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.audio.conceal import Concealer
from gateway.audio.delay import DelayMeter
from gateway.audio.frame import FRAME_SAMPLES, Frame
from gateway.audio.shorten import is_quiet, shortened


@dataclass(slots=True)
class PlayoutCounters:
    """What happened to one stream, in frames; `underruns` are frames that the device had to make up itself."""

    written: int = 0
    concealed: int = 0
    dropped: int = 0
    late: int = 0
    duplicates: int = 0
    reordered: int = 0
    underruns: int = 0
    shortened_samples: int = 0
    stretched_samples: int = 0


class Splice:
    """One stream's sound between its order and its device. `delay` says what is to be put in or taken out.

    With two lanes a frame is of 16 kHz, as 160 pairs of samples.
    """

    def __init__(self, delay: DelayMeter, counters: PlayoutCounters, *, lanes: int = 1) -> None:
        self._nothing: NDArray[np.int16] = np.zeros((0, lanes) if lanes > 1 else 0, dtype=np.int16)
        self.rest = self._nothing
        """Samples that are left over, and come before everything that is added."""
        self.owed = 0
        """Samples to be put in with the next frame."""
        self._delay = delay
        self._counters = counters
        self._concealer = Concealer(lanes=lanes)
        self._since_shrink = 0

    @property
    def is_plain(self) -> bool:
        """Whether the next frame will be played as it is, at once: then `played` takes the place of `add`."""
        delay = self._delay
        return (
            delay.surplus <= 0
            and delay.wish <= 0
            and self.owed <= 0
            and not self.rest.size
            and not self._concealer.generated
        )

    def forget(self) -> None:
        """A new stream begins: nothing of the old one is continued."""
        self.rest = self._nothing
        self._concealer.forget()

    def played(self, frame: Frame) -> None:
        """A frame is being played as it is."""
        self._since_shrink += 1
        self._concealer.history.append(frame)
        if not self._since_shrink & _LISTENS:
            self._concealer.hear_room(frame)

    def add(self, frame: Frame) -> Frame | None:
        """The next frame of the stream: what is to be played now; None: 20 ms are not complete yet."""
        delay = self._delay
        self._since_shrink += 1
        samples: NDArray[np.int16] = frame
        if self._concealer.generated:
            samples = _clipped(self._concealer.join(frame))
        elif self.owed > 0:
            samples = self._stretch(frame)
        elif delay.wish > 0 and is_quiet(frame):
            samples = self._widened(frame, min(delay.wish, 2 * FRAME_SAMPLES))
        elif delay.surplus > 0:
            samples = self._shrink(frame)
        self._concealer.played(samples)
        if not len(self.rest) and len(samples) == FRAME_SAMPLES:
            return samples
        self.rest = np.concatenate((self.rest, samples))
        return self.cut()

    def cut(self) -> Frame | None:
        """20 ms of what is left over, if it is as much."""
        if len(self.rest) < FRAME_SAMPLES:
            return None
        frame, self.rest = self.rest[:FRAME_SAMPLES], self.rest[FRAME_SAMPLES:]
        return frame

    def made_up(self, following: Frame | None) -> Frame:
        """20 ms of concealment, after what is left over of the last real frame; `following` is heard next, if known."""
        if following is not None:
            made = _clipped(self._concealer.between(following))
            self._concealer.played(made)
            whole = np.concatenate((self.rest, made)) if len(self.rest) else made
            frame, self.rest = whole[:FRAME_SAMPLES], whole[FRAME_SAMPLES:]
            return frame
        missing = FRAME_SAMPLES - len(self.rest)
        made = _clipped(self._concealer.more(missing))
        frame = np.concatenate((self.rest, made)) if len(self.rest) else made
        self._delay.moved(missing - FRAME_SAMPLES)
        self.rest = self._nothing
        return frame

    def has_grown(self, samples: int) -> None:
        """So much was put in already. Once the voice is interrupted, what else the jitter asks for follows."""
        more = self._delay.grown(samples)
        if more >= _WORTH_WHILE:
            self.owed = max(self.owed, more)

    def _shrink(self, frame: Frame) -> NDArray[np.int16]:
        if self._since_shrink < _SHRINK_EVERY:
            return frame
        shorter = shortened(frame, self._delay.surplus)
        removed = len(frame) - len(shorter)
        if removed:
            self._since_shrink = 0
            self._delay.given_back(removed)
            self._counters.shortened_samples += removed
        return shorter

    def _stretch(self, frame: Frame) -> NDArray[np.int16]:
        self._concealer.more(0)
        pitch = self._concealer.pitch
        count = max(1, min(round(self.owed / pitch), 2 * FRAME_SAMPLES // pitch)) * pitch
        if count > self._delay.room:
            # One period too much, and a frame would have to be dropped for it later.
            count = max(0, self._delay.room) // pitch * pitch
            self.owed = min(self.owed, count)
        if not count:
            return frame
        self.owed = max(0, self.owed - count)
        return self._widened(frame, count)

    def _widened(self, frame: Frame, count: int) -> NDArray[np.int16]:
        """`frame` behind `count` samples that were made up."""
        made = self._concealer.more(count)
        self._delay.grown(count)
        self._counters.stretched_samples += count
        return _clipped(np.concatenate((made, self._concealer.join(frame))))


_SHRINK_EVERY = 3
_WORTH_WHILE = FRAME_SAMPLES
"""What is less waits for silence: in a voice, 10 ms of a foreign period cost more than they save."""
_LISTENS = 7
"""One frame in eight is looked at for the noise of the room."""


def _clipped(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    return np.clip(samples, -32768, 32767).astype(np.int16)
