"""What a caller hears instead of a voice: dial tone, ringback, busy, congestion, a beep (ITU-T E.180).

A period of each tone is rendered once; every cadence is a whole number of frames and of cycles, so that
its repetition has no seam.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE, Frame
from gateway.audio.player import ClipSource


class Tone(StrEnum):
    """What is told."""

    DIAL = "dial"
    RINGBACK = "ringback"
    BUSY = "busy"
    CONGESTION = "congestion"


class TonePlan(StrEnum):
    """Whose tones: each country has its own, many share one plan."""

    RU = "RU"
    US = "US"
    EU = "EU"

    @classmethod
    def of_country(cls, country: str) -> TonePlan:
        """The plan for an ISO 3166 country code; Europe's for whatever is not known better."""
        if country in ("RU", "BY", "KZ", "KG", "TJ", "UZ", "AM"):
            return cls.RU
        return cls.US if country in ("US", "CA") else cls.EU


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


@dataclass(frozen=True, slots=True)
class _Signal:
    """Frequencies in Hz, then milliseconds of sound and of silence."""

    frequencies: tuple[int, ...]
    on_ms: int
    off_ms: int


_SIGNALS: dict[tuple[TonePlan, Tone], _Signal] = {
    (TonePlan.RU, Tone.DIAL): _Signal((425,), 1000, 0),
    (TonePlan.RU, Tone.RINGBACK): _Signal((425,), 800, 3200),
    (TonePlan.RU, Tone.BUSY): _Signal((425,), 400, 400),
    (TonePlan.RU, Tone.CONGESTION): _Signal((425,), 200, 200),
    (TonePlan.US, Tone.DIAL): _Signal((350, 440), 1000, 0),
    (TonePlan.US, Tone.RINGBACK): _Signal((440, 480), 2000, 4000),
    (TonePlan.US, Tone.BUSY): _Signal((480, 620), 500, 500),
    (TonePlan.US, Tone.CONGESTION): _Signal((480, 620), 240, 260),
    (TonePlan.EU, Tone.DIAL): _Signal((425,), 1000, 0),
    (TonePlan.EU, Tone.RINGBACK): _Signal((425,), 1000, 4000),
    (TonePlan.EU, Tone.BUSY): _Signal((425,), 500, 500),
    (TonePlan.EU, Tone.CONGESTION): _Signal((425,), 240, 260),
}
"""ITU-T E.180 supplement 2; 250 ms is given as 240 and 260, whole frames that still make half a second."""

_AMPLITUDE = 5_700
"""-12 dBm0 for each frequency."""
_RAMP = 40
"""Samples, 5 ms, in which a tone comes and goes, so that it does not click."""


@cache
def _rendered(tone: Tone, plan: TonePlan) -> tuple[Frame, ...]:
    signal = _SIGNALS[plan, tone]
    count = signal.on_ms * SAMPLE_RATE // 1000
    wave = _wave(signal.frequencies, count)
    if signal.off_ms:
        wave = np.concatenate((wave * _envelope(count), np.zeros(signal.off_ms * SAMPLE_RATE // 1000)))
    samples = wave.astype(np.int16)
    samples.setflags(write=False)
    frames = (signal.on_ms + signal.off_ms) // FRAME_MS
    return tuple(samples[each * FRAME_SAMPLES : (each + 1) * FRAME_SAMPLES] for each in range(frames))


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
