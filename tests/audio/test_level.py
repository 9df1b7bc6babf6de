"""Levels: the same whenever somebody asks for them."""

from __future__ import annotations

import numpy as np

from gateway.audio.frame import FRAME_SAMPLES, Frame
from gateway.audio.level import HEARD_MEAN_SQUARE, LevelMeter


def voices(seed: int, count: int) -> list[Frame]:
    """Frames of all levels; some are no signal at all."""
    dice = np.random.default_rng(seed)
    loudness = dice.choice([0.0, 2.0, 60.0, 400.0, 6_000.0], count)
    return [(dice.normal(0, each, FRAME_SAMPLES) + 8 * (each == 0)).astype(np.int16) for each in loudness]


def figures(meter: LevelMeter) -> tuple[object, ...]:
    return (
        meter.frames,
        meter.loud_frames,
        round(meter.level_dbfs, 3),
        meter.loud_at,
        meter.alive_at,
        meter.peak,
        meter.voice_seconds,
        meter.silence_seconds,
    )


def test_who_asks_after_every_frame_is_told_the_same_as_who_asks_at_the_end(seed: int) -> None:
    asked, left_alone = LevelMeter(4), LevelMeter(4)
    for index, frame in enumerate(voices(seed, 180)):
        for meter in (asked, left_alone):
            meter.feed(frame, index * 0.080)
        assert asked.frames == index + 1
        assert asked.loud_frames <= asked.frames
    assert figures(asked) == figures(left_alone)


def test_what_was_heard_is_counted_frame_by_frame(seed: int) -> None:
    frames = voices(seed, 120)
    meter = LevelMeter()
    for index, frame in enumerate(frames):
        meter.feed(frame, float(index))
    energies = [float(np.square(frame, dtype=np.float64).sum()) for frame in frames]
    loud = [index for index, energy in enumerate(energies) if energy > HEARD_MEAN_SQUARE * FRAME_SAMPLES]
    alive = [index for index, frame in enumerate(frames) if frame.max() != frame.min()]
    assert (meter.frames, meter.loud_frames, meter.loud_at, meter.alive_at) == (120, len(loud), loud[-1], alive[-1])
    loudest = frames[int(np.argmax(energies))].astype(np.int32)
    assert meter.peak == int(np.abs(loudest).max())
