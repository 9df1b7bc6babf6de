"""X-P2 in its short form; `make crash` cuts the power a thousand times."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from tests.crash.power import WAYS, Disk, Operation, PromiseBroken, Story, cuts, play, read_log

SEED = 20261122


@pytest.mark.real_time
def test_what_was_promised_is_there_after_a_power_cut(tmp_path: Path) -> None:
    story = play(tmp_path, seconds=2.0)
    print(f"seed {SEED}, {len(story.operations)} operations")
    assert len(story.operations) > 100
    assert cuts(story, 9, SEED, tmp_path, lambda _done: None) == []


def test_a_log_is_read_whatever_it_ends_with(tmp_path: Path) -> None:
    log = tmp_path / "log"
    record = b"W" + struct.pack("<qqq", 7, 2, 3) + b"/aabc"
    log.write_bytes(record + record + b"S\0\0")
    assert read_log(log) == [Operation("W", 7, "/a", b"abc")] * 2


def disk(tmp_path: Path, *operations: Operation) -> Disk:
    before = tmp_path / "before"
    before.mkdir()
    (before / "old").write_bytes(b"old content")
    made = Disk(Path("/disk"), before)
    for operation in operations:
        made.apply(operation)
    return made


def left(tmp_path: Path, made: Disk, way: str, seed: int = 1) -> dict[str, bytes]:
    into = tmp_path / f"{way}-{seed}"
    into.mkdir()
    made.rebuild(into, way, random.Random(seed))
    return {str(file.relative_to(into)): file.read_bytes() for file in into.rglob("*") if file.is_file()}


def test_what_was_not_synced_is_lost_or_there_or_torn(tmp_path: Path) -> None:
    made = disk(
        tmp_path,
        Operation("C", 0, "/disk/new", b""),
        Operation("W", 0, "/disk/new", b"a" * 2000),
        Operation("S", 0, "/disk/new", b""),
        Operation("W", 0, "/disk/old", b"NEW"),
        Operation("W", 2000, "/disk/new", b"b" * 2000),
    )
    assert left(tmp_path, made, "nothing") == {"old": b"old content"}, "synced, but its name was not"
    everything = {"old": b"NEW content", "new": b"a" * 2000 + b"b" * 2000}
    assert left(tmp_path, made, "everything") == everything
    made.apply(Operation("S", 0, "/disk", b""))
    assert left(tmp_path, made, "nothing", 2) == {"old": b"old content", "new": b"a" * 2000}
    some = [left(tmp_path, made, "some", seed)["new"] for seed in range(20)]
    assert len(set(some)) > 3
    assert all(each.startswith(b"a" * 2000) for each in some)
    assert any(b"\0" in each for each in some), "a sector in between is missing"


def test_a_new_name_is_sure_once_its_directory_is_synced(tmp_path: Path) -> None:
    made = disk(tmp_path, Operation("R", 0, "/disk/old", b"/disk/renamed"))
    assert left(tmp_path, made, "nothing") == {"old": b"old content"}
    made.apply(Operation("S", 0, "/disk", b""))
    assert left(tmp_path, made, "nothing", 2) == {"renamed": b"old content"}
    made.apply(Operation("U", 0, "/disk/renamed", b""))
    assert left(tmp_path, made, "nothing", 3) == {"renamed": b"old content"}
    made.apply(Operation("S", 0, "/disk", b""))
    assert left(tmp_path, made, "everything", 4) == {}


def test_a_directory_without_a_synced_name_takes_its_files_with_it(tmp_path: Path) -> None:
    made = disk(
        tmp_path,
        Operation("M", 0, "/disk/day", b""),
        Operation("C", 0, "/disk/day/a", b""),
        Operation("S", 0, "/disk/day", b""),
    )
    assert left(tmp_path, made, "nothing") == {"old": b"old content"}
    made.apply(Operation("S", 0, "/disk", b""))
    assert set(left(tmp_path, made, "nothing", 2)) == {"old", "day/a"}


@pytest.mark.parametrize("way", WAYS)
def test_a_lost_promise_is_noticed(tmp_path: Path, way: str) -> None:
    """The judge can say no: SMS that were promised and never written."""
    below, before = tmp_path / "disk", tmp_path / "before"
    (before / "data" / "recordings").mkdir(parents=True)
    mark = Operation("W", 0, str(below / "marks"), b'{"message": "never kept"}\n')
    story = Story(below, before, [mark], 1.0)
    (broken,) = cuts(story, 1, SEED + WAYS.index(way), tmp_path, lambda _done: None)
    assert "the SMS never kept is there 0 times" in broken
    assert PromiseBroken.__name__ in broken
