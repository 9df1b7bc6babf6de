"""What a caller hears instead of a voice: dial tone, ringback, busy, congestion, a beep (ITU-T E.180).

Each tone is rendered once, for as many of its periods as fill whole frames, so that its repetition has no seam.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import FRAME_SAMPLES, SAMPLE_RATE, Frame
from gateway.audio.player import ClipSource


class Tone(StrEnum):
    """What is told."""

    DIAL = "dial"
    RINGBACK = "ringback"
    BUSY = "busy"
    CONGESTION = "congestion"


class TonePlan(StrEnum):
    """Whose tones: by ISO 3166 country code; EU is what ETSI has for whoever has nothing of its own."""

    EU = "EU"
    AT = "AT"
    AU = "AU"
    BE = "BE"
    BR = "BR"
    CH = "CH"
    CN = "CN"
    CZ = "CZ"
    DE = "DE"
    EE = "EE"
    ES = "ES"
    FR = "FR"
    GB = "GB"
    HU = "HU"
    IL = "IL"
    IT = "IT"
    JP = "JP"
    LT = "LT"
    NZ = "NZ"
    PL = "PL"
    PT = "PT"
    RU = "RU"
    SE = "SE"
    TR = "TR"
    US = "US"

    @classmethod
    def of_country(cls, country: str) -> TonePlan:
        """The plan for an ISO 3166 country code; Europe's for whatever is not known better."""
        plan = _LIKE.get(country, country)
        return cls(plan) if plan in set(cls) else cls.EU


class ToneSource:
    """A tone without end."""

    def __init__(self, tone: Tone, plan: TonePlan = TonePlan.RU) -> None:
        self._frames = _rendered(tone, plan)
        self._at = 0

    def next_frame(self) -> Frame:
        """The next 20 ms."""
        frame = self._frames[self._at]
        self._at = (self._at + 1) % len(self._frames)
        return frame


