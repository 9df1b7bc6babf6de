"""VoiceDevice: the seam between the audio of a call and the wire that it takes, a serial port or a sound card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.audio.device_clock import Steadiness
from gateway.audio.frame import Frame
from gateway.errors import ModemLost

SOUND_CARD = "alsa:"
"""What a sound card's name begins with in gateway.toml: `alsa:hw:CARD=Android,DEV=0`."""


class VoiceTaker(Protocol):
    """The audio of one call, as a device sees it."""

    def received(self, data: bytes) -> None:
        """These bytes have come from the modem: s16le, mono, 8 kHz."""


class VoiceDevice(Protocol):
    """Open as long as the modem is served. What it gives and takes goes by one crystal, the modem's."""

    path: str
    steadiness: Steadiness

    @property
    def is_open(self) -> bool:
        """Whether audio can pass."""

    async def open(self) -> None:
        """Open it; nothing where it is open. Raises PortBusy, or ModemLost with the reason in one sentence."""

    def close(self) -> None:
        """Close it; idempotent, and at once."""

    def connect(self, call: VoiceTaker) -> None:
        """From now on this call's audio passes; what is left of the last one is dropped."""

    def disconnect(self, call: VoiceTaker) -> None:
        """The call is over; another call's connection stays."""

    def write(self, frames: Sequence[Frame]) -> int:
        """Write whole frames at once; the count of those that fitted."""


class NoVoice:
    """The VoiceDevice of a modem that has none: it never opens."""

    path = ""
    is_open = False

    def __init__(self, steadiness: Steadiness) -> None:
        self.steadiness = steadiness

    async def open(self) -> None:
        """Raises ModemLost: there is nothing to open."""
        raise ModemLost("There is no voice port.")

    def close(self) -> None:
        """Nothing is open."""

    def connect(self, call: VoiceTaker) -> None:
        """Nothing will come."""

    def disconnect(self, call: VoiceTaker) -> None:
        """Nothing came."""

    def write(self, frames: Sequence[Frame]) -> int:  # noqa: ARG002  # the protocol's own form
        """None fits."""
        return 0
