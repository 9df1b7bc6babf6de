"""An even level: for faint and loud callers, without pumping noise up and without a clipped sample."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pesq import pesq

from gateway.audio.dtmf import DtmfDetector, dtmf_tone
from gateway.audio.leveller import TARGET_DBFS, Leveller
from tests.audio.voices import RUSSIAN, frames_of, speech


def at_level(samples: NDArray[np.int16], dbfs: float) -> NDArray[np.int16]:
    change = 10 ** ((dbfs - voice_dbfs(samples)) / 20)
    louder: NDArray[np.int16] = np.clip(np.rint(samples * change), -32768, 32767).astype(np.int16)
    return louder


def voice_dbfs(samples: NDArray[np.int16]) -> float:
    """The mean level of the frames that are within 20 dB of the loudest."""
    energy = np.mean(np.square(samples[: len(samples) // 160 * 160].reshape(-1, 160).astype(float)), axis=1)
    return float(10 * np.log10(energy[energy > energy.max() / 100].mean() / (32768**2 / 2)))


def levelled(samples: NDArray[np.int16], leveller: Leveller | None = None) -> NDArray[np.int16]:
    one = leveller or Leveller()
    return np.concatenate([one.levelled(frame) for frame in frames_of(samples)])


@pytest.mark.parametrize("dbfs", [-34, -28, -20, -12, -9])
@pytest.mark.parametrize(("text", "voice"), [(None, "en"), (RUSSIAN, "ru")])
def test_after_a_few_seconds_every_caller_is_about_as_loud(dbfs: float, text: str | None, voice: str) -> None:
    said = at_level(speech() if text is None else speech(text, voice), dbfs)
    heard = levelled(np.tile(said, 2))[len(said) :]
    assert voice_dbfs(heard) == pytest.approx(TARGET_DBFS, abs=3)


@pytest.mark.parametrize("dbfs", [-34, -20, -16])
def test_the_voice_is_as_good_as_before(dbfs: float) -> None:
    said = at_level(speech(), dbfs)
    heard = levelled(np.tile(said, 2))[len(said) :]
    assert pesq(8_000, speech(), heard, "nb") > 4.2


def test_noise_is_not_pumped_up(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 60, 8_000 * 20).astype(np.int16)  # -52 dBFS
    heard = levelled(noise)
    assert np.array_equal(heard, noise)
    leveller = Leveller()
    levelled(at_level(speech(), -32), leveller)
    before = leveller.gain_db
    levelled(noise, leveller)
    assert leveller.gain_db == before


def test_a_shout_after_a_whisper_is_limited_not_cut_off() -> None:
    leveller = Leveller()
    levelled(np.tile(at_level(speech(), -36), 2), leveller)
    assert leveller.gain_db > 10
    tone = (25_000 * np.sin(2 * np.pi * 400 * np.arange(16_000) / 8_000)).astype(np.int16)
    heard = levelled(tone, leveller)
    assert np.abs(heard.astype(int)).max() <= 29_300
    # Still a sine: nothing is flattened.
    spectrum = np.abs(np.fft.rfft(heard[1_600:9_600] * np.hanning(8_000)))
    assert spectrum[np.abs(np.arange(len(spectrum)) - 400) > 20].max() < spectrum.max() / 100


def test_there_is_no_click_when_the_gain_changes() -> None:
    tone = (1_000 * np.sin(2 * np.pi * 300 * np.arange(8_000 * 6) / 8_000)).astype(np.int16)
    steepest = 2 * np.pi * 300 / 8_000
    heard = levelled(tone).astype(float)
    assert np.abs(np.diff(heard)).max() < np.abs(heard).max() * steepest * 1.1 + 2


def test_keys_are_found_all_the_same() -> None:
    leveller, detector = Leveller(), DtmfDetector()
    levelled(at_level(speech(), -34), leveller)
    sent = "1590#"
    sound = np.concatenate([np.concatenate((dtmf_tone(key, 100), np.zeros(480, dtype=np.int16))) for key in sent])
    found = [detector.feed(leveller.levelled(frame)) for frame in frames_of(sound)]
    assert "".join(key for key in found if key is not None) == sent


def test_silence_stays_silence() -> None:
    silence = np.zeros(1_600, dtype=np.int16)
    assert not levelled(silence).any()
