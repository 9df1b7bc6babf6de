"""The recorder: both channels in their place, whatever the network, the clocks and the disk do."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.audio import recording_writer
from gateway.audio.frame import FRAME_SAMPLES, Frame
from gateway.audio.level import Verdict
from gateway.audio.recorder import Channel, Recorder
from gateway.audio.recording_writer import RecordingTrouble, RecordingWriter
from gateway.audio.wav import HEADER_BYTES, NotRecovered, Recovered, repair, wav_header
from tests.faults import rounds


@pytest.fixture
def troubles() -> list[RecordingTrouble]:
    return []


@pytest.fixture
def writer(troubles: list[RecordingTrouble]) -> Iterator[RecordingWriter]:
    with RecordingWriter(troubles.append) as writer:
        yield writer


def read(path: Path) -> NDArray[np.int16]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 8000, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)


def marked(index: int) -> Frame:
    """A frame that says which one it is."""
    return np.full(FRAME_SAMPLES, 1000 + index, dtype=np.int16)


def test_two_parties_each_on_their_side(writer: RecordingWriter, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "day" / "call.wav", writer, 100.0)
    for index in range(200):
        now = 100.0 + 0.020 * (index + 1)
        recorder.write(Channel.CALLER, marked(index), 5000 + index * 160, now)
        recorder.write(Channel.CALLEE, -marked(index), index * 160, now + 0.003)
    result = recorder.close(104.0).result(5)
    assert result.path == tmp_path / "day" / "call.wav"
    assert result.trouble is None
    assert result.seconds == 4.0
    assert result.verdict is Verdict.BOTH_HEARD
    assert result.size_bytes == result.path.stat().st_size
    kept = read(result.path)
    assert len(kept) == 32_000
    assert kept[::160, 0].tolist() == [1000 + index for index in range(200)]
    # The callee's packets come 3 ms, 24 samples, later.
    assert kept[24::160, 1].tolist() == [-1000 - index for index in range(200)]
    assert list(tmp_path.rglob("*.part")) == []


def test_loss_is_silence_and_disorder_is_put_right(writer: RecordingWriter, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.wav", writer, 0.0)
    arrivals = [(0.020 * (index + 1), index) for index in range(100) if index not in (40, 41)]
    arrivals = [(time + (0.1 if index % 7 == 3 else 0.0), index) for time, index in arrivals]
    for now, index in sorted(arrivals):
        recorder.write(Channel.CALLEE, marked(index), index * 160, now)
    kept = read(recorder.close(2.0).result(5).path)
    expected = [0 if index in (40, 41) else 1000 + index for index in range(100)]
    assert kept[::160, 1].tolist() == expected
    assert not kept[:, 0].any()


def test_who_was_silent(writer: RecordingWriter, tmp_path: Path) -> None:
    for name, caller, callee, verdict in (
        ("both", True, True, Verdict.BOTH_HEARD),
        ("caller", False, True, Verdict.CALLER_SILENT),
        ("callee", True, False, Verdict.CALLEE_SILENT),
        ("none", False, False, Verdict.NOTHING_HEARD),
    ):
        recorder = Recorder(tmp_path / name, writer, 0.0)
        for index in range(50):
            for channel, speaks in ((Channel.CALLER, caller), (Channel.CALLEE, callee)):
                level = 2000 if speaks else 20
                frame = np.tile(np.array([level, -level], dtype=np.int16), 80)
                recorder.write(channel, frame, index * 160, 0.02 * (index + 1))
        result = recorder.close(1.0).result(5)
        assert result.verdict is verdict
        assert (result.levels_dbfs[0] > -30) is caller


@pytest.mark.parametrize("ppm", [0, 200, -200, 5000, -5000])
def test_an_hour_of_drifting_clocks_stays_aligned(writer: RecordingWriter, tmp_path: Path, ppm: int) -> None:
    # Five minutes at 5000 ppm drift as far as two hours at 200 ppm; the whole hour is for `make soak`.
    recorder = Recorder(tmp_path / "long.wav", writer, 0.0)
    rng = random.Random(7)
    pulse = np.zeros(FRAME_SAMPLES, dtype=np.int16)
    pulse[0] = 20_000
    zeros = np.zeros(FRAME_SAMPLES, dtype=np.int16)
    count = 50 * rounds(300, 3600)
    interval = 0.020 / (1 + ppm * 1e-6)
    for index in range(count):
        now = 0.020 + index * interval + rng.expovariate(1 / 0.004)
        recorder.write(Channel.CALLER, pulse if index % 250 == 0 else zeros, index * 160, now)
        if index % 500 == 0:  # a thousand times faster than life: let the disk keep up
            until(lambda: not recorder._file._waiting)
    kept = read(recorder.close(count * interval).result(60).path)
    assert abs(len(kept) / 8000 - count * interval) < 0.02
    at = np.flatnonzero(kept[:, 0] > 10_000)
    at = at[np.insert(np.diff(at) > 100, 0, True)]
    expected = np.arange(0, count, 250) * interval * 8000
    assert len(at) == len(expected)
    assert np.abs(at - expected).max() <= 160


def test_a_sender_who_starts_to_count_anew_is_found_again(writer: RecordingWriter, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "jump.wav", writer, 0.0)
    for index in range(300):
        position = index * 160 if index < 100 else (index + 10**6) * 160 if index < 200 else (index - 200) * 160
        recorder.write(Channel.CALLER, marked(index), position, 0.02 * (index + 1))
    kept = read(recorder.close(6.0).result(5).path)
    assert kept[::160, 0].tolist() == [1000 + index for index in range(300)]


def test_a_pause_is_silence_and_nothing_of_it_slips_through(writer: RecordingWriter, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "card.wav", writer, 0.0)
    for index in range(200):
        if index == 50:
            recorder.pause(1.0)
        if index == 150:
            recorder.resume(3.0)
        # Packets are 100 ms late: after `resume` some still hold what was said before it.
        recorder.write(Channel.CALLEE, marked(index), index * 160, 0.02 * (index + 1) + 0.1 * (index > 100))
    kept = read(recorder.close(4.0).result(5).path)[:, 1]
    assert not kept[50 * 160 : 150 * 160].any()
    assert kept[:160].any()
    assert kept[160 * 160 :].any()


def test_nothing_from_before_the_start_is_kept(writer: RecordingWriter, tmp_path: Path) -> None:
    # T-L6: the notice ends at 10.0, within a frame that was spoken from 9.981 to 10.001.
    recorder = Recorder(tmp_path / "notice.wav", writer, 10.0)
    straddling = np.concatenate((np.full(152, 500, dtype=np.int16), np.full(8, 1000, dtype=np.int16)))
    recorder.write(Channel.CALLER, straddling, 0, 10.001)
    recorder.write(Channel.CALLER, marked(1), 160, 10.021)
    kept = read(recorder.close(10.1).result(5).path)
    assert 500 not in kept[:, 0]
    assert kept[:9, 0].tolist() == [1000] * 8 + [1001]


def test_an_empty_recording_is_a_file_that_plays(writer: RecordingWriter, tmp_path: Path) -> None:
    result = Recorder(tmp_path / "empty.wav", writer, 0.0).close(0.0).result(5)
    assert result.seconds == 0
    assert len(read(result.path)) == 0


def test_a_long_silence_without_any_frame_keeps_its_length(writer: RecordingWriter, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "hold.wav", writer, 0.0)
    recorder.write(Channel.CALLER, marked(0), 0, 0.02)
    recorder.write(Channel.CALLER, marked(1), 160, 60.0)
    kept = read(recorder.close(61.0).result(5).path)
    assert len(kept) == 61 * 8000
    assert np.flatnonzero(kept[:, 0] == 1001)[0] == pytest.approx(60 * 8000 - 160, abs=160)


def test_an_existing_file_is_never_overwritten(writer: RecordingWriter, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"evidence")
    result = Recorder(tmp_path / "a.wav", writer, 0.0).close(1.0).result(5)
    assert (tmp_path / "a.wav").read_bytes() == b"evidence"
    assert result.path == tmp_path / "a-2.wav"


def test_a_file_that_is_being_written_plays(writer: RecordingWriter, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "live.wav", writer, 0.0)
    part = tmp_path / "live.wav.part"
    for index in range(100):
        recorder.write(Channel.CALLER, marked(index), index * 160, 0.02 * (index + 1))
    until(lambda: part.exists() and part.stat().st_size > HEADER_BYTES + 4 * 8000)
    shutil.copy(part, tmp_path / "copy.wav")
    read(tmp_path / "copy.wav")
    recorder.close(2.0).result(5)


def until(condition: object, seconds: float = 5.0) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def speak(recorder: Recorder, start: int, stop: int) -> None:
    for index in range(start, stop):
        recorder.write(Channel.CALLER, marked(index), index * 160, 0.02 * (index + 1))


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("function", ["open", "pwrite", "fdatasync", "ftruncate"])
def test_a_disk_that_fails_for_good_never_reaches_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int, function: str
) -> None:
    troubles: list[RecordingTrouble] = []

    def fail(*arguments: object) -> int:
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(os, function, fail)
    with RecordingWriter(troubles.append) as writer:
        recorder = Recorder(tmp_path / "a.wav", writer, 0.0)
        speak(recorder, 0, 200)
        result = recorder.close(4.0).result(5)
    assert result.trouble == os.strerror(fault)
    assert [each.reason for each in troubles] == [os.strerror(fault)]
    assert result.seconds == 4.0


def test_a_disk_that_recovers_loses_nothing(
    writer: RecordingWriter, tmp_path: Path, troubles: list[RecordingTrouble], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_writer, "_RETRY_SECONDS", 0.05)
    full = threading.Event()
    real = os.pwrite

    def pwrite(descriptor: int, data: bytes, offset: int) -> int:
        if full.is_set():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    recorder = Recorder(tmp_path / "a.wav", writer, 0.0)
    speak(recorder, 0, 100)
    full.set()
    speak(recorder, 100, 200)
    until(lambda: troubles)
    full.clear()
    until(lambda: len(troubles) == 2)
    speak(recorder, 200, 300)
    result = recorder.close(6.0).result(5)
    assert [each.reason for each in troubles] == [os.strerror(errno.ENOSPC), None]
    assert result.lost_seconds == 0
    assert read(result.path)[::160, 0].tolist() == [1000 + index for index in range(300)]


def test_a_disk_that_hangs_costs_bounded_memory(
    writer: RecordingWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, release = threading.Event(), threading.Event()
    real = os.pwrite

    def pwrite(descriptor: int, data: bytes, offset: int) -> int:
        hanging.set()
        release.wait(10)
        return real(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    recorder = Recorder(tmp_path / "a.wav", writer, 0.0)
    speak(recorder, 0, 100)
    hanging.wait(5)
    started = time.monotonic()
    speak(recorder, 100, 50 * 120)
    assert time.monotonic() - started < 8, "it waits for the disk"
    release.set()
    result = recorder.close(120.0).result(5)
    assert 85 < result.lost_seconds < 91
    kept = read(result.path)
    assert len(kept) == 120 * 8000
    # What is there is in its place.
    heard = kept[::160, 0]
    assert all(value in (0, 1000 + index) for index, value in enumerate(heard.tolist()))
    assert heard[-1000:].all()


def test_the_disk_is_synced_once_a_second_at_most(
    writer: RecordingWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs: list[float] = []
    monkeypatch.setattr(os, "fdatasync", lambda descriptor: syncs.append(time.monotonic()))
    recorder = Recorder(tmp_path / "a.wav", writer, 0.0)
    started = time.monotonic()
    while time.monotonic() - started < 2.2:
        now = time.monotonic() - started
        recorder.write(Channel.CALLER, marked(0), int(now * 8000), now)
        time.sleep(0.02)
    recorder.close(2.2).result(5)
    assert 3 <= len(syncs) <= 4  # the first data, two seconds, the end


CHILD = """
import sys, time
from pathlib import Path
import numpy as np
from gateway.audio.recorder import Channel, Recorder
from gateway.audio.recording_writer import RecordingWriter
with RecordingWriter(lambda trouble: None) as writer:
    started = time.monotonic()
    recorder = Recorder(Path(sys.argv[1]), writer, started)
    index = 0
    while True:
        now = time.monotonic()
        while index < int((now - started) * 50):
            for channel in Channel:
                frame = np.full(160, 1000 + index, dtype=np.int16)
                recorder.write(channel, frame, index * 160, started + 0.02 * (index + 1))
            index += 1
        print(index, flush=True)
        time.sleep(0.01)
