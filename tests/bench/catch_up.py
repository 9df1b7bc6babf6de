"""How quickly a gateway catches up that was without its shared database for days: rows a second into a PostgreSQL.

`python -m tests.bench.catch_up --calls 1000` needs Debian's postgresql, and nothing that runs already.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from gateway.ids import new_id
from gateway.replication_settings import ReplicationSettings
from gateway.settings import Settings
from gateway.store.database import open_engine, prepare
from gateway.store.replication.change_log import ChangeLog
from gateway.store.replication.schema_replication import REPLICATED
from gateway.store.shop_document.shop_versions import gateway_id_of
from gateway.worker.replicating import RowSending
from tests.bench.year import Rows, fill
from tests.store.replication.postgres import postgres

STEPS = 12
"""Of the timeline of a call, each a row: what an answered and recorded call leaves."""


def waiting(settings: Settings, calls: int) -> int:
    """Put that many calls into the store, with all that hangs on them; how many rows wait to be sent."""
    now = datetime.now(UTC)
    engine = open_engine(settings.database)
    with engine.begin() as connection:
        gateway_id = gateway_id_of(connection, now)
    engine.dispose()
    fill(settings.database, calls, 1, now=now)
    rows = Rows(gateway_id)
    with closing(sqlite3.connect(settings.database)) as connection:
        for call_id, started_at in connection.execute("SELECT id, started_at FROM calls").fetchall():
            for number in range(STEPS):
                rows.add(
                    "call_events", id=new_id(), call_id=call_id, seq=number, time=started_at, type="call.answered",
                    data=json.dumps({"answered_by": "101"}),
                )  # fmt: skip
        rows.write(connection)
        connection.commit()
        return sum(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in REPLICATED)  # noqa: S608  # our own tables


def main() -> None:
    """Measure once."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=1000)
    calls = options.parse_args().calls
    with tempfile.TemporaryDirectory(prefix="simbridge-catch-up-") as directory, postgres() as server:
        place = ReplicationSettings(name="North", database=server.new_database())
        settings = Settings(data_dir=Path(directory), replication=place)
        prepare(settings)
        rows = waiting(settings, calls)
        began, ran = time.monotonic(), time.process_time()
        with ChangeLog(settings) as changes:
            changes.begin()
        listed = time.monotonic()
        with RowSending(settings) as sending:
            while sending.step():
                pass
        ended, used = time.monotonic(), time.process_time() - ran
    print(
        f"{calls} calls, {rows} rows: listed in {listed - began:.1f} s, sent in {ended - listed:.1f} s, "
        f"{rows / (ended - listed):.0f} rows/s; {used:.1f} s of the worker's processor time"
    )


if __name__ == "__main__":
    main()
