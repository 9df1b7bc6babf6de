"""What the owner wants recorded: of which calls, after which notice, and how it is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class RecordCalls(StrEnum):
    """Which calls are recorded."""

    ALL = "all"
    COURIERS = "couriers"
    NONE = "none"


class Notice(StrEnum):
    """How the parties learn of the recording, before anything is kept."""

    ANNOUNCE = "announce"
    BEEP = "beep"
    NONE = "none"


class RecordingFormat(StrEnum):
    """What a recording is kept as, once its call is over: 1.9 MB a minute, 0.3 MB, or 0.5 MB that plays anywhere."""

    WAV = "wav"
    OPUS = "opus"
    MP3 = "mp3"


class CallDirection(StrEnum):
    """Who has called whom, seen from the shop."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRoute:
    """What is recorded, or announced, otherwise on one way. What is left out is as everywhere."""

    way: str | None = None
    """The name of a line or a trunk."""
    direction: CallDirection | None = None
    calls: RecordCalls | None = None
    notice: Notice | None = None

    def fits(self, ways: frozenset[str], direction: str) -> bool:
        """Whether a call takes this way."""
        return (self.way is None or self.way in ways) and self.direction in (None, direction)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingPolicy:
    """What is recorded, how it is announced, how long it is kept."""

    calls: RecordCalls = RecordCalls.NONE
    notice: Notice = Notice.ANNOUNCE
    keep_days: int = 90
    format: RecordingFormat = RecordingFormat.WAV
    sealed: bool = False
    """Whether recordings are encrypted on the disk once their call is over."""
    beep_seconds: int = 15
    """With the notice "beep": how often both hear it again; 0: only once."""
    routes: tuple[RecordingRoute, ...] = ()
    """What differs by the way that a call takes; the first that fits counts."""

    def of_route(self, ways: frozenset[str], direction: str) -> RecordingPolicy:
        """The policy for a call by these lines or trunks; `direction` is "incoming", "outgoing" or "internal"."""
        fits = (each for each in self.routes if each.fits(ways, direction))
        found = next(fits, RecordingRoute())
        return replace(self, calls=found.calls or self.calls, notice=found.notice or self.notice)
