"""What the worker makes of recordings: nothing is lost, whenever it is killed."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]  # it has no types of its own

from gateway.events import EventBus, RecordingFinished, RecordingStarted
from gateway.settings import Settings
from gateway.store.results import RecordingResults
from gateway.store.store import Store, open_store
from gateway.telephony.recording_policy import RecordingFormat, RecordingPolicy
from gateway.telephony.shop import Shop
from gateway.worker import afterwards
from gateway.worker.afterwards import Afterwards, loudness_of, sha256_of
from gateway.worker.peaks import measure_peaks
from gateway.worker.recordings import open_below
from gateway.worker.sealed import KeyRing

RATE = 8000
PATH = "2026-03-02/090000-r1.wav"


def write_wav(file: Path, left_db: float | None, right_db: float | None, seconds: float = 3.0) -> None:
    """A tone in each channel at an effective level below full scale; None: silence. The middle third is a pause."""
    time = np.arange(int(RATE * seconds)) / RATE
    speaks = (time < seconds / 3) | (time >= seconds * 2 / 3)
    columns = [
        np.zeros_like(time) if level is None else np.sin(2 * np.pi * 440 * time) * 2**0.5 * 10 ** (level / 20) * speaks
        for level in (left_db, right_db)
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as sound:
        sound.setparams((2, 2, RATE, 0, "NONE", ""))
        sound.writeframes((np.stack(columns, 1) * 32767).astype("<i2").tobytes())


@asynccontextmanager
async def a_store(directory: Path, wanted: RecordingFormat) -> AsyncIterator[tuple[Store, Settings]]:
    """With one finished recording, and an owner who wants this form."""
    places = Settings(data_dir=directory / "data")
    bus = EventBus()
    async with open_store(places, bus=bus) as store:
        await store.save_shop(replace(Shop(), recording=RecordingPolicy(format=wanted)), by="test")
        write_wav(places.recordings_dir / PATH, -20, -30)
        bus.publish(RecordingStarted(call_id="c1", recording_id="r1", path=PATH))
        bus.publish(
            RecordingFinished(
                call_id="c1", recording_id="r1", path=PATH, seconds=3, size_bytes=96044, verdict="both-heard"
            )
        )
        await store.save_shop(replace(store.shop(), name="Its rows are there"), by="test")
        yield store, places


@contextmanager
def the_worker(places: Settings) -> Iterator[Afterwards]:
    with RecordingResults(places) as results:
        yield Afterwards(results, places.recordings_dir, KeyRing(places.recording_keys_dir))


def row(places: Settings) -> dict[str, Any]:
    with closing(sqlite3.connect(places.database)) as connection:
        connection.row_factory = sqlite3.Row
        return dict(connection.execute("SELECT * FROM recordings").fetchone())


def files(places: Settings) -> set[str]:
    return {str(each.relative_to(places.recordings_dir)) for each in places.recordings_dir.rglob("*") if each.is_file()}


def test_loudness_is_that_of_the_speech_and_not_of_the_pauses(tmp_path: Path) -> None:
    file = tmp_path / "call.wav"
    write_wav(file, -20, None)
    left, right = loudness_of(file)
    assert left == pytest.approx(-20, abs=0.2)
    assert right is None
    write_wav(file, -45, -6, seconds=0.01)
    assert loudness_of(file) == [None, None], "shorter than what is judged"


def test_the_check_sum_is_that_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"evidence" * 100_000)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(b"evidence" * 100_000).hexdigest()


async def test_a_wav_stays_as_it_is_and_is_sealed(tmp_path: Path) -> None:
    async with a_store(tmp_path, RecordingFormat.WAV) as (_, places):
        before = (places.recordings_dir / PATH).read_bytes()
        with the_worker(places) as worker:
            assert worker.work()
            assert not worker.work(), "once is enough"
        assert (places.recordings_dir / PATH).read_bytes() == before
        found = row(places)
        assert found["path"] == PATH
        assert found["sha256"] == hashlib.sha256(before).hexdigest()
        assert found["loudness_db"] == "[-20.0, -30.0]"


@pytest.mark.parametrize(("wanted", "suffix"), [(RecordingFormat.OPUS, ".opus"), (RecordingFormat.MP3, ".mp3")])
async def test_a_smaller_file_takes_its_place_and_says_the_same(
    tmp_path: Path, wanted: RecordingFormat, suffix: str
) -> None:
    async with a_store(tmp_path, wanted) as (_, places):
        original, _ = soundfile.read(places.recordings_dir / PATH)
        with open_below(places.recordings_dir, PATH, KeyRing(places.recording_keys_dir)) as recording:
            drawn = measure_peaks(recording, 30)
        with the_worker(places) as worker:
            assert worker.work()
        found = row(places)
        assert files(places) == {found["path"]} == {PATH.replace(".wav", suffix)}
        smaller = places.recordings_dir / found["path"]
        assert found["sha256"] == sha256_of(smaller)
        assert found["size_bytes"] == smaller.stat().st_size < 96044 / 2.5
        kept, rate = soundfile.read(smaller)
        assert rate == RATE
        for channel, level in enumerate((-20, -30)):
            power = np.mean(np.square(kept[: RATE // 2, channel][RATE // 4 :]))
            assert 10 * np.log10(power) == pytest.approx(level, abs=1), "each party in a channel of its own"
        assert abs(len(kept) - len(original)) <= RATE // 4
        with open_below(places.recordings_dir, found["path"], KeyRing(places.recording_keys_dir)) as recording:
            drawn_again = measure_peaks(recording, 30)
        assert np.allclose(drawn.channels[0][:8], drawn_again.channels[0][:8], atol=0.03)


async def test_a_file_that_is_no_sound_is_passed_over_once(tmp_path: Path) -> None:
    async with a_store(tmp_path, RecordingFormat.OPUS) as (_, places):
        (places.recordings_dir / PATH).write_bytes(b"nothing of the kind")
        with the_worker(places) as worker:
            assert worker.work()
            assert not worker.work()
        assert (places.recordings_dir / PATH).read_bytes() == b"nothing of the kind"
        assert row(places)["sha256"] is None


class Killed(BaseException):
    """kill -9, as far as files and rows can tell."""


@pytest.mark.parametrize("moment", ["while it writes", "before the row", "after the row"])
async def test_a_worker_that_is_killed_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    async with a_store(tmp_path, RecordingFormat.OPUS) as (_, places):

        def killed(*_: object, **__: object) -> None:
            raise Killed

        where = {
            "while it writes": (os, "fsync"),
            "before the row": (RecordingResults, "keep"),
            "after the row": (Path, "unlink"),
        }[moment]
        with monkeypatch.context() as patch, the_worker(places) as worker:
            patch.setattr(*where, killed)
            with pytest.raises(Killed):
                worker.work()
        assert len(files(places)) == 2
        with the_worker(places) as worker:
            worker.tidy()
            worker.work()
            assert not worker.work()
        assert files(places) == {PATH.replace(".wav", ".opus")} == {row(places)["path"]}


async def test_what_was_removed_meanwhile_leaves_no_file(tmp_path: Path) -> None:
    async with a_store(tmp_path, RecordingFormat.OPUS) as (_, places):
        with the_worker(places) as worker, closing(sqlite3.connect(places.database)) as connection:
            encode = afterwards.encode

            def removed_meanwhile(source: Path, target: Path, kind: str, subtype: str) -> None:
                encode(source, target, kind, subtype)
                with connection:
                    connection.execute("UPDATE recordings SET deleted_at = '2026-03-03T00:00:00.000000Z', path = ''")
                source.unlink()

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(afterwards, "encode", removed_meanwhile)
                assert worker.work()
        assert files(places) == set()
