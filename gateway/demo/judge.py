"""Judging what was heard against what was said, by ear and not by packet counts.

Both are int16 samples at 8 kHz. The heard one may begin with anything and carry another level; it is
aligned to the source by cross-correlation, then compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 8_000
Samples = NDArray[np.int16]

SPEECH_LEVEL = 0.05
"""A window counts as speech where its RMS is above this share of the source's overall RMS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How well the heard audio is the source."""

    correlation: float
    """Normalised correlation over the whole source, 0 to 1."""
    worst_second: float
    """The lowest correlation of any second that holds speech."""
    first_half_second: float
    """The correlation of the first 500 ms of speech."""
    longest_gap_ms: float
    """The longest run of silence where the source speaks."""
    length_error_ms: float
    """How much later or earlier the last speech is heard than it should be, from the first."""

    @property
    def good(self) -> bool:
        """The bar that every path has to pass."""
        return (
            self.correlation >= 0.98
            and self.worst_second >= 0.95
            and self.first_half_second >= 0.95
            and self.longest_gap_ms <= 20
            and abs(self.length_error_ms) <= 40
        )

    def __str__(self) -> str:
        """One line for a person."""
        return (
            f"correlation {self.correlation:.3f}, worst second {self.worst_second:.3f}, "
            f"first 500 ms {self.first_half_second:.3f}, longest gap {self.longest_gap_ms:.0f} ms, "
            f"length {self.length_error_ms:+.0f} ms"
        )


NOTHING_HEARD = Verdict(
    correlation=0.0, worst_second=0.0, first_half_second=0.0, longest_gap_ms=float("inf"), length_error_ms=float("inf")
)


def judge(source: Samples, heard: Samples) -> Verdict:
    """Compare `heard` with `source`, whole; what was heard before and after does not count."""
    said = _trimmed(source)
    if said.size == 0:
        raise ValueError("the source is silent: there is nothing to compare")
    offset = find(said, heard)
    if offset is None:
        return NOTHING_HEARD
    copy = _slice(heard, offset, said.size)
    return Verdict(
        correlation=_correlation(said, copy),
        worst_second=min(_windows(said, copy, RATE), default=0.0),
        first_half_second=_correlation(said[: RATE // 2], copy[: RATE // 2]),
        longest_gap_ms=_longest_gap(said, copy) * 1000 / RATE,
        length_error_ms=_length_error(said, heard, offset) * 1000 / RATE,
    )


def find(said: Samples, heard: Samples) -> int | None:
    """Where in `heard` the beginning of `said` lies, in samples; None when it is nowhere."""
    if heard.size == 0 or not heard.any():
        return None
    size = 1 << int(np.ceil(np.log2(said.size + heard.size)))
    product = np.fft.rfft(heard.astype(float), size) * np.conj(np.fft.rfft(said.astype(float), size))
    scores = np.fft.irfft(product, size)
    best = int(np.argmax(scores))
    return best if best < heard.size else best - size


def _trimmed(source: Samples) -> Samples:
    """The source without the silence at its ends."""
    loud = np.flatnonzero(np.abs(source.astype(int)) > 100)
    return source[loud[0] : loud[-1] + 1] if loud.size else source[:0]


def _slice(heard: Samples, start: int, size: int) -> Samples:
    """`size` samples from `start`, silence where there are none."""
    result = np.zeros(size, dtype=np.int16)
    begin, end = max(start, 0), min(start + size, heard.size)
    if end > begin:
        result[begin - start : end - start] = heard[begin:end]
    return result


def _correlation(said: Samples, copy: Samples) -> float:
    a, b = said.astype(float), copy.astype(float)
    energy = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / energy if energy > 0 else 0.0


def _windows(said: Samples, copy: Samples, size: int) -> list[float]:
    """The correlation of each whole window of `size` samples that holds speech."""
    threshold = SPEECH_LEVEL * _rms(said)
    return [
        _correlation(said[start : start + size], copy[start : start + size])
        for start in range(0, said.size - size + 1, size)
        if _rms(said[start : start + size]) > threshold
    ]


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples.astype(float) ** 2))) if samples.size else 0.0


def _longest_gap(said: Samples, copy: Samples) -> int:
    """Samples of the longest run of digital near-silence in `copy` while `said` speaks."""
    step = 40  # 5 ms
    threshold = 0.25 * _rms(said)
    floor = 0.02 * _rms(copy) + 1
    longest = run = 0
    for start in range(0, said.size - step + 1, step):
        speaks = _rms(said[start : start + step]) > threshold
        silent = _rms(copy[start : start + step]) < floor
        run = run + step if speaks and silent else 0
        longest = max(longest, run)
    return longest


def _length_error(said: Samples, heard: Samples, offset: int) -> int:
    """Samples by which the last second lies away from where the alignment of the first puts it."""
    size = min(RATE, said.size // 2)
    reach = RATE // 5
    shifts = []
    for start in (0, said.size - size):
        around = _slice(heard, offset + start - reach, size + 2 * reach)
        found = find(said[start : start + size], around)
        shifts.append((found if found is not None else 2 * RATE) - reach)
    return shifts[1] - shifts[0]
