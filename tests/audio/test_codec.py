"""Every codec: what a phone hears, what it costs of the voice, and what it makes of broken packets."""

from __future__ import annotations

import random

import numpy as np
import pytest
from G722 import G722
from numpy.typing import NDArray
from pesq import pesq

from gateway.audio import opus
from gateway.audio.codec import Codec
from gateway.audio.coder import Coder, available_codecs, new_coder
from gateway.audio.frame import FRAME_SAMPLES
from gateway.audio.resample import converted
from gateway.audio.twice import Doubler
from tests.audio.voices import RUSSIAN, frames_of, speech

LEAST_PESQ = {Codec.PCMA: 3.9, Codec.PCMU: 3.9, Codec.G722: 3.7, Codec.OPUS: 3.9}
"""Of espeak's voice, at 8 kHz; the codecs' own ceilings are 0.1 to 0.2 above."""


def through(coder: Coder, far: Coder, samples: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.concatenate([far.decode(coder.encode(frame)) for frame in frames_of(samples)])


def tone(hertz: float, seconds: float = 1.0, rate: int = 8_000) -> NDArray[np.int16]:
    return np.asarray(8_000 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate), dtype=np.int16)


def strongest_hertz(samples: NDArray[np.int16], rate: int = 8_000) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


@pytest.mark.parametrize("codec", Codec)
def test_speech_comes_through(codec: Codec) -> None:
    for said in (speech(), speech(RUSSIAN, "ru")):
        heard = through(new_coder(codec), new_coder(codec), said)
        assert len(heard) == len(said)
        assert pesq(8_000, said, heard, "nb") >= LEAST_PESQ[codec]


@pytest.mark.parametrize("codec", Codec)
@pytest.mark.parametrize("hertz", [300, 1_000, 3_200])
def test_a_tone_keeps_its_pitch_and_level(codec: Codec, hertz: int) -> None:
    heard = through(new_coder(codec), new_coder(codec), tone(hertz))[1_600:]
    assert strongest_hertz(heard) == pytest.approx(hertz, abs=5)
    loss_db = 20 * np.log10(np.std(heard) / np.std(tone(hertz)))
    assert -2 < loss_db < 1


@pytest.mark.parametrize("codec", Codec)
def test_the_length_is_known_without_decoding(codec: Codec, seed: int) -> None:
    coder, far = new_coder(codec), new_coder(codec)
    source = random.Random(seed)
    for frame in frames_of(speech())[:100]:
        payload = coder.encode(frame)
        assert coder.samples_in(payload) == FRAME_SAMPLES
        noise = source.randbytes(source.randrange(0, 300))
        assert len(far.decode(noise)) in (0, far.samples_in(noise))
    assert coder.samples_in(b"") == 0
    assert len(far.decode(b"")) == 0


@pytest.mark.parametrize(
    ("first", "second", "samples"),
    [
        (0b00000_0_00, 0, 80),
        (0b00011_0_00, 0, 480),
        (0b01101_0_01, 0, 320),
        (0b10000_0_00, 0, 20),
        (0b11111_0_11, 3, 480),
        (0b11111_0_11, 7, 0),
        (0b00011_0_11, 2, 960),
        (0b00011_0_11, 3, 0),
    ],
)
def test_the_first_bytes_of_an_opus_packet_say_how_long_it_is(first: int, second: int, samples: int) -> None:
    """RFC 6716 section 3.1; nothing is longer than 120 ms."""
    assert new_coder(Codec.OPUS).samples_in(bytes((first, second)) + bytes(20)) == samples


def test_g722_of_a_wide_phone_is_heard_in_full_narrow_band_and_ours_is_wide_band_without_images() -> None:
    """Against the library at 16 kHz, as a phone has it."""
    wide = converted(speech(), 8_000, 16_000)
    phone = G722(16_000, 64_000)
    ours = new_coder(Codec.G722)
    heard_here = np.concatenate(
        [ours.decode(bytes(phone.encode(wide[at : at + 320]))) for at in range(0, len(wide) - 319, 320)]
    )
    assert pesq(8_000, speech(), heard_here, "nb") > 3.75
    heard_there = np.concatenate([np.asarray(phone.decode(ours.encode(frame))) for frame in frames_of(speech())])
    spectrum = np.abs(np.fft.rfft(heard_there.astype(float))) ** 2
    hertz = np.fft.rfftfreq(len(heard_there), 1 / 16_000)
    assert spectrum[hertz > 4_300].sum() < spectrum[hertz < 3_700].sum() * 10**-4


@pytest.mark.parametrize("hertz", [200, 1_000, 3_000])
def test_the_doubler_is_flat_quick_and_without_seams(hertz: int) -> None:
    doubler = Doubler()
    wide = np.concatenate([doubler.feed(frame) for frame in frames_of(tone(hertz))])
    wanted = tone(hertz, rate=16_000)
    assert strongest_hertz(wide, 16_000) == pytest.approx(hertz, abs=2)
    assert 20 * np.log10(np.std(wide[200:]) / np.std(wanted)) == pytest.approx(0, abs=0.2)
    assert np.abs(wide.astype(int)).max() < 8_300


def test_the_doubler_holds_back_one_millisecond_and_never_turns_over() -> None:
    click = np.zeros(FRAME_SAMPLES, dtype=np.int16)
    click[0] = 10_000
    answer = Doubler().feed(click).astype(float)
    assert (np.arange(320) * answer).sum() / answer.sum() == pytest.approx(15.5, abs=0.05)
    square = np.where(np.arange(FRAME_SAMPLES) % 40 < 20, 32_767, -32_768).astype(np.int16)
    wide = Doubler().feed(square)[56:296].astype(int)
    turns = np.flatnonzero(np.diff(np.sign(wide)))
    assert len(turns) == 6  # as often as the square itself


def test_opus_gives_a_lost_packet_back_from_the_next_one() -> None:
    said = speech()
    coder = new_coder(Codec.OPUS)
    payloads = [coder.encode(frame) for frame in frames_of(said)]
    lost = set(range(7, len(payloads), 20))
    quality = []
    for recovers in (False, True):
        far, heard = new_coder(Codec.OPUS), []
        for index, payload in enumerate(payloads):
            if index in lost:
                heard.append(np.zeros(FRAME_SAMPLES, dtype=np.int16))
                continue
            if recovers and index - 1 in lost:
                heard[-1] = far.recover(payload)
            heard.append(far.decode(payload))
        quality.append(pesq(8_000, said, np.concatenate(heard), "nb"))
    assert quality[1] > max(3.5, quality[0] + 0.5)


@pytest.mark.parametrize("codec", [Codec.PCMA, Codec.PCMU, Codec.G722])
def test_other_codecs_repeat_nothing(codec: Codec) -> None:
    assert len(new_coder(codec).recover(bytes(160))) == 0


def test_without_its_library_opus_is_not_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Codec.OPUS in available_codecs()
    monkeypatch.setattr(opus, "LIBRARY", "libopus-that-is-not-there.so.0")
    opus.is_installed.cache_clear()
    opus._library.cache_clear()
    try:
        assert available_codecs() == (Codec.PCMA, Codec.PCMU, Codec.G722)
        with pytest.raises(OSError, match="libopus-that-is-not-there"):
            new_coder(Codec.OPUS)
    finally:
        opus.is_installed.cache_clear()
        opus._library.cache_clear()


def test_how_codecs_are_written() -> None:
    assert [codec.facts.rtpmap for codec in Codec] == ["PCMA/8000", "PCMU/8000", "G722/8000", "opus/48000/2"]
    assert [codec.is_wide for codec in Codec] == [False, False, True, True]
