"""Sources: what is pulled is what was meant, frame by frame."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.audio.frame import FRAME_SAMPLES
from gateway.audio.player import ClipSource, SequenceSource, read_wav
from gateway.audio.port import FrameSource
from gateway.audio.resample import converted
from gateway.audio.tones import Tone, TonePlan, ToneSource, beep
from gateway.errors import PromptUnusable


def pulled(source: FrameSource, most: int = 10_000) -> NDArray[np.int16]:
    frames: list[NDArray[np.int16]] = []
    while len(frames) < most and (frame := source.next_frame()) is not None:
        assert frame.shape == (FRAME_SAMPLES,)
        assert frame.dtype == np.int16
        frames.append(frame)
    return np.concatenate(frames) if frames else np.zeros(0, dtype=np.int16)


def test_a_clip_ends_and_its_last_frame_is_padded() -> None:
    clip = ClipSource(np.arange(1, 401, dtype=np.int16))
    assert pulled(clip).tolist() == [*range(1, 401), *[0] * 80]
    assert clip.next_frame() is None
    assert clip.seconds == pytest.approx(0.06)


def test_a_clip_repeats_with_a_pause_between() -> None:
    marked = np.full(320, 7, dtype=np.int16)
    assert pulled(ClipSource(marked, times=3, pause_ms=40))[::160].tolist() == [7, 7, 0, 0, 7, 7, 0, 0, 7, 7]
    assert pulled(ClipSource(marked, times=2))[::160].tolist() == [7, 7, 7, 7]
    assert pulled(ClipSource(marked, times=None, pause_ms=20), most=7)[::160].tolist() == [7, 7, 0, 7, 7, 0, 7]
    assert pulled(ClipSource(np.zeros(0, dtype=np.int16), times=None)).size == 0


def test_sequences() -> None:
    one, two = np.full(160, 1, dtype=np.int16), np.full(160, 2, dtype=np.int16)
    sequence = SequenceSource(ClipSource(one), ClipSource(one[:0]), ClipSource(two, times=2))
    assert pulled(sequence)[::160].tolist() == [1, 2, 2]


def write_wav(path: Path, data: bytes, *, rate: int = 8000, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)
    return path


@pytest.mark.parametrize("rate", [4000, 8000, 11025, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_a_tone_survives_whatever_format_it_comes_in(tmp_path: Path, rate: int, channels: int, width: int) -> None:
    wave_ = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)
    scaled = np.rint(wave_ * 2 ** (8 * width - 1)).astype(np.int64)
    data = scaled + 128 if width == 1 else scaled
    packed = b"".join(struct.pack("<q", value)[:width] * channels for value in data.tolist())
    samples = read_wav(write_wav(tmp_path / "a.wav", packed, rate=rate, channels=channels, width=width))
    assert len(samples) == 8000
    spectrum = np.abs(np.fft.rfft(samples[400:-400] * np.hanning(7200)))
    spectrum /= spectrum.max()
    assert spectrum.argmax() == 900
    assert np.delete(spectrum, range(894, 907)).max() < (0.02 if width == 1 else 0.001)
    assert np.abs(samples[400:-400]).max() == pytest.approx(16_384, rel=0.02)


def test_what_eight_kilohertz_cannot_carry_is_filtered_out() -> None:
    high = (10_000 * np.sin(2 * np.pi * 5000 * np.arange(16_000) / 16_000)).astype(np.int16)
    assert np.abs(converted(high, 16_000, 8000)[200:-200]).max() < 20


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "does not exist"),
        (b"", "ends too early"),
        (b"ID3" + bytes(100), "not a WAV file"),
        (b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 7, 1, 8000, 8000, 1, 8), "format"),
    ],
)
def test_a_file_that_cannot_be_played_says_why(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "bad.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PromptUnusable, match=says):
        read_wav(path)


def test_a_rate_that_is_no_audio(tmp_path: Path) -> None:
    with pytest.raises(PromptUnusable, match="100 samples a second"):
        read_wav(write_wav(tmp_path / "a.wav", bytes(200), rate=100))


CADENCES = {
    (TonePlan.RU, Tone.DIAL): ([425], 1.0, 0.0),
    (TonePlan.RU, Tone.RINGBACK): ([425], 0.8, 3.2),
    (TonePlan.RU, Tone.BUSY): ([425], 0.4, 0.4),
    (TonePlan.RU, Tone.CONGESTION): ([425], 0.2, 0.2),
    (TonePlan.US, Tone.DIAL): ([350, 440], 1.0, 0.0),
    (TonePlan.US, Tone.RINGBACK): ([440, 480], 2.0, 4.0),
    (TonePlan.US, Tone.BUSY): ([480, 620], 0.5, 0.5),
    (TonePlan.US, Tone.CONGESTION): ([480, 620], 0.25, 0.25),
    (TonePlan.EU, Tone.DIAL): ([425], 1.0, 0.0),
    (TonePlan.EU, Tone.RINGBACK): ([425], 1.0, 4.0),
    (TonePlan.EU, Tone.BUSY): ([425], 0.5, 0.5),
    (TonePlan.EU, Tone.CONGESTION): ([425], 0.25, 0.25),
    (TonePlan.DE, Tone.BUSY): ([425], 0.48, 0.48),
    (TonePlan.CZ, Tone.BUSY): ([425], 0.33, 0.33),
    (TonePlan.FR, Tone.RINGBACK): ([440], 1.5, 3.5),
    (TonePlan.GB, Tone.BUSY): ([400], 0.375, 0.375),
    (TonePlan.BE, Tone.CONGESTION): ([425], 0.167, 0.167),
    (TonePlan.SE, Tone.CONGESTION): ([425], 0.25, 0.75),
}


@pytest.mark.parametrize(("plan", "tone"), CADENCES)
def test_a_tone_has_its_frequencies_and_cadence_and_no_click(plan: TonePlan, tone: Tone) -> None:
    frequencies, on, off = CADENCES[plan, tone]
    samples = pulled(ToneSource(tone, plan), most=50 * 24).astype(float)
    # The cadence repeats, to the sample.
    period = round((on + off) * 8000)
    assert (samples[:-period] == samples[period:]).all()
    loud = np.abs(samples[: round((on + off) * 8000)])
    assert (np.flatnonzero(loud > 100)[-1] + 1) / 8000 == pytest.approx(on, abs=0.021)
    # The frequencies, and nothing else, over the first tenth of a second and a bit.
    piece = samples[160 : 160 + 1280] * np.blackman(1280)
    spectrum = np.abs(np.fft.rfft(piece, 8000))
    for frequency in frequencies:
        assert spectrum[frequency - 10 : frequency + 11].max() > 0.5 * spectrum.max()
    near = np.zeros(len(spectrum), dtype=bool)
    for frequency in frequencies:
        near[frequency - 40 : frequency + 41] = True
    assert spectrum[~near].max() < 0.01 * spectrum.max()
    # No step larger than the steepest slope of its sines, not at the edges and not at the seams of frames.
    steepest = sum(5700 * 2 * np.pi * frequency / 8000 for frequency in frequencies)
    assert np.abs(np.diff(samples)).max() <= steepest * 1.01 + 2


def test_countries() -> None:
    assert TonePlan.of_country("RU") is TonePlan.RU
    assert TonePlan.of_country("US") is TonePlan.US
    assert TonePlan.of_country("DE") is TonePlan.DE
    assert TonePlan.of_country("KZ") is TonePlan.RU
    assert TonePlan.of_country("NO") is TonePlan.CH
    assert TonePlan.of_country("NL") is TonePlan.EU
    assert TonePlan.of_country("") is TonePlan.EU


@pytest.mark.parametrize("tone", Tone)
@pytest.mark.parametrize("plan", TonePlan)
def test_every_tone_of_every_country_sounds_and_pauses_as_long_as_it_says(plan: TonePlan, tone: Tone) -> None:
    source = ToneSource(tone, plan)
    samples = np.abs(np.concatenate([source.next_frame() for _ in range(700)]).astype(float))
    loud = samples.reshape(-1, 40).max(axis=1) > 500  # of 5 ms
    turns = np.flatnonzero(np.diff(loud.astype(int)))
    if tone is Tone.DIAL and plan not in (TonePlan.CZ, TonePlan.IT):
        assert len(turns) == 0
        return
    lengths = np.diff(turns) * 5
    assert lengths.min() > 150
    assert lengths.max() < 5_100
    assert 0.1 < loud.mean() < 0.8


def test_a_british_telephone_rings_twice() -> None:
    samples = np.abs(pulled(ToneSource(Tone.RINGBACK, TonePlan.GB), most=150).astype(float))
    rung = [bool(samples[round(at * 8000) : round(at * 8000) + 200].max() > 1_000) for at in (0.2, 0.5, 0.8, 1.5, 2.8)]
    assert rung == [True, False, True, False, False]


def test_a_beep_ends() -> None:
    samples = pulled(beep(200, 1000))
    assert samples.size == 1600
    assert np.abs(np.fft.rfft(samples)).argmax() == 200
    assert abs(int(samples[0])) + abs(int(samples[-1])) < 10
