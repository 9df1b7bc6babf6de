"""Recordings of many calls as one file: whole, opened, with tables and check sums, made while it is sent, on record."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.worker.pack_routes import MOST_BYTES, MOST_RECORDINGS
from gateway.worker.recordings_pack import Packing, pack_pieces
from gateway.worker.sealed import KeyRing, seal
from gateway.worker.seams import CallFilter
from tests.api.shapes import assert_fits
from tests.fakes.archive import FakeArchive
from tests.fakes.rows import call_row
from tests.worker.test_recordings import _get, _served

PACK = "/api/v1/recordings/pack"
LARGE = 3_000_000
"""Some of the pieces in which a recording is copied."""


def a_recording(call_id: str, *more: str, **changes: Any) -> dict[str, Any]:
    kept = call_row(call_id)["recordings"]
    assert isinstance(kept, list)
    return call_row(call_id, recordings=[{**kept[0], "id": each, **changes} for each in (f"r-{call_id}", *more)])


def an_archive(tmp_path: Path, contents: dict[str, bytes], keys: KeyRing, sealed: Sequence[str] = ()) -> FakeArchive:
    """A call `c-x` for each recording `r-c-x`, the file of it below `recordings`."""
    archive, root = FakeArchive(), tmp_path / "recordings"
    root.mkdir(exist_ok=True)
    for name, content in contents.items():
        path = root / f"{name}.wav"
        path.write_bytes(content)
        if name in sealed:
            seal(path, path.with_suffix(".wav.sealed"), keys)
            path.unlink()
            path = path.with_suffix(".wav.sealed")
        archive.call_rows.append(a_recording(name))
        archive.paths[f"r-{name}"] = path.name
    return archive


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as pack:
        assert pack.testzip() is None
        return {name: pack.read(name) for name in pack.namelist()}


def assert_sums_hold(files: dict[str, bytes]) -> None:
    lines = files["SHA256SUMS"].decode().splitlines()
    told = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    assert told == {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name != "SHA256SUMS"
    }


def rows_of(files: dict[str, bytes], name: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(files[name].decode("utf-8-sig"))))


async def test_each_sound_is_plain_in_it_and_what_is_missing_is_told(tmp_path: Path) -> None:
    keys = KeyRing(tmp_path / "keys")
    contents = {"open": b"RIFF" + bytes(LARGE), "shut": b"RIFF secret", "lost": b"RIFF lost"}
    archive = an_archive(tmp_path, contents, keys, sealed=["shut"])
    (tmp_path / "recordings" / "lost.wav").unlink()
    packing = Packing(
        archive=archive, recordings_dir=tmp_path / "recordings", keys=keys, language="en", zone=UTC
    )  # fmt: skip
    wanted = {"open": ["r-open"], "shut": ["r-shut", "r-elsewhere"], "lost": ["r-lost"], "erased": ["r-erased"]}
    pieces = list(pack_pieces(packing, wanted))
    assert max(map(len, pieces)) < LARGE / 4, "a recording is never in memory as a whole"
    files = unpacked(b"".join(pieces))
    sounds = {name: content for name, content in files.items() if name.startswith("recordings/")}
    assert sounds == {
        "recordings/2027-01-29_09-00-11_+79031112233_red_r-open.wav": contents["open"],
        "recordings/2027-01-29_09-00-11_+79031112233_red_r-shut.wav": contents["shut"],
    }
    assert_sums_hold(files)
    assert [row[0] for row in rows_of(files, "calls.csv")] == ["Begun", *["2027-01-29 09:00:00"] * 3]
    told = {row[0]: row[1:] for row in rows_of(files, "recordings.csv")[1:]}
    assert told["r-shut"][3:] == [
        next(name for name in sounds if "shut" in name),
        hashlib.sha256(contents["shut"]).hexdigest(),
        "",
    ]
    assert told["r-elsewhere"] == ["shut", "", "", "", "", "It is not there any more."]
    assert "cannot be read" in told["r-lost"][5]
    assert told["r-erased"][5] == "It is not there any more."


async def test_no_text_of_a_stranger_becomes_a_formula_or_leaves_the_directory(tmp_path: Path) -> None:
    keys = KeyRing(tmp_path / "keys")
    archive = an_archive(tmp_path, {"c1": b"RIFF"}, keys)
    archive.call_rows[0] |= {"caller": "../../=cmd", "caller_name": "=cmd()", "called": "Магазин"}
    packing = Packing(
        archive=archive, recordings_dir=tmp_path / "recordings", keys=keys, language="ru", zone=UTC
    )  # fmt: skip
    files = unpacked(b"".join(pack_pieces(packing, {"c1": ["r-c1"]})))
    assert "recordings/2027-01-29_09-00-11_cmd_r-c1.wav" in files
    assert ";'=cmd();" in files["calls.csv"].decode()


async def test_one_that_is_broken_off_lets_go_of_its_files(tmp_path: Path) -> None:
    keys = KeyRing(tmp_path / "keys")
    archive = an_archive(tmp_path, {"c1": bytes(LARGE)}, keys)
    packing = Packing(
        archive=archive, recordings_dir=tmp_path / "recordings", keys=keys, language="en", zone=UTC
    )  # fmt: skip
    pieces = pack_pieces(packing, {"c1": ["r-c1"]})
    assert next(pieces)
    pieces.close()  # the checks around every test see to open files


@pytest.mark.real_time
async def test_the_file_is_of_the_filter_or_of_named_calls_and_on_record_first(tmp_path: Path) -> None:
    async with _served(tmp_path) as (served, archive, _):
        kept = an_archive(tmp_path, {"c1": b"RIFF one", "c2": b"RIFF two"}, KeyRing(tmp_path / "keys"))
        archive.call_rows, archive.paths = [*kept.call_rows, a_recording("c3", verdict=None)], kept.paths
        status, size = await served.ask("GET", f"{PACK}/size?direction=incoming")
        assert status == 200
        assert_fits(size, "PackSize")
        assert (size["calls"], size["recordings"], size["fits"], size["is_all"]) == (2, 2, True, True)
        assert archive.asked == [CallFilter(direction="incoming", recorded=True)]
        assert served.recorded.evidence.heard == [], "nothing is given yet"
        status, body, headers = await _get(served, f"{PACK}?direction=incoming&zone=Europe/Moscow")
        assert (status, headers["Content-Type"]) == (200, "application/zip")
        assert headers["Content-Disposition"] == 'attachment; filename="recordings.zip"'
        files = unpacked(body)
        assert sum(name.startswith("recordings/2027-01-29_12-00-11_") for name in files) == 2, "by the shop's clock"
        assert_sums_hold(files)
        assert served.recorded.evidence.heard == [("r-c1", "anna", True), ("r-c2", "anna", True)]
        status, body, _ = await _get(served, f"{PACK}?calls=c2,c2,c9")
        assert status == 200
        assert [content for name, content in unpacked(body).items() if name.startswith("rec") and "/" in name] == [
            b"RIFF two"
        ]
        assert served.recorded.evidence.heard[2:] == [("r-c2", "anna", True)]
        for query in ("zone=nowhere", "calls=" + ",".join(f"c{each}" for each in range(101)), "direction=up"):
            assert (await _get(served, f"{PACK}?{query}"))[0] == 400, query
        assert len(served.recorded.evidence.heard) == 3
        status, _, _ = await _get(served, f"{PACK}?since=2027-01-01T03:00:00%2B03:00&search=a%26tag=%252B7")
        assert (status, archive.asked[-1]) == (
            200, CallFilter(since=datetime(2027, 1, 1, tzinfo=UTC), search="a&tag=%2B7", recorded=True),
        )  # fmt: skip


@pytest.mark.real_time
async def test_what_is_too_large_is_refused_before_anything_is_on_record(tmp_path: Path) -> None:
    async with _served(tmp_path) as (served, archive, _):
        archive.call_rows = [a_recording(f"c{number}") for number in range(MOST_RECORDINGS + 300)]
        _, size = await served.ask("GET", f"{PACK}/size")
        assert (size["fits"], size["is_all"]) == (False, False)
        assert len(archive.asked) == 3, "so many pages as are needed to know it, and no more"
        status, problem = await served.ask("GET", PACK, headers={"Accept-Language": "ru"})
        assert (status, problem["code"]) == (422, "pack-too-large")
        assert "500 записей и 2 ГБ" in problem["detail"]
        archive.call_rows = [a_recording("c1", size_bytes=MOST_BYTES + 1)]
        assert (await served.ask("GET", PACK))[0] == 422
        assert served.recorded.evidence.heard == []
