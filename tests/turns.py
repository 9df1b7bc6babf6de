"""Who may run beside whom in a parallel run: all tests beside each other, but a second try has the machine to itself.

What failed beside others, because the machine stood still, is judged once more in calm.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import pytest
import pytest_timeout  # type: ignore[import-untyped]  # it brings no types


class Turn:
    """This worker's place among those of one run, held by locks on two files that all of them share."""

    def __init__(self, gate: TextIO, room: TextIO) -> None:
        self._gate = gate
        self._room = room

    def enter(self) -> None:
        """Wait until nobody is alone, or waits to be."""
        fcntl.flock(self._gate, fcntl.LOCK_EX)
        fcntl.flock(self._room, fcntl.LOCK_SH)
        fcntl.flock(self._gate, fcntl.LOCK_UN)

    def be_alone(self) -> None:
        """Wait until no other test runs; nobody else gets in while the room empties."""
        fcntl.flock(self._room, fcntl.LOCK_UN)  # or two who want to be alone would wait for each other
        fcntl.flock(self._gate, fcntl.LOCK_EX)
        fcntl.flock(self._room, fcntl.LOCK_EX)


_turn = pytest.StashKey[Turn]()


@contextmanager
def turn(item: pytest.Item) -> Iterator[None]:
    """Wait until `item` may run: until none is alone."""
    if not hasattr(item.config, "workerinput"):  # one worker is always alone
        yield
        return
    files: pytest.TempPathFactory = item.config._tmp_path_factory  # type: ignore[attr-defined]  # no other way to ask
    directory = files.getbasetemp().parent  # of all workers of this run
    with (directory / "gate").open("w") as gate, (directory / "room").open("w") as room:
        item.stash[_turn] = Turn(gate, room)
        item.stash[_turn].enter()
        yield


def before_each_try(item: pytest.Item) -> None:
    """A second try waits until no other test runs. Its time limit was lost with the failure, and begins anew."""
    if getattr(item, "execution_count", 1) < 2:
        return
    if (place := item.stash.get(_turn, None)) is not None:
        place.be_alone()
    settings = pytest_timeout._get_item_settings(item)  # it has no other way to ask
    item.ihook.pytest_timeout_set_timer(item=item, settings=settings)
