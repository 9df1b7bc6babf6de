"""What one person says and hears in one call, block by block, on whatever clock pulls it."""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable
from dataclasses import dataclass

from gateway.emulator import sound
from gateway.emulator.sound import Samples


@dataclass(frozen=True, slots=True)
class Block:
    """Sound with the moment (monotonic seconds) at which it passed."""

    at: float
    data: bytes
    """s16le."""


class _Queue:
    """Pieces said one after the other without a gap; `done` is called when the last sample of a piece has gone."""

    def __init__(self) -> None:
        self._pieces: collections.deque[tuple[Samples, Callable[[], None] | None]] = collections.deque()
        self._position = 0

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def add(self, samples: Samples, done: Callable[[], None] | None) -> None:
        self._pieces.append((samples, done))

    def clear(self) -> list[Callable[[], None]]:
        done = [each for _, each in self._pieces if each is not None]
        self._pieces.clear()
        self._position = 0
        return done

    def take(self, count: int) -> tuple[Samples, list[Callable[[], None]]]:
        out = sound.silence(0)
        finished = []
        while self._pieces and len(out) < count:
            samples, done = self._pieces[0]
            part = samples[self._position : self._position + count - len(out)]
            out += part
            self._position += len(part)
            if self._position >= len(samples):
                self._pieces.popleft()
                self._position = 0
                if done is not None:
                    finished.append(done)
        return out + sound.silence(count - len(out)), finished


class Track:
    """The mouth and the ear of one person in one call.

    `say`, `press` and `hush` may be called from any thread; `speak_block` and `hear_block` by the one
    clock that moves the call's sound. What is said before the call is up begins with its first tick.
    """

    def __init__(self) -> None:
        self.heard: list[Block] = []
        """Everything from the tick on which the call was up, without gaps."""
        self.spoken: list[Block] = []
        """The same for what was said, silence included."""
        self._planned: list[tuple[float, Samples, Callable[[], None] | None]] = []
        self._speech = _Queue()
        self._keys = _Queue()
        self._lock = threading.Lock()

    def say(self, samples: Samples, done: Callable[[], None] | None = None, *, at: float | None = None) -> None:
        """Say it with the next block, or after what is being said. `done` is called in the media thread.

        With `at` (monotonic seconds) the first sample has its place within the block of that moment.
        """
        with self._lock:
            if at is None:
                self._speech.add(samples, done)
            else:
                self._planned.append((at, samples, done))

    def press(self, digits: str, *, tone_seconds: float = 0.1, gap_seconds: float = 0.1) -> None:
        """Put the dual tones of the keys over what is being said. ValueError for what is no key."""
        samples = sound.keys(digits, tone_seconds=tone_seconds, gap_seconds=gap_seconds)
        with self._lock:
            self._keys.add(samples, None)

    def hush(self) -> None:
        """Stop saying anything; what was not said counts as done."""
        with self._lock:
            finished = self._speech.clear() + self._keys.clear()
            finished += [done for _, _, done in self._planned if done is not None]
            self._planned.clear()
        for done in finished:
            done()

    def speak_block(self, at: float, count: int) -> bytes:
        """The next `count` samples of what the person says, as s16le."""
        with self._lock:
            self._start_planned(at, count)
            speech, finished = self._speech.take(count)
            if self._keys:
                keys, _ = self._keys.take(count)
                speech = sound.mixed(speech, keys)
        data = sound.to_bytes(speech)
        self.spoken.append(Block(at, data))
        for done in finished:
            done()
        return data

    def _start_planned(self, at: float, count: int) -> None:
        due = [plan for plan in self._planned if plan[0] < at + count / sound.SAMPLE_RATE]
        for plan in due:
            moment, samples, done = plan
            self._planned.remove(plan)
            lead = sound.silence(max(0, round((moment - at) * sound.SAMPLE_RATE)))
            self._speech.add(lead + samples, done)

    def hear_block(self, at: float, data: bytes) -> None:
        """The person hears `data`."""
        self.heard.append(Block(at, data))

    def heard_bytes(self) -> bytes:
        """All that was heard, s16le, gapless."""
        return b"".join(block.data for block in self.heard[:])

    def spoken_bytes(self) -> bytes:
        """All that was said, s16le, gapless."""
        return b"".join(block.data for block in self.spoken[:])
