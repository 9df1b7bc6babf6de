"""Which recordings are to go to the shared store of sound, and which are to go from it.

A row is made before its file is sent, so that nothing can be there that no row names, and gets its moment once the file
was read back. The verbs block.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from sqlalchemy import ColumnElement, Connection, delete, exists, func, insert, select, update

from gateway.clock import WallClock, utc_now
from gateway.store.database import Places
from gateway.store.opened import OpenedToWrite
from gateway.store.replication.schema_replication import stored_recordings
from gateway.store.schema import recordings


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundToStore:
    """`path` is relative to the recordings directory; `name` is what the file is called in the shared store."""

    id: str
    path: str
    name: str
    sha256: str
    """Of the file on disk."""


class StoredSounds(OpenedToWrite):
    """Used with `with`."""

    def __init__(self, places: Places, clock: WallClock = utc_now) -> None:
        super().__init__(places)
        self._clock = clock

    def next_to_store(self, without: Collection[str] = ()) -> SoundToStore | None:
        """The oldest recording that is to go there, but for those whose files are not here; None: none is left."""
        query = (
            select(recordings)
            .where(_is_to_be_stored(), recordings.c.id.not_in(without))
            .order_by(recordings.c.started_at)
            .limit(1)
        )
        with self._reading.begin() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        path = PurePosixPath(row.path)
        return SoundToStore(
            id=row.id,
            path=row.path,
            name=f"{row.gateway_id}/{row.started_at:%Y-%m-%d}/{row.id}{''.join(path.suffixes)}",
            sha256=row.file_sha256 or row.sha256,
        )

    def will_store(self, sound: SoundToStore) -> bool:
        """From now on it may be there; False: the recording was removed meanwhile."""
        with self._writing.begin() as connection:
            row = connection.execute(
                select(recordings.c.gateway_id).where(recordings.c.id == sound.id, recordings.c.deleted_at.is_(None))
            ).first()
            if row is None:
                return False
            connection.execute(delete(stored_recordings).where(stored_recordings.c.id == sound.id))
            connection.execute(
                insert(stored_recordings).values(
                    id=sound.id, gateway_id=row.gateway_id, name=sound.name, sha256=sound.sha256, size_bytes=0
                )
            )
            return True

    def is_stored(self, sound: SoundToStore, size_bytes: int) -> None:
        """It is there, and was read back."""
        with self._writing.begin() as connection:
            connection.execute(
                update(stored_recordings)
                .where(stored_recordings.c.id == sound.id)
                .values(stored_at=self._clock(), size_bytes=size_bytes)
            )

    def next_to_remove(self) -> tuple[str, str] | None:
        """Id and name of a file that may be there, though its recording was removed; None: there is none."""
        is_here = exists().where(recordings.c.id == stored_recordings.c.id, recordings.c.deleted_at.is_(None))
        query = select(stored_recordings.c.id, stored_recordings.c.name).where(~is_here).limit(1)
        with self._reading.begin() as connection:
            row = connection.execute(query).first()
        return None if row is None else (row.id, row.name)

    def is_removed(self, recording_id: str) -> None:
        """Nothing of it is there any more."""
        with self._writing.begin() as connection:
            connection.execute(delete(stored_recordings).where(stored_recordings.c.id == recording_id))


def sounds_waiting(connection: Connection) -> int:
    """How many recordings are still to go to the shared store."""
    return int(connection.execute(select(func.count()).select_from(recordings).where(_is_to_be_stored())).scalar_one())


def _is_to_be_stored() -> ColumnElement[bool]:
    is_there = exists().where(stored_recordings.c.id == recordings.c.id, stored_recordings.c.stored_at.is_not(None))
    return (
        (recordings.c.state == "finished")
        & recordings.c.made_at.is_not(None)
        & recordings.c.sha256.is_not(None)
        & recordings.c.deleted_at.is_(None)
        & ~is_there
    )
