"""What somebody hears who waits."""

from __future__ import annotations

import numpy as np

from gateway.audio.frame import FRAME_SAMPLES
from gateway.audio.hold_music import hold_music

ROUND_FRAMES = 24 * 20


def test_it_goes_round_without_a_seam_and_never_ends() -> None:
    music = hold_music()
    frames = [music.next_frame() for _ in range(2 * ROUND_FRAMES)]
    assert all(frame is not None and len(frame) == FRAME_SAMPLES for frame in frames)
    samples = np.concatenate([frame for frame in frames if frame is not None]).astype(int)
    first, second = np.split(samples, 2)
    assert np.array_equal(first, second), "24 notes of 0.4 s are one round"
    steps = np.abs(np.diff(samples))
    assert steps[len(first) - 1] <= np.quantile(steps, 0.999), "no click where it begins again"


def test_it_is_quiet_and_never_silent() -> None:
    music = hold_music()
    frames = [frame.astype(float) for frame in (music.next_frame() for _ in range(ROUND_FRAMES)) if frame is not None]
    levels = [20 * np.log10(np.sqrt((frame**2).mean()) / 32768) for frame in frames]
    assert max(np.abs(frame).max() for frame in frames) <= 6_000
    assert -35 < float(np.mean(levels)) < -16
    assert min(levels) > -60, "who waits is never left wondering"