"""


@pytest.mark.parametrize("run", range(3))
def test_kill_9_loses_a_second_at_most(tmp_path: Path, run: int) -> None:
    command = [sys.executable, "-c", CHILD, str(tmp_path / "a.wav")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = 0
        for line in child.stdout:
            said = int(line)
            if said >= 90 + 17 * run:
                break
        child.send_signal(signal.SIGKILL)
        said = max([said, *(int(line) for line in child.stdout.read().splitlines())])
    (recovered,) = repair(tmp_path)
    assert isinstance(recovered, Recovered)
    assert recovered.seconds >= said * 0.02 - 1.0
    kept = read(recovered.path)
    assert len(kept) == round(recovered.seconds * 8000)
    assert kept[::160, 0].tolist() == [1000 + index for index in range(-(-len(kept) // 160))]


def test_repair_of_files_cut_anywhere(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    rng = random.Random(seed)
    whole = wav_header(24_000) + np.random.default_rng(seed).integers(-9999, 9999, 48_000, "<i2").tobytes()
    for number, length in enumerate([*range(100), *(rng.randrange(100, len(whole)) for _ in range(rounds(200, 1000)))]):
        directory = tmp_path / str(number)
        directory.mkdir()
        (directory / "call.wav.part").write_bytes(whole[:length])
        (found,) = repair(directory)
        assert isinstance(found, Recovered)
        samples = max(0, length - HEADER_BYTES) // 4
        assert found.seconds == samples / 8000
        assert [each.name for each in directory.iterdir()] == (["call.wav"] if samples else [])
        if samples:
            assert read(found.path).tobytes() == whole[HEADER_BYTES : HEADER_BYTES + 4 * samples]
            assert found.size_bytes == found.path.stat().st_size


def test_repair_goes_on_after_a_file_that_cannot_be_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.wav.part").write_bytes(wav_header(0) + bytes(400))
    (tmp_path / "c.part").mkdir()
    real = os.pwrite
    calls: list[int] = []

    def pwrite(descriptor: int, data: bytes, offset: int) -> int:
        calls.append(offset)
        if len(calls) == 1:
            raise OSError(errno.EIO, "Input/output error")
        return real(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    first, second = repair(tmp_path)
    assert first == NotRecovered(tmp_path / "a.wav.part", "Input/output error")
    assert isinstance(second, Recovered)
    assert (tmp_path / "a.wav.part").exists()


def test_a_recording_left_open_at_the_end_is_repaired(tmp_path: Path) -> None:
    with RecordingWriter(lambda trouble: None) as writer:
        recorder = Recorder(tmp_path / "a.wav", writer, 0.0)
        speak(recorder, 0, 100)
    (found,) = repair(tmp_path)
    assert isinstance(found, Recovered)
    assert found.seconds >= 1.0


def test_a_recording_of_nobody(tmp_path: Path) -> None:
    assert repair(tmp_path) == []


def test_blocks_of_two_frames_are_not_bent(writer: RecordingWriter, tmp_path: Path) -> None:
    """SIMCom's voice port gives 40 ms at once: its place is that of the first frame, for the whole call."""
    recorder = Recorder(tmp_path / "blocks.wav", writer, 50.0)
    for block in range(100):
        now = 50.04 + 0.040 * block
        for half in range(2):
            recorder.write(Channel.CALLER, marked(2 * block + half), (2 * block + half) * 160, now)
    kept = read(recorder.close(54.1).result(5).path)
    start = int(np.flatnonzero(kept[:, 0] == 1010)[0])
    assert kept[start : start + 160 * 180 : 160, 0].tolist() == [1010 + index for index in range(180)]


def test_another_party_that_counts_anew_goes_on_where_the_call_is(writer: RecordingWriter, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "transferred.wav", writer, 0.0)
    for index in range(100):
        if index == 50:
            recorder.change_parties()
        position = (index + (7_000 if index < 50 else -50)) * 160
        recorder.write(Channel.CALLEE, marked(index), position, 0.02 * (index + 1))
    kept = read(recorder.close(2.0).result(5).path)
    assert kept[::160, 1].tolist() == [1000 + index for index in range(100)]
