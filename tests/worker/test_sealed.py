"""T-L9: sealed recordings tell nothing without the key, and are played from any place with it."""

from __future__ import annotations

import hashlib
import os
import random
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.store.results import RecordingResults
from gateway.telephony.recording_policy import RecordingFormat, RecordingPolicy
from gateway.worker.peaks import measure_peaks
from gateway.worker.recordings import open_below
from gateway.worker.sealed import PIECE_BYTES, SUFFIX, KeyMissing, KeyRing, SealedSound, seal
from gateway.worker.server import WorkerServer
from tests.api.served import serving
from tests.fakes.archive import FakeArchive
from tests.worker.test_afterwards import PATH, a_store, files, row, the_worker, write_wav


def _sealed(tmp_path: Path, content: bytes) -> tuple[Path, KeyRing]:
    keys = KeyRing(tmp_path / "keys")
    (tmp_path / "open").write_bytes(content)
    seal(tmp_path / "open", tmp_path / "a.wav.sealed", keys)
    return tmp_path / "a.wav.sealed", keys


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 7])
def test_every_place_of_a_sealed_file_reads_as_it_was(tmp_path: Path, size: int) -> None:
    seed = size + 1
    print(f"seed {seed}")
    choice = random.Random(seed)
    content = choice.randbytes(size)
    file, keys = _sealed(tmp_path, content)
    with open_below(tmp_path, file.name, keys) as found:
        assert found.size == size
        for _ in range(50):
            place, count = choice.randrange(size + 10), choice.randrange(1, PIECE_BYTES)
            read = found.read_at(count, place)
            assert read == content[place : place + len(read)]
            assert read or place >= size
        with found.as_file() as whole:
            assert whole.read() == content


def test_nothing_of_the_sound_is_in_the_file(tmp_path: Path) -> None:
    file, _ = _sealed(tmp_path, b"RIFF" + b"evidence" * 100_000)
    assert b"evidence" not in file.read_bytes()
    assert b"RIFF" not in file.read_bytes()


def test_two_files_of_one_sound_have_nothing_in_common(tmp_path: Path) -> None:
    file, keys = _sealed(tmp_path, bytes(1000))
    seal(tmp_path / "open", tmp_path / "b", keys)
    assert file.read_bytes()[24:40] != (tmp_path / "b").read_bytes()[24:40]
    assert file.read_bytes()[48:] != (tmp_path / "b").read_bytes()[48:]


def test_the_key_is_its_owners_alone_and_made_once(tmp_path: Path) -> None:
    keys = KeyRing(tmp_path / "keys")
    assert keys.newest() == keys.newest() == KeyRing(tmp_path / "keys").newest()
    (file,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_lost_key_is_told_as_such_and_an_old_one_opens_old_files(tmp_path: Path) -> None:
    file, _ = _sealed(tmp_path, b"sound")
    (key,) = (tmp_path / "keys").iterdir()
    key.rename(tmp_path / "elsewhere")
    with pytest.raises(KeyMissing, match="is not there"), open_below(tmp_path, file.name, KeyRing(tmp_path / "keys")):
        pass
    (tmp_path / "elsewhere").rename(key)
    with open_below(tmp_path, file.name, KeyRing(tmp_path / "keys")) as found:
        assert found.read_at(100, 0) == b"sound"


@pytest.mark.parametrize("at", [0, 20, 30, 45, 60, -1])
def test_a_changed_file_is_found_out(tmp_path: Path, at: int) -> None:
    file, keys = _sealed(tmp_path, b"sound" * 100)
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)
    descriptor = os.open(file, os.O_RDONLY)
    try:
        with pytest.raises((OSError, KeyMissing)):
            SealedSound(descriptor, keys).read_at(10, 0)
    finally:
        os.close(descriptor)


def test_pieces_cannot_be_exchanged_or_left_out(tmp_path: Path) -> None:
    file, keys = _sealed(tmp_path, bytes(PIECE_BYTES) + b"\1" * PIECE_BYTES)
    whole, size = file.read_bytes(), PIECE_BYTES + 16
    head, first, second = whole[: -2 * size], whole[-2 * size : -size], whole[-size:]
    for forged in (head + second + first, head + first + first, head + first):
        file.write_bytes(forged)
        descriptor = os.open(file, os.O_RDONLY)
        sound = SealedSound(descriptor, keys)
        with pytest.raises(OSError, match=r"changed|whole"):
            sound.read_at(1, 0), sound.read_at(1, PIECE_BYTES)
        os.close(descriptor)


