"""What a sound card can do for us, as a seam: libasound stands behind it, or a fake with a clock of its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Flow(Enum):
    """Which way the sound goes; the values are libasound's."""

    PLAYBACK = 0
    CAPTURE = 1


class CardBusy(Exception):
    """Another program has the card open."""


class CardGone(Exception):
    """The card was pulled out, or was never there."""


class CardRefuses(Exception):
    """The card does not take these parameters; the message says which it has."""


class CardXrun(Exception):
    """The card has run out of samples, or of room; it stands still until it is started again."""


@dataclass(frozen=True, slots=True)
class CardParameters:
    """What was agreed on: samples a second, and samples per period and in the card's buffer."""

    rate: int
    period: int
    buffer: int


class Pcm(Protocol):
    """One direction of an open card: s16le, mono. No method blocks."""

    @property
    def parameters(self) -> CardParameters:
        """As the card has taken them."""

    @property
    def descriptor(self) -> int:
        """Readable whenever there may be something to do."""

    def start(self) -> None:
        """From a standstill or an xrun: make ready. A capture begins; a playback begins with its first samples."""

    def stop(self) -> None:
        """Stand still; what is in the buffer is dropped."""

    def read(self) -> bytes:
        """What has come; empty where nothing has. Raises CardXrun, CardGone."""

    def write(self, data: bytes) -> int:
        """The count of bytes taken, whole samples. Raises CardXrun, CardGone."""

    def queued(self) -> int:
        """Samples that wait in the buffer to be played; 0 where the card does not tell."""

    def close(self) -> None:
        """Give it back; idempotent."""


class SoundCards(Protocol):
    """The cards of this machine."""

    def open(self, name: str, flow: Flow, rate: int) -> Pcm:
        """Open for s16le mono at that rate, in periods of 20 ms. May take a while: call it in a thread.

        Raises CardBusy, CardGone, CardRefuses.
        """
