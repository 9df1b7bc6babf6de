"""Sound as the emulator keeps it: mono, 8 kHz, signed 16 bits, in array("h") of the machine's byte order."""

from __future__ import annotations

import array
import math
import sys
import wave
from pathlib import Path
from typing import TypeAlias

SAMPLE_RATE = 8_000

Samples: TypeAlias = "array.array[int]"

DTMF_FREQUENCIES: dict[str, tuple[int, int]] = {
    "1": (697, 1209), "2": (697, 1336), "3": (697, 1477), "A": (697, 1633),
    "4": (770, 1209), "5": (770, 1336), "6": (770, 1477), "B": (770, 1633),
    "7": (852, 1209), "8": (852, 1336), "9": (852, 1477), "C": (852, 1633),
    "*": (941, 1209), "0": (941, 1336), "#": (941, 1477), "D": (941, 1633),
}  # fmt: skip
"""Low and high tone of each key (ITU-T Q.23)."""


def silence(count: int) -> Samples:
    """`count` samples of nothing."""
    return array.array("h", bytes(2 * count))


def from_bytes(data: bytes) -> Samples:
    """Samples of s16le bytes; an odd last byte is left out."""
    samples = array.array("h")
    samples.frombytes(data[: len(data) & ~1])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def to_bytes(samples: Samples) -> bytes:
    """The s16le bytes of samples."""
    if sys.byteorder == "big":
        samples = samples[:]
        samples.byteswap()
    return samples.tobytes()


def tone(frequencies: tuple[int, ...], seconds: float, amplitude: int = 8_000) -> Samples:
    """The sum of sines, each at `amplitude`, from phase zero."""
    steps = [2 * math.pi * frequency / SAMPLE_RATE for frequency in frequencies]
    values = (sum(math.sin(step * n) for step in steps) for n in range(round(seconds * SAMPLE_RATE)))
    return array.array("h", (max(-32768, min(32767, round(amplitude * value))) for value in values))


def keys(digits: str, *, tone_seconds: float = 0.1, gap_seconds: float = 0.1) -> Samples:
    """The dual tones of pressed keys, each followed by a gap. ValueError for what is no key."""
    out = silence(0)
    for digit in digits:
        if digit not in DTMF_FREQUENCIES:
            raise ValueError(f"There is no key {digit!r} on a telephone.")
        out += tone(DTMF_FREQUENCIES[digit], tone_seconds) + silence(round(gap_seconds * SAMPLE_RATE))
    return out


def mixed(one: Samples, other: Samples) -> Samples:
    """The sum of two pieces of the same length, clipped."""
    return array.array("h", (max(-32768, min(32767, a + b)) for a, b in zip(one, other, strict=True)))


def voice(name: str) -> Path:
    """The file of that path, or the voice of that name, which comes with the emulator."""
    return Path(__file__).with_name("voices") / name


def load_wav(path: Path) -> Samples:
    """The samples of a mono 8 kHz 16-bit WAV; ValueError when it is another kind."""
    with wave.open(str(path), "rb") as file:
        if (file.getnchannels(), file.getframerate(), file.getsampwidth()) != (1, SAMPLE_RATE, 2):
            raise ValueError(f"{path} is not a mono WAV of 8000 Hz and 16 bits.")
        return from_bytes(file.readframes(file.getnframes()))


def save_wav(path: Path, data: bytes) -> None:
    """Write s16le bytes as a mono 8 kHz WAV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setframerate(SAMPLE_RATE)
        file.setsampwidth(2)
        file.writeframes(data)