@pytest.mark.parametrize("wanted", list(RecordingFormat))
async def test_the_worker_seals_what_is_to_be_sealed(tmp_path: Path, wanted: RecordingFormat) -> None:
    async with a_store(tmp_path, wanted) as (store, places):
        policy = RecordingPolicy(format=wanted, sealed=True)
        await store.save_shop(replace(store.shop(), recording=policy), by="test")
        with the_worker(places) as worker:
            assert worker.work()
            assert not worker.work()
            worker.tidy()
        found = row(places)
        assert found["path"] == str(Path(PATH).with_suffix(f".{wanted}")) + SUFFIX
        assert files(places) == {found["path"]}, "the open file is gone"
        file = places.recordings_dir / found["path"]
        assert found["file_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
        with open_below(places.recordings_dir, found["path"], KeyRing(places.recording_keys_dir)) as sound:
            with sound.as_file() as content:
                assert found["sha256"] == hashlib.sha256(content.read()).hexdigest()
            assert found["size_bytes"] == sound.size
            left, right = measure_peaks(sound, 10).channels
        assert 0.1 < max(left) < 0.25
        assert 0.03 < max(right) < 0.09


@pytest.mark.parametrize("when", ["before the row", "after the row"])
async def test_a_worker_that_is_killed_while_it_seals_loses_nothing(
    tmp_path: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_store(tmp_path, RecordingFormat.OPUS) as (store, places):
        policy = RecordingPolicy(format=RecordingFormat.OPUS, sealed=True)
        await store.save_shop(replace(store.shop(), recording=policy), by="test")

        def killed(*_: object, **__: object) -> bool:
            raise KeyboardInterrupt

        if when == "before the row":
            monkeypatch.setattr(RecordingResults, "keep", killed)
        else:
            monkeypatch.setattr(Path, "unlink", killed)
        with the_worker(places) as worker, pytest.raises(KeyboardInterrupt):
            worker.work()
        monkeypatch.undo()
        assert len(files(places)) == 3
        with the_worker(places) as worker:
            worker.tidy()
            assert worker.work() is (when == "before the row")
        assert files(places) == {row(places)["path"]} == {str(Path(PATH).with_suffix(".opus")) + SUFFIX}


@pytest.mark.real_time
async def test_sealed_recordings_are_served_in_parts_and_a_lost_key_is_said_plainly(tmp_path: Path) -> None:
    socket, keys = tmp_path / "worker.sock", KeyRing(tmp_path / "keys")
    write_wav(tmp_path / "open", -20, -30, seconds=20)
    content = (tmp_path / "open").read_bytes()
    (tmp_path / "recordings").mkdir()
    seal(tmp_path / "open", tmp_path / "recordings" / "a.wav.sealed", keys)
    archive = FakeArchive()
    archive.paths["r1"] = "a.wav.sealed"
    worker = WorkerServer(socket=socket, archive=archive, recordings_dir=tmp_path / "recordings", keys=keys)
    async with worker, serving(socket) as served:
        await served.set_up()
        sound, headers = served.url("/api/v1/recordings/r1"), {"Authorization": f"Bearer {served.token}"}
        async with served.client.get(sound, headers=headers) as answer:
            assert (answer.status, answer.content_type, await answer.read()) == (200, "audio/wav", content)
            assert 'filename="call-r1.wav"' in answer.headers["Content-Disposition"]
        part = f"bytes={PIECE_BYTES - 10}-{PIECE_BYTES + 9}"
        async with served.client.get(sound, headers={**headers, "Range": part}) as answer:
            assert (answer.status, await answer.read()) == (206, content[PIECE_BYTES - 10 : PIECE_BYTES + 10])
        status, peaks = await served.ask("GET", "/api/v1/recordings/r1/peaks?points=10")
        assert (status, peaks["seconds"]) == (200, 20.0)
        for key in (tmp_path / "keys").iterdir():
            key.unlink()
    worker = WorkerServer(
        socket=socket, archive=archive, recordings_dir=tmp_path / "recordings", keys=KeyRing(tmp_path / "keys")
    )
    async with worker, serving(socket) as served:
        await served.set_up()
        status, problem = await served.ask("GET", "/api/v1/recordings/r1")
        assert problem["code"] == "recording-key-missing"
        assert status >= 400
        assert "key" in problem["title"]
