"""A gateway's store with rows as calls leave them, and what the shared database has of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select, update

from gateway.ids import new_id
from gateway.replication_settings import ReplicationSettings
from gateway.settings import Settings
from gateway.store.database import open_engine
from gateway.store.replication.change_log import ChangeLog
from gateway.store.replication.replicator import Replicator
from gateway.store.replication.schema_replication import REPLICATED
from gateway.store.replication.shared_schema import SHARED, shared_gateways
from gateway.store.replication.shared_store import SharedStore, open_shared
from gateway.store.schema import call_events, calls, legs, messages, recordings
from gateway.store.shop_document.shop_versions import gateway_id_of

FIRST = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Box:
    """One gateway with its store, and the way to the shared database."""

    def __init__(self, directory: Path, shared: Engine, name: str) -> None:
        self.places = Settings(data_dir=directory)
        self.name = name
        self.shared = shared
        self.removed: list[str] = []
        self.now = FIRST
        with self.writing() as connection:
            self.gateway_id = gateway_id_of(connection, FIRST)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        engine = open_engine(self.places.database)
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()

    @contextmanager
    def replicator(self, batch_rows: int = 500) -> Iterator[Replicator]:
        shared = SharedStore(self.shared, gateway_id=self.gateway_id, name=self.name)
        with ChangeLog(self.places, lambda: self.now) as log:
            log.begin()
            yield Replicator(log, shared, remove=self.removed.append, clock=lambda: self.now, batch_rows=batch_rows)

    def send_all(self, batch_rows: int = 500) -> int:
        count = 1
        with self.replicator(batch_rows) as replicator:
            while replicator.send():
                count += 1
        return count

    def note_changes(self) -> None:
        with ChangeLog(self.places) as log:
            log.begin()

    def waiting(self) -> int:
        with ChangeLog(self.places) as log:
            return log.waiting().rows

    def call(self, caller: str = "+79161234567", *, recorded: bool = True, **values: Any) -> str:
        """A call that is over for the worker, with all that hangs on it; its id."""
        call_id = new_id()
        own = {"gateway_id": self.gateway_id}
        with self.writing() as connection:
            connection.execute(
                insert(calls).values(
                    id=call_id, **own, started_at=self.now, direction="incoming", caller=caller, caller_name="Anna",
                    called="101", flow="reception", talk_seconds=0.0, total_seconds=0.0, search=caller, **values,
                )
            )  # fmt: skip
            connection.execute(
                insert(legs).values(
                    id=new_id(), **own, call_id=call_id, kind="gsm", direction="incoming", peer=caller,
                    started_at=self.now, sound={"levels": [1, None]},
                )
            )  # fmt: skip
            for number, kind in enumerate(("call.started", "call.traced")):
                connection.execute(
                    insert(call_events).values(
                        id=new_id(), **own, call_id=call_id, seq=number, time=self.now, type=kind,
                        data={"caller": caller, "odd": "\0"},
                    )
                )  # fmt: skip
            if recorded:
                connection.execute(
                    insert(recordings).values(
                        id=new_id(), **own, call_id=call_id, path=f"{call_id}.wav", state="finished",
                        started_at=self.now, kept=False, made_at=self.now, sha256="0" * 64,
                    )
                )  # fmt: skip
        return call_id

    def text(self, text: str = "hello", state: str = "sent") -> str:
        message_id = new_id()
        with self.writing() as connection:
            connection.execute(
                insert(messages).values(
                    id=message_id, gateway_id=self.gateway_id, direction="outgoing", peer="+79161234567", text=text,
                    state=state, time=self.now, parts=1, search=text,
                )
            )  # fmt: skip
        return message_id

    def erase(self, call_id: str) -> None:
        """As erasing a number does."""
        with self.writing() as connection:
            connection.execute(
                update(recordings).where(recordings.c.call_id == call_id).values(path="", deleted_at=self.now)
            )
            connection.execute(
                update(calls)
                .where(calls.c.id == call_id)
                .values(caller="", caller_name="", search="", erased_at=self.now)
            )
            connection.execute(update(legs).where(legs.c.call_id == call_id).values(peer=""))
            connection.execute(
                delete(call_events).where(call_events.c.call_id == call_id, call_events.c.type == "call.traced")
            )
            connection.execute(update(call_events).where(call_events.c.call_id == call_id).values(data={}))

    def copy_to(self, directory: Path) -> None:
        """A backup of the store, or its restoration."""
        directory.mkdir(parents=True, exist_ok=True)
        with (
            closing(sqlite3.connect(self.places.database)) as source,
            closing(sqlite3.connect(directory / "simbridge.db")) as target,
        ):
            source.backup(target)

    def rows(self) -> dict[str, dict[str, dict[str, Any]]]:
        engine = open_engine(self.places.database, read_only=True)
        try:
            with engine.begin() as connection:
                return {
                    name: {row["id"]: _plain(row) for row in connection.execute(select(table)).mappings()}
                    for name, table in REPLICATED.items()
                }
        finally:
            engine.dispose()


def _plain(row: Any) -> dict[str, Any]:
    return {name: value.replace("\0", "") if isinstance(value, str) else value for name, value in row.items()}


def there(engine: Engine, *gateways: str) -> dict[str, dict[str, dict[str, Any]]]:
    """What the shared database has, of these gateways or of all."""
    with engine.begin() as connection:
        return {
            name: {
                row["id"]: dict(row)
                for row in connection.execute(select(table)).mappings()
                if not gateways or row["gateway_id"] in gateways
            }
            for name, table in SHARED.items()
        }


def gateways_there(engine: Engine) -> dict[str, Any]:
    with engine.begin() as connection:
        return {row.name: row for row in connection.execute(select(shared_gateways))}


def empty(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in (*SHARED.values(), shared_gateways):
            connection.execute(delete(table))


def engine_of(url: str) -> Engine:
    return open_shared(ReplicationSettings(name="test", database=url))
