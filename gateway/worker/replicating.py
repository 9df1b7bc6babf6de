"""What goes to the shared database and to the shared store of recordings, as long as the worker runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from sqlalchemy.exc import DBAPIError

from gateway.clock import WallClock, utc_now
from gateway.settings import Settings
from gateway.store.replication.change_log import ChangeLog
from gateway.store.replication.replicator import Replicator
from gateway.store.replication.shared_store import SharedStore, open_shared
from gateway.store.stored_sounds import SoundToStore, StoredSounds
from gateway.worker.afterwards import sha256_of
from gateway.worker.recording_store import RecordingStore, RecordingStoreAway

log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0
RETRY_SECONDS = 30.0
SEEN_SECONDS = 60.0
"""So often a gateway to which nothing happens says that it is there."""


async def keep_doing(what: str, step: Callable[[], bool]) -> NoReturn:
    """Have `step` done, in a thread, until it answers False; wait, again. What is away is tried again, for ever."""
    is_away = False
    while True:
        wait = LOOK_SECONDS
        try:
            while await asyncio.to_thread(step):
                pass
            if is_away:
                log.info("%s can be reached again.", what)
            is_away = False
        except (DBAPIError, OSError) as fault:
            if not is_away:
                log.warning("%s cannot be used now; what it is to have is kept (%s).", what, type(fault).__name__)
            log.debug("%s: %s", what, fault)
            is_away, wait = True, RETRY_SECONDS
        await asyncio.sleep(wait)


class RowSending:
    """Sends rows. Used with `with`; `step` blocks."""

    def __init__(self, settings: Settings, clock: WallClock = utc_now) -> None:
        self._settings = settings
        self._clock = clock
        self._stack = ExitStack()
        self._changes = self._stack.enter_context(ChangeLog(settings, clock))
        self._shared = self._stack.enter_context(ExitStack())
        self._replicator: Replicator | None = None
        self._seen: datetime | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def step(self) -> bool:
        """Send a batch if something waits, or nothing was heard of us for a while; whether there is more.

        Raises DBAPIError and OSError.
        """
        if self._replicator is None:
            self._replicator = self._connected()
        now = self._clock()
        is_silent = self._seen is None or abs(now - self._seen) >= timedelta(seconds=SEEN_SECONDS)
        if not is_silent and not self._changes.waiting().rows:
            return False
        try:
            is_more = self._replicator.send()
        except DBAPIError:
            self._replicator = None  # it may come back as another one, without our tables
            raise
        self._seen = now
        return is_more

    def _connected(self) -> Replicator:
        self._shared.close()
        place = self._settings.replication
        standing = self._changes.begin()
        shared = SharedStore(open_shared(place), gateway_id=standing.gateway_id, name=place.name or "")
        self._shared.enter_context(shared)
        shared.prepare()
        return Replicator(self._changes, shared, remove=self._remove, clock=self._clock)

    def _remove(self, path: str) -> None:
        (self._settings.recordings_dir / path).unlink(missing_ok=True)


class SoundSending:
    """Sends the files of recordings, the oldest first, and removes those whose recording was removed here."""

    def __init__(self, sounds: StoredSounds, store: RecordingStore, recordings_dir: Path) -> None:
        self._sounds = sounds
        self._store = store
        self._directory = recordings_dir
        self._not_here: set[str] = set()

    def step(self) -> bool:
        """Remove or send one; False when nothing is left to do. Blocks. Raises DBAPIError and RecordingStoreAway."""
        gone = self._sounds.next_to_remove()
        if gone is not None:
            recording_id, name = gone
            self._store.remove(name)
            self._sounds.is_removed(recording_id)
            return True
        sound = self._sounds.next_to_store(self._not_here)
        if sound is None:
            return False
        self._send(sound)
        return True

    def _send(self, sound: SoundToStore) -> None:
        file = self._directory / sound.path
        try:
            size, digest = file.stat().st_size, sha256_of(file)
        except OSError:
            digest = ""
        if digest != sound.sha256:
            # Removed in this moment, or not in the backup that was restored, or rotted: tried again at the next start.
            self._not_here.add(sound.id)
            return
        if not self._sounds.will_store(sound):
            return
        self._store.put(sound.name, file)
        if self._store.sha256(sound.name) != sound.sha256:
            raise RecordingStoreAway("what was read back is not what was sent")
        self._sounds.is_stored(sound, size)
