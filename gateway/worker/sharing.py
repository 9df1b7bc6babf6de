"""What a gateway shares with others, put together: what is sent, and what is answered about all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from gateway.settings import Settings
from gateway.store.database import open_engine
from gateway.store.replication.change_log import ChangeLog, waiting_in
from gateway.store.replication.shared_queries import SharedQueries
from gateway.store.replication.shared_store import open_shared
from gateway.store.row_wire import wire
from gateway.store.schema import gateways
from gateway.store.stored_sounds import StoredSounds, sounds_waiting
from gateway.worker.recording_store import RecordingStore
from gateway.worker.replicating import RETRY_SECONDS, RowSending, SoundSending, keep_doing
from gateway.worker.sealed import KeyRing
from gateway.worker.shared_routes import OwnPart, SharedRoutes


class Sharing:
    """Used with `with`; nothing is connected, and no library loaded, before it is needed."""

    def __init__(self, settings: Settings, keys: KeyRing) -> None:
        self._settings = settings
        self._stack = ExitStack()
        place = settings.replication
        self._reading = open_engine(settings.database, read_only=True)
        self._stack.callback(self._reading.dispose)
        self._store = RecordingStore(place) if place.is_on and place.s3_bucket is not None else None
        archive = self._stack.enter_context(SharedQueries(lambda: open_shared(place))) if place.is_on else None
        self.routes = SharedRoutes(archive, self._own, store=self._store, directory=settings.data_dir, keys=keys)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def tasks(self) -> list[Coroutine[Any, Any, None]]:
        """What runs as long as the worker does."""
        if not self._settings.replication.is_on:
            return [self._forget()]
        tasks: list[Coroutine[Any, Any, None]] = [
            keep_doing("The shared database", self._stack.enter_context(RowSending(self._settings)).step)
        ]
        if self._store is not None:
            sounds = self._stack.enter_context(StoredSounds(self._settings))
            sending = SoundSending(sounds, self._store, self._settings.recordings_dir)
            tasks.append(keep_doing("The shared store of recordings", sending.step))
        return tasks

    async def _forget(self) -> None:
        """It is switched off: what was noted while it was on is forgotten, as soon as there is a store."""
        while True:
            try:
                await asyncio.to_thread(self._end)
            except DBAPIError:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    def _end(self) -> None:
        with ChangeLog(self._settings) as changes:
            changes.end()

    def _own(self) -> OwnPart:
        with self._reading.begin() as connection:
            waiting = waiting_in(connection)
            return OwnPart(
                gateway_id=connection.execute(select(gateways.c.id)).scalar() or "",
                rows=waiting.rows,
                since=wire(waiting.since),
                recordings=0 if self._store is None else sounds_waiting(connection),
            )
