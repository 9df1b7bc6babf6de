"""Keys as tones: detection in the audio of a party, and generation (ITU-T Q.23, Q.24).

A 20 ms frame is projected on the eight frequencies at once. A key counts when one frame is nearly
nothing but its two tones and a neighbour holds them for half its length: 40 ms of tone suffice
whatever their place against the frames, 23 ms do not. Speech seldom puts nine tenths of its energy
on exactly two of the eight frequencies, in both groups, at like levels; a tone does nothing else.
How seldom, and which keys are heard, is in docs/performance.md; `tests/fuzz/talk_off.py` measures it.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import FRAME_SAMPLES, SAMPLE_RATE, Frame

with warnings.catch_warnings():
    # Python 3.13 has it no more: there the package audioop-lts takes its place.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

ROWS_HZ = (697, 770, 852, 941)
COLUMNS_HZ = (1209, 1336, 1477, 1633)
KEYS = ("123A", "456B", "789C", "*0#D")


class DtmfDetector:
    """Finds keys in one party's audio. Feed it every frame, in order."""

    def __init__(self) -> None:
        self._key: str | None = None
        """The key that was reported and is still held."""
        self._last_key: str | None = None
        self._last_share = 0.0
        self._last_energy = 0.0
        self._held_energy = 0.0
        self._misses = 0
        self._passed_over: Frame | None = None
        """The last frame, when nobody has looked at it."""
        self._listens_closely = False
        """Every frame is looked at: a key is held, or may be beginning."""

    def feed(self, frame: Frame) -> str | None:
        """The key whose tone has just been confirmed, once per key press, 20 to 40 ms after its start."""
        if self._listens_closely:
            found = self._judge(frame)
            self._listens_closely = self._last_key is not None or self._key is not None
            return found
        # A key fills one of any two neighbours at least by half: it is enough to look at every other frame.
        if self._passed_over is None:
            self._passed_over = frame
            return None
        before, self._passed_over = self._passed_over, None
        if not _may_be_key(frame):
            return None
        self._listens_closely = True
        self._judge(before)
        return self._judge(frame)

    def _judge(self, frame: Frame) -> str | None:
        samples = frame.astype(np.float32)
        energy = float(samples.dot(samples))
        if energy < _LEAST_ENERGY:
            self._release()
            return None
        key, share = _strongest_pair(samples, energy)
        if self._key is not None:
            self._watch_held(key, share, energy)
        found = None
        if self._key is None and key is not None and key == self._last_key:
            weaker, stronger = sorted((share, self._last_share))
            if stronger >= _WHOLE_SHARE and weaker >= _PART_SHARE and _alike(energy, self._last_energy):
                self._key = found = key
                self._held_energy = max(energy, self._last_energy)
                self._misses = 0
        self._last_key, self._last_share, self._last_energy = key, share, energy
        return found

    def _watch_held(self, key: str | None, share: float, energy: float) -> None:
        """A held key ends by a fall in level at once, and by anything else after two frames."""
        if energy < self._held_energy * _FALL:
            self._release()
        elif key == self._key and share >= _PART_SHARE:
            self._misses = 0
        else:
            self._misses += 1
            if self._misses >= 2:
                self._release()

    def _release(self) -> None:
        self._key = self._last_key = None
        self._last_share = self._last_energy = 0.0


