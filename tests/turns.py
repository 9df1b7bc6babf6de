"""Who may run beside whom in a parallel run: what judges sound in real time has the machine to itself."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def turn(item: pytest.Item) -> Iterator[None]:
    """Wait until `item` may run: marked `alone`, until no other test runs; else until none is alone."""
    run = getattr(item.config, "workerinput", {}).get("testrunuid")
    if run is None:  # one worker is always alone
        yield
        return
    directory = Path(tempfile.gettempdir()) / f"simbridge-tests-{run}"
    directory.mkdir(exist_ok=True)
    with (directory / "gate").open("w") as gate, (directory / "room").open("w") as room:
        # Who wants to be alone holds the gate while the room empties: nobody else gets in meanwhile.
        fcntl.flock(gate, fcntl.LOCK_EX)
        if item.get_closest_marker("alone") is not None:
            fcntl.flock(room, fcntl.LOCK_EX)
        else:
            fcntl.flock(room, fcntl.LOCK_SH)
            fcntl.flock(gate, fcntl.LOCK_UN)
        yield
