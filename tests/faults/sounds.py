"""Sounds to send through a modem, and what is said of those that come out."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import TypeAlias

import numpy as np

from gateway.audio.frame import FRAME_SAMPLES, Frame

Sound: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int16]]


def a_tone(number: int) -> Frame:
    """Frame `number` of 1 kHz at a quarter of the full scale."""
    time_axis = np.arange(number * FRAME_SAMPLES, (number + 1) * FRAME_SAMPLES)
    return (8000 * np.sin(2 * np.pi * 1000 * time_axis / 8000)).astype(np.int16)


def half_seconds(samples: Sound) -> list[tuple[int, Sound]]:
    """What of it sounds throughout, in pieces of half a second, each with the place of its first sample."""
    loud = np.flatnonzero(np.abs(samples) > 4000)
    first, last = (int(loud[0]) + 800, int(loud[-1]) - 800) if len(loud) else (0, 0)
    return [(start, samples[start : start + 4000]) for start in range(first, last - 4000, 4000)]


def noise_of(seconds: float, seed: int) -> Sound:
    """Noise that is like nothing but itself, so that each window of it is known again."""
    return np.random.default_rng(seed).integers(-6000, 6000, int(seconds * 8000)).astype(np.int16)


def lay(timeline: Sound, frame: Frame, position: int) -> None:
    """Put a frame where its position says."""
    if position + len(frame) <= len(timeline):
        timeline[position : position + len(frame)] = frame


def share_heard(heard: Sound, speech: Sound) -> float:
    """The share of 20 ms windows of what was said that came through, wherever each came to lie."""
    sounding = np.flatnonzero(heard)
    first, last = int(sounding[0]), int(sounding[-1])
    place: int | None = None
    good = total = 0
    for start in range(first, last - FRAME_SAMPLES, FRAME_SAMPLES):
        window = heard[start : start + FRAME_SAMPLES].astype(float)
        if place is None or likeness(speech[place : place + FRAME_SAMPLES], window) < 0.95:
            # What was lost, or stood still, has moved all that follows: it is looked for around there.
            around = max(0, (place or 0) - 16_000)
            sought = np.correlate(speech[around : around + 40_000].astype(float), window)
            place = around + int(np.argmax(sought))
        good += likeness(speech[place : place + FRAME_SAMPLES], window) >= 0.95
        total += 1
        place += FRAME_SAMPLES
    return good / total


def likeness(said: Sound, heard: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """The correlation of two windows."""
    size = float(np.linalg.norm(said.astype(float)) * np.linalg.norm(heard))
    return float(said.astype(float) @ heard) / size if len(said) == len(heard) and size > 0 else 0.0


def write_wav(path: Path, samples: Sound) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.astype("<i2").tobytes())