def dtmf_tone(key: str, ms: int) -> NDArray[np.int16]:
    """`ms` milliseconds of a key, with ramps of 2 ms: -11 dBm0 for the row, -9 dBm0 for the column (Q.23, ETSI)."""
    row, column = _frequencies(key)
    time = np.arange(ms * SAMPLE_RATE // 1000) / SAMPLE_RATE
    wave: NDArray[np.float64] = _ROW_AMPLITUDE * np.sin(2 * np.pi * row * time) + _COLUMN_AMPLITUDE * np.sin(
        2 * np.pi * column * time
    )
    ramp = min(16, len(wave) // 2)
    if ramp:
        slope = np.arange(1, ramp + 1) / (ramp + 1)
        wave[:ramp] *= slope
        wave[-ramp:] *= slope[::-1]
    return wave.astype(np.int16)


def _frequencies(key: str) -> tuple[int, int]:
    for row, keys in zip(ROWS_HZ, KEYS, strict=True):
        if len(key) == 1 and key in keys:
            return row, COLUMNS_HZ[keys.index(key)]
    raise ValueError(f"{key!r} is not a key; keys are 0-9 * # A B C D.")


_ROW_AMPLITUDE = 6_420
_COLUMN_AMPLITUDE = 8_080
"""A sine of 0 dBm0 has an amplitude of 22,800 (G.711: full scale is 3.14 dBm0)."""

_LEAST_RMS = 200
_LEAST_ENERGY = FRAME_SAMPLES * _LEAST_RMS**2
"""About -41 dBm0 in all; Q.24 lets a receiver ignore what is below -36 dBm."""
_WHOLE_SHARE = 0.88
"""Gliding vowels were seen with 0.87; a tone has 0.93 in noise 15 dB below it, and behind GSM when it lasts 70 ms."""
_PART_SHARE = 0.42
"""A frame that is half tone, half silence has half of its energy on the two frequencies."""
_FIRST_SHARE = 0.30
_LOOK_SHARE = 0.33
"""Before the exact frequencies are looked for: half a frame of a tone that is 1.5 % off has little more."""
_TO_SHARE = 2 / FRAME_SAMPLES
_MOST_TWIST = 10 ** (10 / 10)
"""Either way. Q.24 asks for 4 dB where the column is louder and 8 dB where the row is; GSM adds some of its own."""
_RIVAL = 10 ** (-4 / 10)
"""The second strongest tone of a group stays this far below the strongest; half a frame of a row that is 1.5 % off
leaves 5 to 6 dB less on its neighbour."""
_FALL = 10 ** (-10 / 10)


def _alike(energy: float, other: float) -> bool:
    """True when two frames of a tone have the same level; one of them may be half empty."""
    return energy < 4 * other and other < 4 * energy


def _probe(*frequencies: float) -> NDArray[np.float32]:
    """A matrix whose product with a frame is the cosine parts of all frequencies, then their sine parts."""
    angle = 2 * np.pi * np.outer(frequencies, np.arange(FRAME_SAMPLES)) / SAMPLE_RATE
    return np.ascontiguousarray(np.concatenate((np.cos(angle), np.sin(angle))), dtype=np.float32)


def _around(frequency: float) -> NDArray[np.float32]:
    return _probe(frequency * (1 - _DEVIATION), frequency, frequency * (1 + _DEVIATION))


_DEVIATION = 0.013
"""Q.24: 1.5 % off must be accepted; a frame's spectral line is so narrow that it has to be looked for."""
_PROBE = _probe(*ROWS_HZ, *COLUMNS_HZ)
_ROWS = [_around(frequency) for frequency in ROWS_HZ]
_COLUMNS = [_around(frequency) for frequency in COLUMNS_HZ]


def _powers(parts: NDArray[np.float32]) -> list[float]:
    """Of each frequency, from its cosine and sine part."""
    parts = parts * parts
    half = len(parts) // 2
    powers: list[float] = (parts[:half] + parts[half:]).tolist()
    return powers


def _may_be_key(frame: Frame) -> bool:
    """Whether enough of a frame is on the eight frequencies together: seldom, in speech, and quickly told."""
    rms = audioop.rms(frame.data, 2)
    if rms < _LEAST_RMS:
        return False
    parts = _PROBE.dot(frame)
    return float(parts.dot(parts)) * _TO_SHARE >= _LOOK_SHARE * FRAME_SAMPLES * rms * rms


def _strongest_pair(samples: NDArray[np.float32], energy: float) -> tuple[str | None, float]:
    """The key of the strongest row and column when they can be one, and their share of the frame's energy."""
    powers = _powers(_PROBE.dot(samples))
    rows, columns = powers[:4], powers[4:]
    row, column = max(rows), max(columns)
    if (row + column) * _TO_SHARE < _FIRST_SHARE * energy:
        return None, 0.0
    at_row, at_column = rows.index(row), columns.index(column)
    if sorted(rows)[2] > row * _RIVAL or sorted(columns)[2] > column * _RIVAL:
        return None, 0.0
    row, column = max(_powers(_ROWS[at_row].dot(samples))), max(_powers(_COLUMNS[at_column].dot(samples)))
    share = (row + column) * _TO_SHARE / energy
    if share < _PART_SHARE or column > row * _MOST_TWIST or row > column * _MOST_TWIST:
        return None, 0.0
    return KEYS[at_row][at_column], share
