"""A process that sends rows is killed at any moment, for real; `make soak` runs it."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.replication_settings import ReplicationSettings
from gateway.settings import Settings
from gateway.store.database import prepare
from gateway.store.replication.shared_store import open_shared
from gateway.worker.replicating import RowSending
from tests.faults import rounds
from tests.store.replication.postgres import postgres
from tests.store.replication.replication_box import Box, there

KILLS = rounds(3, 40)

_PROGRAM = """
import sys
from pathlib import Path
from gateway.replication_settings import ReplicationSettings
from gateway.settings import Settings
from gateway.worker.replicating import RowSending

place = ReplicationSettings(name="North", database=sys.argv[2])
with RowSending(Settings(data_dir=Path(sys.argv[1]), replication=place)) as sending:
    while True:
        sending.step()
        print(end=".", flush=True)
"""


@pytest.mark.timeout(60 + 20 * KILLS)
def test_killed_at_any_moment(tmp_path: Path, seed: int) -> None:
    print("seed", seed)
    chance = random.Random(seed)
    with postgres() as server:
        place = ReplicationSettings(name="North", database=server.new_database())
        settings = Settings(data_dir=tmp_path / "data", replication=place)
        prepare(settings)
        engine = open_shared(place)
        box = Box(settings.data_dir, engine, "North")
        for _ in range(KILLS):
            with subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, str(settings.data_dir), place.database or ""], stdout=subprocess.PIPE
            ) as process:
                try:
                    assert process.stdout is not None
                    assert process.stdout.read(1) == b"."
                    known = []
                    ends = time.monotonic() + chance.uniform(0.0, 1.5)
                    while time.monotonic() < ends:
                        known.append(box.call(recorded=False))
                        if chance.random() < 0.3:
                            box.erase(chance.choice(known))
                finally:
                    process.kill()
        with RowSending(settings) as sending:
            while sending.step():
                pass
        assert there(engine) == box.rows()
        engine.dispose()
