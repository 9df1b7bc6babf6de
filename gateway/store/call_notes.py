"""Notes that people write on calls (D4)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from gateway.clock import WallClock
from gateway.ids import new_id
from gateway.store.audit import add_audit
from gateway.store.schema import calls, recordings
from gateway.store.schema_contacts import call_notes
from gateway.store.writer import Writer

PUT_BACK_WITHIN = timedelta(minutes=10)
MOST_NOTES = 100
"""On one call."""


class StoredCallNotes:
    """What was noted. Every verb raises StoreError when the disk does not take it."""

    def __init__(self, writer: Writer, *, gateway_id: str, clock: WallClock) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._clock = clock
        self._removed: dict[str, tuple[dict[str, Any], datetime]] = {}
        """What can be put back, and until when: kept in memory alone, so that a number that is erased is nowhere."""

    def forget(self) -> None:
        """No note can be put back any more: a number was erased."""
        self._removed.clear()

    async def add(self, call_id: str, text: str, *, by: str, place: tuple[str, float] | None = None) -> str | None:
        """Note something on a call, also on a running one; the note's id. None: there is no such call, or no room.

        `place` is a recording of the call, and how many seconds from its beginning; None too when there is no such one.
        """
        note_id, now = new_id(), self._clock()
        recording_id, at_seconds = place or (None, None)

        def add(connection: Connection) -> str | None:
            known = connection.execute(select(calls.c.id).where(calls.c.id == call_id)).scalar()
            there = connection.execute(select(call_notes.c.id).where(call_notes.c.call_id == call_id)).all()
            if known is None or len(there) >= MOST_NOTES:
                return None
            if recording_id is not None and not _is_of_call(connection, recording_id, call_id):
                return None
            row = {
                "id": note_id,
                "gateway_id": self._gateway_id,
                "call_id": call_id,
                "time": now,
                "by": by,
                "text": text,
                "recording_id": recording_id,
                "at_seconds": at_seconds,
            }
            connection.execute(insert(call_notes), row)
            add_audit(
                connection, gateway_id=self._gateway_id, now=now, by=by, action="call.noted", subject=call_id,
                details={"note": note_id},
            )  # fmt: skip
            return note_id

        return await self._writer.write(add)

    async def remove(self, call_id: str, note_id: str, *, by: str) -> bool:
        """Take a note away; False: there is none of that id on that call."""
        now = self._clock()
        mine = (call_notes.c.id == note_id) & (call_notes.c.call_id == call_id)

        def remove(connection: Connection) -> dict[str, Any] | None:
            row = connection.execute(select(call_notes).where(mine)).mappings().first()
            if row is None:
                return None
            connection.execute(delete(call_notes).where(mine))
            add_audit(
                connection, gateway_id=self._gateway_id, now=now, by=by, action="call.note-removed", subject=call_id,
                details={"note": note_id},
            )  # fmt: skip
            return dict(row)

        row = await self._writer.write(remove)
        if row is None:
            return False
        self._removed = {key: each for key, each in self._removed.items() if now < each[1]}
        self._removed[note_id] = row, now + PUT_BACK_WITHIN
        return True

    async def put_back(self, call_id: str, note_id: str, *, by: str) -> bool:
        """Have a note again that was removed within the last minutes; False: it is too late, or there was none."""
        row, until = self._removed.get(note_id, (None, None))
        now = self._clock()
        if row is None or until is None or now >= until or row["call_id"] != call_id:
            return False

        def put_back(connection: Connection) -> bool:
            is_there = connection.execute(select(call_notes.c.id).where(call_notes.c.id == note_id)).scalar()
            erased = connection.execute(select(calls.c.erased_at).where(calls.c.id == call_id)).first()
            if is_there is not None or erased is None or erased.erased_at is not None:
                return False
            connection.execute(insert(call_notes), row)
            add_audit(
                connection, gateway_id=self._gateway_id, now=now, by=by, action="call.note-put-back", subject=call_id,
                details={"note": note_id},
            )  # fmt: skip
            return True

        done = await self._writer.write(put_back)
        self._removed.pop(note_id, None)
        return done


def _is_of_call(connection: Connection, recording_id: str, call_id: str) -> bool:
    wanted = select(recordings.c.id).where(
        recordings.c.id == recording_id, recordings.c.call_id == call_id, recordings.c.deleted_at.is_(None)
    )
    return connection.execute(wanted).scalar() is not None