def beep(ms: int = 200, frequency: int = 1_400) -> ClipSource:
    """One beep, as before the recording of a message or instead of a notice."""
    wave = _wave((frequency,), ms * SAMPLE_RATE // 1000)
    return ClipSource((wave * _envelope(len(wave))).astype(np.int16))


_LIKE = (
    dict.fromkeys(("AM", "AZ", "BY", "KG", "KZ", "MD", "TJ", "TM", "UZ"), "RU")
    | dict.fromkeys(("CA", "PR"), "US")
    | dict.fromkeys(("DK", "NO"), "CH")
    | dict.fromkeys(("FI", "GR"), "EE")
    | {"IE": "GB", "SK": "CZ"}
)
"""Countries that have another's tones."""


@dataclass(frozen=True, slots=True)
class _Signal:
    """Frequencies in Hz that sound together, then milliseconds of sound, of silence, of sound ... in turn."""

    frequencies: tuple[int, ...]
    cadence_ms: tuple[int, ...] = (1000, 0)


def _plan(hertz: int, ringback: tuple[int, ...], busy: int, congestion: int) -> dict[Tone, _Signal]:
    """A plan of one frequency, whose busy and congestion tones are as long as their pauses; most are so."""
    return {
        Tone.DIAL: _Signal((hertz,)),
        Tone.RINGBACK: _Signal((hertz,), ringback),
        Tone.BUSY: _Signal((hertz,), (busy, busy)),
        Tone.CONGESTION: _Signal((hertz,), (congestion, congestion)),
    }


_TWICE_MS = (400, 200, 400, 2000)
_SIGNALS: dict[TonePlan, dict[Tone, _Signal]] = {
    TonePlan.EU: _plan(425, (1000, 4000), 500, 250),
    TonePlan.AT: _plan(420, (1000, 5000), 400, 200),
    TonePlan.AU: _plan(425, (), 375, 375)
    | {Tone.DIAL: _Signal((413, 438)), Tone.RINGBACK: _Signal((413, 438), _TWICE_MS)},
    TonePlan.BE: _plan(425, (1000, 3000), 500, 167),
    TonePlan.BR: _plan(425, (1000, 4000), 250, 250) | {Tone.CONGESTION: _Signal((425,), (250, 250, 750, 250))},
    TonePlan.CH: _plan(425, (1000, 4000), 500, 200),
    TonePlan.CN: _plan(450, (1000, 4000), 350, 700),
    TonePlan.CZ: _plan(425, (1000, 4000), 330, 165) | {Tone.DIAL: _Signal((425,), (330, 330, 660, 660))},
    TonePlan.DE: _plan(425, (1000, 4000), 480, 240),
    TonePlan.EE: _plan(425, (1000, 4000), 300, 200),
    TonePlan.ES: _plan(425, (1500, 3000), 200, 200)
    | {Tone.CONGESTION: _Signal((425,), (200, 200, 200, 200, 200, 600))},
    TonePlan.FR: _plan(440, (1500, 3500), 500, 250),
    TonePlan.GB: _plan(400, (), 375, 375)
    | {
        Tone.DIAL: _Signal((350, 440)),
        Tone.RINGBACK: _Signal((400, 450), _TWICE_MS),
        Tone.CONGESTION: _Signal((400,), (400, 350, 225, 525)),
    },
    TonePlan.HU: _plan(425, (1250, 3750), 300, 300),
    TonePlan.IL: _plan(414, (1000, 3000), 500, 250),
    TonePlan.IT: _plan(425, (1000, 4000), 500, 200) | {Tone.DIAL: _Signal((425,), (200, 200, 600, 1000))},
    TonePlan.JP: _plan(400, (1000, 2000), 500, 500),
    TonePlan.LT: _plan(425, (1000, 4000), 350, 200),
    TonePlan.NZ: _plan(400, (), 500, 250) | {Tone.RINGBACK: _Signal((400, 450), _TWICE_MS)},
    TonePlan.PL: _plan(425, (1000, 4000), 500, 500),
    TonePlan.PT: _plan(425, (1000, 5000), 500, 200),
    TonePlan.RU: _plan(425, (800, 3200), 400, 200),
    TonePlan.SE: _plan(425, (1000, 5000), 250, 250) | {Tone.CONGESTION: _Signal((425,), (250, 750))},
    TonePlan.TR: _plan(450, (2000, 4000), 500, 200)
    | {Tone.CONGESTION: _Signal((450,), (200, 200, 200, 200, 200, 200, 600, 200))},
    TonePlan.US: {
        Tone.DIAL: _Signal((350, 440)),
        Tone.RINGBACK: _Signal((440, 480), (2000, 4000)),
        Tone.BUSY: _Signal((480, 620), (500, 500)),
        Tone.CONGESTION: _Signal((480, 620), (250, 250)),
    },
}
"""ITU-T E.180 supplement 2 (02/2003), and BT's SIN 350 for GB; where it allows several, the commonest."""

_AMPLITUDE = 5_700
"""-12 dBm0 for each frequency."""
_RAMP = 40
"""Samples, 5 ms, in which a tone comes and goes, so that it does not click."""


@cache
def _rendered(tone: Tone, plan: TonePlan) -> tuple[Frame, ...]:
    signal = _SIGNALS[plan][tone]
    pieces: list[NDArray[np.float64]] = []
    for place, ms in enumerate(signal.cadence_ms):
        count = ms * SAMPLE_RATE // 1000
        if place % 2:
            pieces.append(np.zeros(count))
        else:
            wave = _wave(signal.frequencies, count)
            pieces.append(wave * _envelope(count) if any(signal.cadence_ms[1::2]) else wave)
    period = np.concatenate(pieces).astype(np.int16)
    samples = np.tile(period, FRAME_SAMPLES // gcd(len(period), FRAME_SAMPLES))
    samples.setflags(write=False)
    return tuple(samples[at : at + FRAME_SAMPLES] for at in range(0, len(samples), FRAME_SAMPLES))


def _wave(frequencies: tuple[int, ...], count: int) -> NDArray[np.float64]:
    time = np.arange(count) / SAMPLE_RATE
    wave = np.zeros(count)
    for frequency in frequencies:
        wave += _AMPLITUDE * np.sin(2 * np.pi * frequency * time)
    return wave


def _envelope(count: int) -> NDArray[np.float64]:
    envelope = np.ones(count)
    slope = np.sin(np.linspace(0, np.pi / 2, _RAMP)) ** 2
    envelope[:_RAMP] = slope
    envelope[-_RAMP:] = slope[::-1]
    return envelope
