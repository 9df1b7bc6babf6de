"""The voice port of a modem: one block each way per tick of the modem's own crystal."""

from __future__ import annotations

import collections
import itertools
import random
import time
from dataclasses import dataclass, field

from gateway.emulator.media_clock import MediaClock, Ticker
from gateway.emulator.pty_port import PtyPort
from gateway.emulator.track import Track

BYTES_PER_SECOND = 16_000
HELD_BYTES = 1_600
"""100 ms: what the modem holds of what the host has sent; of any excess the oldest is dropped."""

_KEPT_STAMPS = 60_000
_PIECE_SECONDS = 0.003


@dataclass(frozen=True, slots=True)
class Consumed:
    """One block taken by the modem for its network."""

    at: float
    due: float
    data: bytes
    missing_bytes: int
    """How much of `data`, at its end, is silence because the host had not sent it in time."""
    position: int
    """How many bytes of the host had been consumed or dropped before this block."""


def _stamps() -> collections.deque[tuple[float, bytes]]:
    return collections.deque(maxlen=_KEPT_STAMPS)


def _blocks() -> collections.deque[Consumed]:
    return collections.deque(maxlen=_KEPT_STAMPS)


@dataclass(slots=True)
class VoiceStamps:
    """What passed the voice port in the present or last call, with monotonic times in seconds."""

    arrived: collections.deque[tuple[float, bytes]] = field(default_factory=_stamps)
    """Bytes from the host, when they could first be read."""
    consumed: collections.deque[Consumed] = field(default_factory=_blocks)
    """Blocks the modem took of them."""
    delivered: collections.deque[tuple[float, bytes]] = field(default_factory=_stamps)
    """Blocks the modem wrote to the host."""
    dropped_bytes: int = 0
    """What the host sent beyond the 100 ms that the modem holds."""
    refused_bytes: int = 0
    """What the host did not read, so that the port took no more."""


class VoicePort:
    """A PTY that carries sound while a call is up and the host has asked for it.

    Its faults are plain attributes, set by the misbehaviours: `stalls` (nothing in, nothing out),
    `short_reads` (a block reaches the host in pieces), `odd_byte` (the next block loses one byte, so
    that all that follows is shifted by half a sample).
    """

    def __init__(self, port: PtyPort, clock: MediaClock, *, block_bytes: int, ppm: float = 0.0, seed: int = 0) -> None:
        self.stamps = VoiceStamps()
        self.routed = False
        """The host has asked for the sound of the call on this port."""
        self.stalls = False
        self.short_reads = False
        self.odd_byte = False
        self.stale_ms = 0
        """So much of a loud old sound is left in the port when a call ends."""
        self._port = port
        self._clock = clock
        self._block_bytes = block_bytes
        self._period_seconds = block_bytes / BYTES_PER_SECOND * (1 + ppm / 1e6)
        self._random = random.Random(seed)
        self._born = time.monotonic() + self._random.random() * self._period_seconds
        self._held = bytearray()
        self._position = 0
        self._track: Track | None = None
        self._ticker: Ticker | None = None
        self._watched: int | None = None

    def plug(self) -> None:
        """The port appears."""
        self._port.plug()

    def unplug(self) -> None:
        """The port goes; a call on it loses its sound. Returns at once, the media thread closes it."""
        self._clock.soon(self._unplug)

    def connect(self, track: Track) -> None:
        """A call is up: from the next tick of the crystal on, `track` speaks and hears through this port."""
        self._clock.soon(lambda: self._connect(track))

    def disconnect(self) -> None:
        """The call is over."""
        self._clock.soon(self._disconnect)

    def _unplug(self) -> None:
        self._unwatch()
        self._port.unplug()

    def _connect(self, track: Track) -> None:
        self._disconnect()
        self.stamps = VoiceStamps()
        self._held.clear()
        self._position = 0
        while self._port.read():  # what was sent before the call went nowhere
            pass
        self._track = track
        # The crystal runs from the modem's birth on; a call only listens in to it.
        beats = int((time.monotonic() - self._born) / self._period_seconds) + 1
        first = self._born + beats * self._period_seconds
        self._ticker = self._clock.every(self._period_seconds, self._tick, first_due=first)

    def _disconnect(self) -> None:
        self._unwatch()
        if self._track is not None and self.stale_ms:
            self._write((b"\x00\x60" * 4 + b"\x00\xa0" * 4) * self.stale_ms)
        self._track = None
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None

    def _watch(self) -> None:
        descriptor = self._port.descriptor
        if self._watched is None and descriptor is not None and self._port.is_open:
            self._watched = descriptor
            self._clock.watch(descriptor, self._readable)

    def _unwatch(self) -> None:
        if self._watched is not None:
            self._clock.unwatch(self._watched)
            self._watched = None

    def _readable(self) -> None:
        data = self._port.read()
        now = time.monotonic()
        if data is None:  # nobody has the port open: the next tick looks again
            self._unwatch()
        elif data and self.routed:
            self.stamps.arrived.append((now, data))
            self._held += data
            excess = len(self._held) - HELD_BYTES
            if excess > 0:
                del self._held[:excess]
                self.stamps.dropped_bytes += excess
                self._position += excess

    def _tick(self, due: float) -> None:
        track = self._track
        if track is None:
            return
        if self.stalls:
            self._unwatch()
        else:
            self._watch()
        carries = self.routed and not self.stalls
        at = time.monotonic()
        said = track.speak_block(at, self._block_bytes // 2)
        if carries:
            self._deliver(said)
        block = bytes(self._held[: self._block_bytes]) if carries else b""
        del self._held[: len(block)]
        missing = self._block_bytes - len(block)
        self.stamps.consumed.append(Consumed(at, due, block + bytes(missing), missing, self._position))
        self._position += len(block)
        track.hear_block(at, block + bytes(missing))

    def _deliver(self, block: bytes) -> None:
        if self.odd_byte:
            self.odd_byte = False
            block = block[1:]
        self.stamps.delivered.append((time.monotonic(), block))
        if self.short_reads:
            self._deliver_in_pieces(block)
        else:
            self._write(block)

    def _deliver_in_pieces(self, block: bytes) -> None:
        cuts = sorted(self._random.sample(range(1, len(block)), 3))
        pieces = [block[start:end] for start, end in itertools.pairwise([0, *cuts, len(block)])]

        def next_piece(_due: float) -> None:
            self._write(pieces.pop(0))
            if not pieces:
                ticker.stop()

        ticker = self._clock.every(_PIECE_SECONDS, next_piece)

    def _write(self, data: bytes) -> None:
        self.stamps.refused_bytes += len(data) - self._port.write(data)
