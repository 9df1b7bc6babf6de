"""Keys are heard once each, wherever they fall against the frames; speech is never one."""

from __future__ import annotations

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.audio.dtmf import COLUMNS_HZ, KEYS, ROWS_HZ, DtmfDetector, dtmf_tone
from gateway.audio.g711 import Law, decode, encode
from tests.audio.voices import ENGLISH, RUSSIAN, frames_of, speech

EVERY_KEY = "".join(KEYS)


def keys_in(samples: NDArray[np.int16]) -> str:
    detector = DtmfDetector()
    return "".join(key for frame in frames_of(samples) if (key := detector.feed(frame)))


def silence(ms: float) -> NDArray[np.int16]:
    return np.zeros(round(ms * 8), dtype=np.int16)


def noise(rng: np.random.Generator, count: int, rms: float) -> NDArray[np.float64]:
    return rng.normal(0, rms, count)


@pytest.mark.parametrize("ms", [45, 65, 100, 400])
def test_every_key_at_every_place_against_the_frames(ms: int) -> None:
    for offset in range(0, 160, 16):
        parts = [silence(offset / 8)]
        for key in EVERY_KEY:
            parts += [dtmf_tone(key, ms), silence(45)]
        assert keys_in(np.concatenate([*parts, silence(40)])) == EVERY_KEY


@pytest.mark.parametrize("law", Law)
@pytest.mark.parametrize("snr_db", [20, 15])
def test_keys_in_noise_through_a_codec(law: Law, snr_db: int) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    rng = np.random.default_rng(seed)
    missed = 0
    for _ in range(20):
        parts = [silence(float(rng.uniform(0, 20)))]
        for key in EVERY_KEY:
            parts += [dtmf_tone(key, 70), silence(60)]
        clean = np.concatenate([*parts, silence(40)]).astype(float)
        noisy = (clean + noise(rng, len(clean), 7300 / 10 ** (snr_db / 20))).astype(np.int16)
        missed += keys_in(decode(encode(noisy, law), law)) != EVERY_KEY
    assert missed == 0


def test_a_key_pressed_twice_is_two_keys_and_a_lost_packet_does_not_double_it() -> None:
    assert (
        keys_in(np.concatenate([silence(33), dtmf_tone("5", 60), silence(50), dtmf_tone("5", 60), silence(60)])) == "55"
    )
    held = dtmf_tone("7", 400).copy()
    held[1600:1760] = speech()[8000:8160] // 8 + held[1600:1760] // 2
    assert keys_in(np.concatenate([silence(20), held, silence(60)])) == "7"


def test_a_key_is_reported_within_fifty_milliseconds_of_its_start() -> None:
    for offset in range(0, 160, 8):
        detector = DtmfDetector()
        samples = np.concatenate([silence(100 + offset / 8), dtmf_tone("3", 200), silence(40)])
        index = next(index for index, frame in enumerate(frames_of(samples)) if detector.feed(frame))
        assert (index + 1) * 20 - (100 + offset / 8) <= 51


def test_what_is_too_short_is_no_key() -> None:
    for offset in range(0, 160, 8):
        assert keys_in(np.concatenate([silence(100 + offset / 8), dtmf_tone("3", 20), silence(60)])) == ""


@pytest.mark.parametrize(
    ("twist_db", "accepted"), [(-7, True), (-4, True), (0, True), (4, True), (7, True), (12, False), (-12, False)]
)
def test_twist(twist_db: float, accepted: bool) -> None:
    time = np.arange(800) / 8000
    for row in ROWS_HZ:
        for column in COLUMNS_HZ:
            wave = 4000 * np.sin(2 * np.pi * row * time)
            wave += 4000 * 10 ** (twist_db / 20) * np.sin(2 * np.pi * column * time)
            assert bool(keys_in(wave.astype(np.int16))) is accepted


@pytest.mark.parametrize("deviation", [-0.015, 0.015])
def test_frequencies_may_be_off_by_one_and_a_half_percent(deviation: float) -> None:
    # Q.24: +-1.5 % must be accepted.
    time = np.arange(960) / 8000
    heard = ""
    for row in ROWS_HZ:
        for column in COLUMNS_HZ:
            wave = 5000 * np.sin(2 * np.pi * row * (1 + deviation) * time)
            wave += 5000 * np.sin(2 * np.pi * column * (1 + deviation) * time)
            heard += keys_in(wave.astype(np.int16))
    assert heard == EVERY_KEY


@pytest.mark.parametrize(
    "frequencies", [(425,), (440, 480), (350, 440), (1000,), (697,), (1209,), (697, 770), (1400,), (941, 2100)]
)
def test_other_tones_are_no_key(frequencies: tuple[int, ...]) -> None:
    time = np.arange(16_000) / 8000
    wave = sum(5000 * np.sin(2 * np.pi * frequency * time) for frequency in frequencies)
    assert keys_in(np.asarray(wave).astype(np.int16)) == ""


@pytest.mark.parametrize("text", [ENGLISH, RUSSIAN], ids=["en", "ru"])
@pytest.mark.parametrize(("pitch", "variant"), [(10, ""), (60, "+f2"), (90, "+f5"), (35, "+m3"), (50, "+croak")])
def test_speech_is_no_key(text: str, pitch: int, variant: str) -> None:
    voice = ("en" if text is ENGLISH else "ru") + variant
    spoken = speech(text, voice, pitch=pitch)
    for gain in (1.0, 0.25):
        for shift in (0, 53, 107):
            assert keys_in((spoken[shift:] * gain).astype(np.int16)) == ""


def test_noise_is_no_key() -> None:
    rng = np.random.default_rng(5)
    for rms in (300, 3000, 12_000):
        assert keys_in(np.clip(noise(rng, 8000 * 30, rms), -32768, 32767).astype(np.int16)) == ""


def test_a_tone_has_its_length_and_comes_and_goes_softly() -> None:
    tone = dtmf_tone("#", 100)
    assert len(tone) == 800
    assert abs(int(tone[0])) < 800
    assert abs(int(tone[-1])) < 800
    assert len(dtmf_tone("#", 0)) == 0


@pytest.mark.parametrize("key", ["E", "", "12", "a", " "])
def test_what_is_no_key_has_no_tone(key: str) -> None:
    with pytest.raises(ValueError, match="is not a key"):
        dtmf_tone(key, 100)
