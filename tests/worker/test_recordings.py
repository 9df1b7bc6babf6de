"""Recordings over the API and the worker's socket: whole, in parts, and never anything else (T-W3)."""

from __future__ import annotations

import os
import random
import wave
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from yarl import URL

from gateway.api.problems import RangeNotSatisfiable, RecordingAway
from gateway.worker.recordings import open_below, wanted_range
from gateway.worker.sealed import KeyRing
from gateway.worker.server import WorkerServer
from tests.api.served import Served, serving
from tests.api.shapes import assert_fits
from tests.fakes.archive import FakeArchive

SECRET = b"nobody may read this"


def _write_wav(path: Path, *, seconds: float = 2.0) -> bytes:
    """Left a loud tone in its second half, right silent."""
    frames = int(8000 * seconds)
    samples = np.zeros((frames, 2), dtype="<i2")
    samples[frames // 2 :, 0] = 16384
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(samples.tobytes())
    return path.read_bytes()


@asynccontextmanager
async def _served(tmp_path: Path) -> AsyncIterator[tuple[Served, FakeArchive, Path]]:
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    archive = FakeArchive()
    socket = tmp_path / "worker.sock"
    async with (
        WorkerServer(socket=socket, archive=archive, recordings_dir=recordings, keys=KeyRing(tmp_path / "keys")),
        serving(socket) as served,
    ):
        await served.set_up()
        yield served, archive, recordings


async def _get(served: Served, path: str, **headers: str) -> tuple[int, bytes, Mapping[str, str]]:
    headers = {"Authorization": f"Bearer {served.token}", **{k.replace("_", "-"): v for k, v in headers.items()}}
    async with served.client.get(URL(served.url(path), encoded=True), headers=headers) as answer:
        return answer.status, await answer.read(), answer.headers


@pytest.mark.real_time
async def test_a_recording_is_served_whole_and_in_parts(tmp_path: Path) -> None:
    async with _served(tmp_path) as (served, archive, recordings):
        content = _write_wav(recordings / "2027-01-31" / "a.wav", seconds=20)
        archive.paths["r1"] = "2027-01-31/a.wav"
        status, body, headers = await _get(served, "/api/v1/recordings/r1")
        assert (status, body) == (200, content)
        assert headers["Content-Type"] == "audio/wav"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Accept-Ranges"] == "bytes"
        etag = headers["ETag"]
        status, body, headers = await _get(served, "/api/v1/recordings/r1", Range="bytes=100-199")
        assert (status, body) == (206, content[100:200])
        assert headers["Content-Range"] == f"bytes 100-199/{len(content)}"
        assert (await _get(served, "/api/v1/recordings/r1", If_None_Match=etag))[0] == 304
        status, body, _ = await _get(served, "/api/v1/recordings/r1", Range="bytes=0-0", If_Range='"other"')
        assert (status, body) == (200, content)
        status, body, _ = await _get(served, "/api/v1/recordings/r1", Range=f"bytes={len(content)}-")
        assert (status, b"range-not-satisfiable" in body) == (416, True)
        async with served.client.head(
            served.url("/api/v1/recordings/r1"), headers={"Authorization": f"Bearer {served.token}"}
        ) as answer:
            assert (answer.status, answer.content_length) == (200, len(content))


@pytest.mark.real_time
async def test_the_socket_is_its_owners_alone_and_goes_with_the_worker(tmp_path: Path) -> None:
    socket = tmp_path / "worker.sock"
    async with WorkerServer(socket=socket, archive=FakeArchive(), recordings_dir=tmp_path, keys=KeyRing(tmp_path)):
        assert socket.stat().st_mode & 0o777 == 0o600
    assert not socket.exists()


@pytest.mark.real_time
async def test_a_worker_that_was_killed_leaves_no_obstacle(tmp_path: Path) -> None:
    async with _served(tmp_path) as (served, _, _):
        assert (await served.ask("GET", "/api/v1/calls"))[0] == 200
    (tmp_path / "recordings").rmdir()
    (tmp_path / "worker.sock").touch()
    async with _served(tmp_path) as (served, _, _):
        assert (await served.ask("GET", "/api/v1/calls"))[0] == 200


@pytest.mark.real_time
async def test_peaks_show_who_was_loud_when(tmp_path: Path) -> None:
    async with _served(tmp_path) as (served, archive, recordings):
        _write_wav(recordings / "a.wav")
        archive.paths["r1"] = "a.wav"
        status, peaks = await served.ask("GET", "/api/v1/recordings/r1/peaks?points=100")
        assert status == 200
        assert_fits(peaks, "Peaks")
        left, right = peaks["channels"]
        assert (peaks["seconds"], len(left), len(right)) == (2.0, 100, 100)
        assert left == [0.0] * 50 + [0.5] * 50
        assert right == [0.0] * 100
        assert (await served.ask("GET", "/api/v1/recordings/r1/peaks?points=5"))[0] == 400


@pytest.mark.real_time
@pytest.mark.parametrize("content", [b"", b"RIFF", b"<html><script>alert(1)</script>", b"RIFF\x00\x00\x00\x00WAVEfmt "])
async def test_peaks_of_what_is_no_recording(tmp_path: Path, content: bytes) -> None:
    async with _served(tmp_path) as (served, archive, recordings):
        (recordings / "a.wav").write_bytes(content)
        archive.paths["r1"] = "a.wav"
        status, answer = await served.ask("GET", "/api/v1/recordings/r1/peaks")
        assert (status, answer["code"]) == (410, "recording-away")


def _hostile_ids() -> list[str]:
    """500 ways to name a file that is none of ours."""
    seed = 20270131
    print(f"seed {seed}")
    choice = random.Random(seed)
    pieces = ["..", "../", "..\\", "%2e%2e", "%2f", "%5c", "/etc/passwd", "secret.txt", "\0", "....//", ".", "//", "~",
              "file://", "..%00", "%252e", "r1", "\u2025", "。。/", "C:\\", "link"]  # fmt: skip
    return ["".join(choice.choices(pieces, k=choice.randint(1, 6))) for _ in range(500)]


@pytest.mark.real_time
async def test_no_id_leads_out_of_the_directory(tmp_path: Path) -> None:
    async with _served(tmp_path) as (served, archive, recordings):
        (tmp_path / "secret.txt").write_bytes(SECRET)
        (recordings / "link").symlink_to(tmp_path / "secret.txt")
        content = _write_wav(recordings / "a.wav")
        archive.paths["r1"] = "a.wav"
        for number, name in enumerate(_hostile_ids()):
            path = f"/api/v1/recordings/{quote(name, safe='/%.' if number % 2 else '')}"
            status, body, _ = await _get(served, path)
            assert status in (400, 404) or body == content, path
            assert SECRET not in body


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../secret.txt", "day/../../secret.txt", "link", "linked/secret.txt", "day", "day/", "a\0.wav",
     "missing.wav", "pipe", ".."],
)  # fmt: skip
def test_no_stored_path_leads_out_of_the_directory_either(tmp_path: Path, path: str) -> None:
    root = tmp_path / "recordings"
    (root / "day").mkdir(parents=True)
    (tmp_path / "secret.txt").write_bytes(SECRET)
    (root / "link").symlink_to("../secret.txt")
    (root / "linked").symlink_to("..")
    os.mkfifo(root / "pipe")
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    with pytest.raises(RecordingAway), open_below(root, path, KeyRing(root)):
        pass
    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None), ("", None), ("bytes=0-", (0, 1000)), ("bytes=0-0", (0, 1)), ("bytes=999-", (999, 1000)),
        ("bytes=10-5000", (10, 1000)), ("bytes=-10", (990, 1000)), ("bytes=-5000", (0, 1000)), ("bytes=-", None),
        ("bytes=5-3", None), ("bytes=0-1,5-6", None), ("items=0-1", None), ("bytes=a-b", None), ("bytes=٣-٤", None),
    ],
)  # fmt: skip
def test_ranges(header: str | None, expected: tuple[int, int] | None) -> None:
    assert wanted_range(header, 1000) == expected


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=1000-", 1000), ("bytes=-0", 1000), ("bytes=0-", 0), ("bytes=-5", 0)]
)
def test_ranges_outside(header: str, size: int) -> None:
    with pytest.raises(RangeNotSatisfiable):
        wanted_range(header, size)
