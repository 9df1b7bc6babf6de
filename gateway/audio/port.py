"""MediaPort: where the audio of one party is read and written.

Audio moves by arrival. Whoever owns the wire calls `_deliver` for each frame that came from the
party; every listener gets it in the same moment. What the party hears is set by `hear` (another
party, live) or `play` (a prompt, pulled at the pace of this port's own wire); the last call wins,
and `hear(None)` is silence.

A frame travels with its `position`: the count of samples since the start of the sender's stream, by
the sender's own clock. A jump forward is loss or a pause of the sender; a position seen twice is a
duplicate; a smaller one came late. The jitter buffer stands at the sink, because only the sink knows
when it must have something; a sink that is a network passes positions on and leaves buffering to
its peer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import FRAME_SAMPLES, Frame
from gateway.audio.level import LevelMeter

Listener: TypeAlias = Callable[[Frame, int], None]
"""Called with a frame and its position, on arrival, from the loop of the media. It must not block."""


class FrameSource(Protocol):
    """Audio that is pulled, one frame at a time: a prompt, a tone, a mix."""

    def next_frame(self) -> Frame | None:
        """The next 20 ms; None: the source has ended, and the port falls silent."""


@dataclass(slots=True)
class PortCounters:
    """What went through a port, for the audio verdict of a call and for /metrics."""

    frames_in: int = 0
    frames_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    lost: int = 0
    gaps: int = 0
    """How often something was missing, however much at a time."""
    late: int = 0
    """Frames for the party that came after their turn."""
    duplicates: int = 0
    reordered: int = 0
    concealed: int = 0
    dropped: int = 0
    refused: int = 0
    """Packets with a false seal, or sent a second time (SRTP)."""
    delay_ms: float = 0.0
    """What is kept before the party hears it, on average of late."""
    # What reports tell (RTCP); nothing of it on a wire that has none.
    jitter_ms: float = 0.0
    peer_jitter_ms: float = 0.0
    peer_lost: int = 0
    """Packets of ours that the peer misses, in all."""
    peer_loss: float = 0.0
    """The share of ours that it missed of late, 0 to 1."""
    round_trip_ms: float | None = None


MEASURED_FRAMES = 4
"""One frame in so many is measured: a voice shows as well in each twelfth of a second, at a quarter of the work."""
MEASURED_SAMPLES = MEASURED_FRAMES * FRAME_SAMPLES
"""The frames whose position is a multiple of it."""


class MediaPort(ABC):
    """Where the audio of one party is read and written; its driver subclasses it."""

    wire_codec: str | None = None
    """What the voice is coded with on its wire, once that is known: "gsm", or a codec of audio.codec."""
    is_due = True
    """Whether sound is to come from the party, by what was agreed with it."""
    hears_full_band = False
    """Whether the party is given 16 kHz where it is to be had; a port that can be asked for it says so."""

    def __init__(self) -> None:
        self.counters = PortCounters()
        self.level = LevelMeter(MEASURED_FRAMES)
        """Of what the party says: the driver feeds it. Packets that are handed on unopened are not measured."""
        self._listeners: tuple[Listener, ...] = ()
        self._stop_hearing: Callable[[], None] | None = None

    # What the party says.

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` for each frame from the party, until the returned function is called."""
        self._listeners = (*self._listeners, listener)

        def stop() -> None:
            # Bound methods are equal, never identical: compare by equality, and remove one only.
            kept = list(self._listeners)
            if listener in kept:
                kept.remove(listener)
            self._listeners = tuple(kept)

        return stop

    def ask_full_band(self, *, wanted: bool) -> bool:
        """Have 16 kHz beside the 8, both ways, from now on or no longer; False: the party has no more than 8."""
        del wanted
        return False

    def full_band(self, frame: Frame) -> NDArray[np.int16] | None:
        """`frame`, which is being delivered, at 16 kHz: 320 samples. None: there is no more than 8 kHz of it."""
        del frame
        return None

    def settled(self) -> PortCounters:
        """`counters`, up to date also where a driver writes some of them now and then only."""
        return self.counters

    def _deliver(self, frame: Frame, position: int) -> None:
        """For the driver: a frame has arrived from the party."""
        for listener in self._listeners:
            listener(frame, position)

    # What the party hears.

    def hear(self, other: MediaPort | None) -> None:
        """Let the party hear what `other` says, from now on; None: silence."""
        self._leave()
        self._restart(None)
        if other is not None:
            self._stop_hearing = other.listen(self._write)

    def play(self, source: FrameSource) -> None:
        """Let the party hear `source`, pulled one frame at a time at the pace of this port's wire."""
        self._leave()
        self._restart(source)

    def _leave(self) -> None:
        if self._stop_hearing is not None:
            self._stop_hearing()
            self._stop_hearing = None

    @abstractmethod
    def _restart(self, source: FrameSource | None) -> None:
        """For the driver: a new stream begins. Pull from `source`, or await `_write` when it is None."""

    @abstractmethod
    def _write(self, frame: Frame, position: int) -> None:
        """For the driver: a live frame for the party. It must not block."""
