"""Room that is set aside for the store, and given to it when the disk is full (X-P4)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.store.reserve import LEAST_LEFT_BYTES, NAME, Reserve


class Usage(NamedTuple):
    free: int


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Says how many bytes the disk has left."""

    def say(count: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(count))

    return say


def test_it_is_there_until_it_is_needed(tmp_path: Path, free: Callable[[int], None]) -> None:
    free(10**9)
    reserve = Reserve(tmp_path, size_bytes=100_000)
    assert not reserve.give_up(), "there is none yet"
    assert reserve.set_aside()
    status = (tmp_path / NAME).stat()
    assert (status.st_size, status.st_mode & 0o777) == (100_000, 0o600)
    assert status.st_blocks * 512 >= 100_000, "no hole"
    assert reserve.set_aside()
    assert reserve.give_up()
    assert not reserve.give_up()
    assert list(tmp_path.iterdir()) == []


def test_where_little_is_left_nothing_is_taken_away(tmp_path: Path, free: Callable[[int], None]) -> None:
    free(LEAST_LEFT_BYTES)
    assert not Reserve(tmp_path).set_aside()
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_away_is_no_fault(tmp_path: Path) -> None:
    assert not Reserve(tmp_path / "away").set_aside()
    assert not Reserve(tmp_path / "away").give_up()
