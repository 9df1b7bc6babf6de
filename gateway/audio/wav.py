"""The container of our recordings: a WAV file of two channels, 16 bits, 8 kHz, whose sizes can be set at any time."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from gateway.audio.frame import SAMPLE_RATE
from gateway.syncing import sync_names

HEADER_BYTES = 44
SAMPLE_BYTES = 4
"""Two channels of 16 bits."""
PART_SUFFIX = ".part"
LARGEST_DATA_BYTES = 0xFFFF_FFFF - HEADER_BYTES
"""RIFF sizes have 32 bits: 37 hours."""


def wav_header(samples: int) -> bytes:
    """The 44 bytes before `samples` stereo samples (RIFF, "fmt " chunk of WAVE_FORMAT_PCM, "data" chunk)."""
    data_bytes = min(samples * SAMPLE_BYTES, LARGEST_DATA_BYTES // SAMPLE_BYTES * SAMPLE_BYTES)
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        data_bytes + HEADER_BYTES - 8,
        b"WAVE",
        b"fmt ",
        16,
        1,
        2,
        SAMPLE_RATE,
        SAMPLE_RATE * SAMPLE_BYTES,
        SAMPLE_BYTES,
        16,
        b"data",
        data_bytes,
    )


@dataclass(frozen=True, slots=True)
class Recovered:
    """A recording that a crash had left unfinished. `seconds` is 0 when it was empty; then `path` is gone."""

    path: Path
    seconds: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class NotRecovered:
    """An unfinished recording that could not be mended now; it stays where it is."""

    path: Path
    reason: str


def repair(directory: Path) -> list[Recovered | NotRecovered]:
    """Finish every `.part` file below `directory`: measured, header patched, on disk, renamed; no one stops the next.

    Call it before the first recording starts: a file that is being written looks the same.
    """
    found: list[Recovered | NotRecovered] = []
    for part in sorted(directory.rglob("*" + PART_SUFFIX)):
        try:
            if part.is_file():
                found.append(_repair_one(part))
        except OSError as error:
            found.append(NotRecovered(part, error.strerror or str(error)))
    return found


def measure(path: Path) -> tuple[float, int]:
    """Seconds and bytes of a finished recording; zeros when it is not there."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return 0.0, 0
    return max(0, size - HEADER_BYTES) // SAMPLE_BYTES / SAMPLE_RATE, size


def finish(part: Path, path: Path) -> None:
    """Give a whole file its final name, durably. Raises OSError."""
    part.replace(path)
    sync_names(path.parent)


def free_name(path: Path) -> Path:
    """`path`, or the first of `name-2.wav`, `name-3.wav` ... that does not exist: nothing is ever overwritten."""
    candidate, count = path, 1
    while candidate.exists():
        count += 1
        candidate = path.with_name(f"{path.stem}-{count}{path.suffix}")
    return candidate


def _repair_one(part: Path) -> Recovered:
    path = free_name(part.with_name(part.name.removesuffix(PART_SUFFIX)))
    samples = max(0, part.stat().st_size - HEADER_BYTES) // SAMPLE_BYTES
    if samples == 0:
        part.unlink()
        return Recovered(path, 0.0, 0)
    descriptor = os.open(part, os.O_RDWR)
    try:
        # Nothing of the old header is trusted: there is only one format that we write.
        os.pwrite(descriptor, wav_header(samples), 0)
        os.ftruncate(descriptor, HEADER_BYTES + samples * SAMPLE_BYTES)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    finish(part, path)
    return Recovered(path, samples / SAMPLE_RATE, HEADER_BYTES + samples * SAMPLE_BYTES)
