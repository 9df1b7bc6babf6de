"""Taking a few milliseconds out of a voice unheard: silence, or one whole period of the pitch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import Frame

_SHORTEST = 20
_LONGEST = 110
_OVERLAP = 48
_QUIET = 120.0
"""Root mean square, about -46 dBm0: silence, breath, or the noise of a line."""
_LIKENESS = 0.80


def is_quiet(frame: Frame) -> bool:
    """Whether anything may be done to `frame` unheard."""
    return _is_quiet(frame.astype(np.float32).ravel())


def shortened(frame: Frame, most: int) -> NDArray[np.int16]:
    """`frame` without up to `most` of its samples, cross-faded; the whole frame when no cut would go unheard.

    The first sample stays the first and the last one the last, so that both seams hold. Samples may be pairs (16 kHz).
    """
    longest = min(most, _LONGEST)
    whole = frame.astype(np.float32)
    if _is_quiet(whole.ravel()):
        return _cut(whole, longest)
    if longest < 1:
        return frame
    # Little is taken out whole, of much as many samples as make the best fit.
    samples = whole if whole.ndim == 1 else whole.sum(axis=1)
    shortest = min(longest, _SHORTEST)
    template = samples[:_OVERLAP]
    later = samples[shortest : longest + _OVERLAP]
    products = np.correlate(later, template, "valid")
    squares = np.concatenate(([0.0], np.cumsum(later * later, dtype=np.float64)))
    energies = (squares[_OVERLAP:] - squares[:-_OVERLAP]) * float(template.dot(template))
    likeness = products / np.sqrt(energies + 1.0)
    best = int(likeness.argmax())
    if likeness[best] < _LIKENESS:
        return frame
    return _cut(whole, shortest + best)


def _is_quiet(samples: NDArray[np.float32]) -> bool:
    return float(samples.dot(samples)) < _QUIET * _QUIET * len(samples)


def _cut(samples: NDArray[np.float32], count: int) -> NDArray[np.int16]:
    """Without `count` samples: the start fades into what stands `count` later."""
    shorter = samples[count:].copy()
    fall = _FALL if samples.ndim == 1 else _FALL[:, None]
    shorter[:_OVERLAP] += (samples[:_OVERLAP] - shorter[:_OVERLAP]) * fall
    return shorter.astype(np.int16)


_FALL = (1 - np.arange(1, _OVERLAP + 1, dtype=np.float32) / (_OVERLAP + 1)).astype(np.float32)
