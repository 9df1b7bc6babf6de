"""The shared database and the shared store of recordings, kept in memory."""

from __future__ import annotations

import hashlib
from typing import Any, BinaryIO

from gateway.store.replication.shared_queries import StoredSound
from gateway.worker.recording_store import RecordingStoreAway
from gateway.worker.shared_routes import OwnPart, SharedFilter
from tests.fakes.archive import FakeArchive

NORTH: dict[str, object] = {"id": "g1", "name": "North"}


class FakeShared:
    """The calls of an archive as those of the gateway North; remembers what was asked."""

    def __init__(self, archive: FakeArchive) -> None:
        self._archive = archive
        self.asked: list[SharedFilter] = []
        self.files = {"r-c1.wav": b"a sound"}
        """By the name in the store, which is the recording's id and .wav."""
        self.rows_waiting = 0

    def own(self) -> OwnPart:
        since = "2027-01-29T09:00:00.000Z" if self.rows_waiting else None
        return OwnPart(gateway_id="g1", rows=self.rows_waiting, since=since, recordings=0)

    def gateways(self) -> list[dict[str, object]]:
        moment = "2027-01-29T09:00:00.000Z"
        return [
            {**NORTH, "seen_at": moment, "caught_up_at": moment},
            {"id": "g2", "name": "South", "seen_at": moment, "caught_up_at": None},
        ]

    def calls(
        self, wanted: SharedFilter, *, cursor: str | None, limit: int
    ) -> tuple[list[dict[str, object]], str | None]:
        self.asked.append(wanted)
        if cursor is not None:
            raise ValueError(cursor)
        return [_of_north(row) for row in self._archive.call_rows[:limit]], None

    def call(self, call_id: str) -> dict[str, object] | None:
        found = self._archive.call(call_id)
        if found is None:
            return None
        return {name: value for name, value in _of_north(found).items() if name not in ("listenings", "visit")}

    def stored_sound(self, recording_id: str) -> StoredSound | None:
        content = self.files.get(f"{recording_id}.wav")
        if content is None:
            return None
        digest = hashlib.sha256(content).hexdigest()
        return StoredSound(name=f"{recording_id}.wav", sha256=digest, size_bytes=len(content))

    def fetch(self, name: str, into: BinaryIO) -> str:
        if name not in self.files:
            raise RecordingStoreAway(name)
        into.write(self.files[name])
        return hashlib.sha256(self.files[name]).hexdigest()


def _of_north(row: dict[str, Any]) -> dict[str, object]:
    sounds = [{**each, "is_stored": True} for each in row["recordings"]]
    return {**row, "recordings": sounds, "gateway": NORTH}
