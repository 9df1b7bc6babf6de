"""The codecs that a voice can travel in, by their names: facts alone, without the means to speak them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Codec(StrEnum):
    """What can be spoken; the value is how the owner writes it."""

    PCMA = "pcma"
    PCMU = "pcmu"
    G722 = "g722"
    OPUS = "opus"

    @property
    def facts(self) -> CodecFacts:
        """How it is written in SDP."""
        return _FACTS[self]

    @property
    def is_wide(self) -> bool:
        """It carries more than the telephone's band, at a price in computing time."""
        return self in (Codec.G722, Codec.OPUS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecFacts:
    """`payload` is the number that we offer: static (RFC 3551 table 4), or one of the dynamic range.

    `clock_rate` is that of the RTP timestamps: G.722 has 8000 although it samples at 16 kHz (RFC 3551 section 4.5.2),
    Opus always 48000, and two channels in SDP even for one (RFC 7587 sections 4.1 and 7).
    """

    name: str
    clock_rate: int
    payload: int
    channels: int = 1
    parameters: str = ""

    @property
    def rtpmap(self) -> str:
        """What follows the payload number in `a=rtpmap`."""
        return f"{self.name}/{self.clock_rate}" + (f"/{self.channels}" if self.channels > 1 else "")


_FACTS = {
    Codec.PCMA: CodecFacts(name="PCMA", clock_rate=8_000, payload=8),
    Codec.PCMU: CodecFacts(name="PCMU", clock_rate=8_000, payload=0),
    Codec.G722: CodecFacts(name="G722", clock_rate=8_000, payload=9),
    Codec.OPUS: CodecFacts(
        name="opus", clock_rate=48_000, payload=107, channels=2, parameters="useinbandfec=1;stereo=0;sprop-stereo=0"
    ),
}
