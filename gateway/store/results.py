"""What the worker's jobs find out, written beside what the daemon writes: the only rows that the worker changes."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update

from gateway.clock import WallClock, utc_now
from gateway.store.database import Places
from gateway.store.opened import OpenedToWrite
from gateway.store.schema import recordings
from gateway.store.shop_document.shop_versions import load_shop
from gateway.telephony.recording_policy import RecordingFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRecording:
    """A recording of which nothing was made yet; `path` is relative to the recordings directory."""

    id: str
    path: str
    wanted: RecordingFormat
    is_to_be_sealed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was made of it. None: nothing could be."""

    path: str
    size_bytes: int | None
    sha256: str | None
    """Of the sound as it is played and downloaded."""
    file_sha256: str | None = None
    """Of the file on disk, where that is sealed."""
    loudness_db: list[float | None] | None


class RecordingResults(OpenedToWrite):
    """Used with `with`. The verbs block; a lock of the daemon's is waited for."""

    def __init__(self, places: Places, clock: WallClock = utc_now) -> None:
        super().__init__(places)
        self._clock = clock

    def next_recording(self) -> FinishedRecording | None:
        """The oldest one that waits; None when all is done."""
        query = (
            select(recordings.c.id, recordings.c.path)
            .where(
                recordings.c.state == "finished",
                recordings.c.made_at.is_(None),
                recordings.c.deleted_at.is_(None),
            )
            .order_by(recordings.c.started_at)
            .limit(1)
        )
        with self._reading.connect() as connection, connection.begin():
            row = connection.execute(query).first()
            if row is None:
                return None
            _, shop, _ = load_shop(connection)
        return FinishedRecording(
            id=row.id, path=row.path, wanted=shop.recording.format, is_to_be_sealed=shop.recording.sealed
        )

    def keep(self, recording_id: str, made: Made) -> bool:
        """Commit the result; False when the recording was removed meanwhile."""
        values: dict[str, object] = {"made_at": self._clock(), "path": made.path, "sha256": made.sha256}
        values["file_sha256"] = made.file_sha256
        values["loudness_db"] = made.loudness_db
        if made.size_bytes is not None:
            values["size_bytes"] = made.size_bytes
        mine = (recordings.c.id == recording_id) & recordings.c.deleted_at.is_(None)
        with self._writing.connect() as connection, connection.begin():
            return connection.execute(update(recordings).where(mine).values(values)).rowcount > 0

    def named(self, paths: set[str]) -> set[str]:
        """Those of `paths` that a recording has."""
        query = select(recordings.c.path).where(recordings.c.path.in_(paths), recordings.c.deleted_at.is_(None))
        with self._reading.connect() as connection, connection.begin():
            return set(connection.execute(query).scalars())
