"""G.711 against its own tables, and against another implementation of it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from gateway.audio.g711 import Law, decode, encode

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)
EVERY_BYTE = bytes(range(256))


@pytest.mark.parametrize(
    ("law", "linear", "byte"),
    [
        # G.711 tables 1a/1b and 2a/2b: the ends, the middle, and decision values on both sides.
        (Law.ULAW, 0, 0xFF),
        (Law.ULAW, 32767, 0x80),
        (Law.ULAW, -32768, 0x00),
        (Law.ULAW, 4, 0xFE),
        (Law.ULAW, 3, 0xFF),
        (Law.ULAW, -4, 0x7E),
        (Law.ULAW, 31 * 4, 0xEF),
        (Law.ULAW, 31 * 4 - 1, 0xF0),
        (Law.ALAW, 0, 0xD5),
        (Law.ALAW, -1, 0x55),
        (Law.ALAW, 15, 0xD5),
        (Law.ALAW, 16, 0xD4),
        (Law.ALAW, 2048 * 8, 0xA5),
        (Law.ALAW, 2048 * 8 - 1, 0xBA),
        (Law.ALAW, 32767, 0xAA),
        (Law.ALAW, -32768, 0x2A),
    ],
)
def test_known_values(law: Law, linear: int, byte: int) -> None:
    assert encode(np.array([linear], dtype=np.int16), law) == bytes([byte])


@pytest.mark.parametrize(
    ("law", "byte", "linear"),
    [
        # Quantised values y of the same tables, times 4 (14 bits) and times 8 (13 bits).
        (Law.ULAW, 0x80, 8031 * 4),
        (Law.ULAW, 0x00, -8031 * 4),
        (Law.ULAW, 0x8F, 4191 * 4),
        (Law.ULAW, 0xEF, 33 * 4),
        (Law.ULAW, 0xFF, 0),
        (Law.ALAW, 0xAA, 4032 * 8),
        (Law.ALAW, 0x2A, -4032 * 8),
        (Law.ALAW, 0xD5, 8),
        (Law.ALAW, 0x55, -8),
    ],
)
def test_known_levels(law: Law, byte: int, linear: int) -> None:
    assert decode(bytes([byte]), law).tolist() == [linear]


def test_the_one_kilohertz_sequences_of_the_standard_are_a_clean_tone() -> None:
    # G.711 tables 5 and 6: one period of 1 kHz at 0 dBm0, as the bytes on the wire.
    for law, period in ((Law.ULAW, "1e 0b 0b 1e 9e 8b 8b 9e"), (Law.ALAW, "34 21 21 34 b4 a1 a1 b4")):
        wave = decode(bytes.fromhex(period) * 100, law).astype(float)
        spectrum = np.abs(np.fft.rfft(wave))
        assert spectrum.argmax() == 100
        # 0 dBm0 is 3.17 dB (mu-law) and 3.14 dB (A-law) below a full-scale sine.
        rms = np.sqrt(np.mean(wave**2))
        assert 20 * np.log10(rms * np.sqrt(2) / 32768) == pytest.approx(-3.15, abs=0.15)


@pytest.mark.parametrize("law", Law)
def test_every_byte_survives_a_round_trip(law: Law) -> None:
    again = bytearray(encode(decode(EVERY_BYTE, law), law))
    if law is Law.ULAW:
        assert again[0x7F] == 0xFF  # minus zero is zero
        again[0x7F] = 0x7F
    assert bytes(again) == EVERY_BYTE


@pytest.mark.parametrize("law", Law)
def test_every_sample_is_quantised_in_order_and_within_its_step(law: Law) -> None:
    heard = decode(encode(EVERY_SAMPLE, law), law).astype(int)
    assert (np.diff(heard) >= 0).all()
    magnitude = np.abs(EVERY_SAMPLE.astype(int))
    clipped = magnitude > 32_256
    error = np.abs(heard - EVERY_SAMPLE)
    # A segment is 16 steps; mu-law's segments begin 132 lower.
    half_a_step = np.maximum((magnitude + (132 if law is Law.ULAW else 0)) / 32, 8)
    assert (error <= half_a_step)[~clipped].all()


def test_against_another_implementation() -> None:
    linear = EVERY_SAMPLE.tobytes()
    assert encode(EVERY_SAMPLE, Law.ALAW) == audioop.lin2alaw(linear, 2)
    # audioop rounds negative samples downwards to 14 bits; G.711 is symmetrical.
    exact = EVERY_SAMPLE[(EVERY_SAMPLE >= 0) | (EVERY_SAMPLE % 4 == 0)]
    assert encode(exact, Law.ULAW) == audioop.lin2ulaw(exact.tobytes(), 2)
    assert decode(EVERY_BYTE, Law.ULAW).tobytes() == audioop.ulaw2lin(EVERY_BYTE, 2)
    assert decode(EVERY_BYTE, Law.ALAW).tobytes() == audioop.alaw2lin(EVERY_BYTE, 2)


def test_both_laws_are_symmetrical() -> None:
    positive = np.arange(1, 32768).astype(np.int16)
    for law, mirrored in ((Law.ULAW, -positive), (Law.ALAW, ~positive)):
        assert encode(mirrored, law) == bytes(each ^ 0x80 for each in encode(positive, law))


@pytest.mark.parametrize("law", Law)
def test_silence(law: Law) -> None:
    assert abs(int(decode(encode(np.zeros(1, dtype=np.int16), law), law)[0])) <= 8
