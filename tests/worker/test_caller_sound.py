"""What a caller has said, as the daemon gets it from the worker to play it by telephone."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]  # it has no types of its own

from gateway.api.message_sounds import MessageSounds
from gateway.api.problems import RecordingAway, WorkerAway
from gateway.worker.caller_sound import caller_samples
from gateway.worker.recordings import open_below
from gateway.worker.sealed import KeyRing
from gateway.worker.server import WorkerServer
from tests.fakes.archive import FakeArchive


def stereo(seconds: float = 1.0) -> np.ndarray:
    """A tone of 440 Hz on the left, one of 1,000 on the right."""
    time = np.arange(int(8000 * seconds)) / 8000
    return (np.stack([np.sin(2 * np.pi * hertz * time) for hertz in (440, 1000)], axis=1) * 12000).astype("<i2")


def loudest_hertz(sound: bytes) -> float:
    samples = np.frombuffer(sound, dtype="<i2").astype(float)
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * 8000 / len(samples))


@pytest.mark.parametrize(("suffix", "kind"), [("wav", ("WAV", "PCM_16")), ("opus", ("OGG", "OPUS")), ("mp3", None)])
def test_the_left_channel_of_whatever_it_was_kept_as(tmp_path: Path, suffix: str, kind: tuple[str, str] | None) -> None:
    form, sub = kind or ("MP3", "MPEG_LAYER_III")
    soundfile.write(tmp_path / f"a.{suffix}", stereo(), 8000, format=form, subtype=sub)
    with open_below(tmp_path, f"a.{suffix}", KeyRing(tmp_path / "keys")) as recording:
        sound = caller_samples(recording)
    assert abs(len(sound) / 2 / 8000 - 1.0) < 0.15
    assert abs(loudest_hertz(sound) - 440) < 10


def test_what_is_no_sound_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"nothing of the kind")
    with open_below(tmp_path, "a.wav", KeyRing(tmp_path / "keys")) as recording, pytest.raises(RecordingAway):
        caller_samples(recording)


@pytest.mark.real_time
async def test_the_daemon_asks_the_worker(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(stereo(30).tobytes())
    archive, socket = FakeArchive(), tmp_path / "worker.sock"
    archive.paths["r1"] = "a.wav"
    sounds = MessageSounds(socket)
    with pytest.raises(WorkerAway):
        await sounds.of("r1")
    async with WorkerServer(socket=socket, archive=archive, recordings_dir=tmp_path, keys=KeyRing(tmp_path / "keys")):
        assert await sounds.of("r1") == stereo(30)[:, 0].tobytes()
        with pytest.raises(RecordingAway):
            await sounds.of("r9")
