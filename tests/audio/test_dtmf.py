"""Keys are heard once each, wherever they fall against the frames; speech is never one."""

from __future__ import annotations

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.audio.dtmf import COLUMNS_HZ, KEYS, ROWS_HZ, DtmfDetector, dtmf_tone
from gateway.audio.g711 import Law, decode, encode
from gateway.audio.player import read_wav
from gateway.audio.prompts import LANGUAGES, prompt_path
from tests.audio.voices import ENGLISH, RUSSIAN, frames_of, speech
from tests.fuzz.talk_off import Coding, coded, keys_heard

EVERY_KEY = "".join(KEYS)
ZERO_DBM0 = 22_800
"""The amplitude of a sine of 0 dBm0 (G.711: full scale is 3.14 dBm0)."""
KEY_LIKE_VOICES = (("fi+Annie", 155, 64), ("fi+Andrea", 238, 54))
"""Of the full corpus those in which most keys were found (22 in these sentences) while less was asked of a frame."""


def keys_in(samples: NDArray[np.int16]) -> str:
    detector = DtmfDetector()
    return "".join(key for frame in frames_of(samples) if (key := detector.feed(frame)))


def silence(ms: float) -> NDArray[np.int16]:
    return np.zeros(round(ms * 8), dtype=np.int16)


def noise(rng: np.random.Generator, count: int, rms: float) -> NDArray[np.float64]:
    return rng.normal(0, rms, count)


def tones(
    dice: np.random.Generator, *, ms: float, row_dbm: float, column_dbm: float, deviation: float = 0.0
) -> NDArray[np.float64]:
    """Every key, each of its own phases and at its own place against the frames; levels of each tone, in dBm0."""
    time = np.arange(round(ms * 8)) / 8000
    parts: list[NDArray[np.float64]] = []
    for row in ROWS_HZ:
        for column in COLUMNS_HZ:
            parts.append(np.zeros(400 + int(dice.integers(160))))
            parts.append(
                sum(
                    (
                        ZERO_DBM0 * 10 ** (level / 20) * np.sin(2 * np.pi * hz * (1 + deviation) * time + phase)
                        for hz, level, phase in zip(
                            (row, column), (row_dbm, column_dbm), dice.uniform(0, 6.28, 2), strict=True
                        )
                    ),
                    np.zeros(len(time)),
                )
            )
    return np.concatenate([*parts, np.zeros(480)])


def through(law: Law, samples: NDArray[np.float64]) -> NDArray[np.int16]:
    return decode(encode(np.clip(samples, -32_768, 32_767).astype(np.int16), law), law)


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


@pytest.mark.parametrize("dbm", [-3, -9, -15, -21, -27])
@pytest.mark.parametrize("twist_db", [-8, -4, 0, 4, 8])
def test_forty_milliseconds_at_every_level_and_twist(dbm: int, twist_db: int) -> None:
    # Q.24: 40 ms must be accepted, a column louder by 4 dB and a row louder by 8; levels down to -25 dBm.
    dice = np.random.default_rng(24)
    row, column = (dbm, dbm - twist_db) if twist_db > 0 else (dbm + twist_db, dbm)
    assert keys_in(through(Law.ALAW, tones(dice, ms=40, row_dbm=row, column_dbm=column))) == EVERY_KEY


@pytest.mark.parametrize("deviation", [-0.018, -0.015, 0.015, 0.018])
def test_forty_milliseconds_off_their_frequencies(deviation: float) -> None:
    # Q.24: +-1.5 % and 2 Hz must be accepted.
    dice = np.random.default_rng(24)
    for _ in range(4):
        sound = tones(dice, ms=40, row_dbm=-12, column_dbm=-12, deviation=deviation)
        assert keys_in(through(Law.ULAW, sound)) == EVERY_KEY


@pytest.mark.parametrize("deviation", [-0.035, 0.035])
def test_what_is_far_off_is_no_key(deviation: float) -> None:
    # Q.24: 3.5 % off must be refused.
    dice = np.random.default_rng(24)
    assert keys_in(through(Law.ALAW, tones(dice, ms=70, row_dbm=-12, column_dbm=-12, deviation=deviation))) == ""


def test_keys_that_a_network_sends_are_heard_behind_gsm() -> None:
    # Full rate is the codec that harms tones most. 3GPP TS 23.014: the network sends them for 70 ms at least.
    dice = np.random.default_rng(24)
    sound = np.concatenate([tones(dice, ms=70, row_dbm=-11, column_dbm=-9) for _ in range(5)])
    heard = keys_heard(coded(sound.astype(np.int16), Coding.GSM, dice))
    assert len(heard) >= 5 * len(EVERY_KEY) - 4


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


@pytest.mark.parametrize(("voice", "words_per_minute", "pitch"), KEY_LIKE_VOICES)
@pytest.mark.parametrize("coding", [Coding.PLAIN, Coding.GSM])
def test_the_voices_that_are_most_like_keys(voice: str, words_per_minute: int, pitch: int, coding: Coding) -> None:
    # The short form of `make fuzz`, which has half an hour of fourteen languages.
    text = f"{ENGLISH} {' '.join(map(str, range(100, 1000, 37)))}"
    spoken = speech(text, voice, words_per_minute=words_per_minute, pitch=pitch)
    assert keys_heard(coded(spoken, coding, np.random.default_rng(1))) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_own_announcements_are_no_key(language: str) -> None:
    # A phone on loudspeaker says them back to us.
    for path in sorted(prompt_path(language, "goodbye").parent.glob("*.wav")):
        assert keys_heard(read_wav(path)) == [], path.name


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
