"""Messages that callers have left, on disk. Their sound is the recording of the call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.clock import WallClock
from gateway.events import MailboxChanged, MessageLeft, Publish, Published
from gateway.ids import new_id
from gateway.store.schema import calls, recordings
from gateway.store.schema_queue import left_messages
from gateway.store.writer import Writer
from gateway.telephony.mailboxes import Counts, LeftMessage

SHORTEST_SECONDS = 1.0
"""Who hangs up sooner has said nothing."""


class StoredMailboxes:
    """Implements telephony.mailboxes.Mailboxes. A subscriber of the bus by `follow`."""

    def __init__(self, writer: Writer, *, gateway_id: str, clock: WallClock, publish: Publish) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._clock = clock
        self._publish = publish
        self._counts: dict[str, Counts] = {}

    async def load(self) -> None:
        """Count what there is; also after recordings were removed."""
        self._use(await self._writer.write(_count))

    def counts(self, mailbox: str) -> Counts:
        """How many there are."""
        return self._counts.get(mailbox, Counts())

    @property
    def unheard(self) -> int:
        """Of all mailboxes."""
        return sum(each.unheard for each in self._counts.values())

    def follow(self, published: Published) -> None:
        """A subscriber of the bus: keep what was left."""
        event = published.event
        if not isinstance(event, MessageLeft) or event.seconds < SHORTEST_SECONDS:
            return
        row = {
            "id": new_id(), "gateway_id": self._gateway_id, "call_id": event.call_id, "mailbox": event.mailbox,
            "left_at": published.time, "seconds": event.seconds,
        }  # fmt: skip
        self._writer.enqueue(
            lambda connection: connection.execute(upsert(left_messages).values(row).on_conflict_do_nothing())
        )
        self._use(self._counts | {event.mailbox: self.counts(event.mailbox) + Counts(unheard=1)})

    async def messages(
        self, mailboxes: Sequence[str] | None, *, limit: int, only_unheard: bool
    ) -> Sequence[LeftMessage]:
        """Those of some mailboxes, or of all, whose sound is still there; the last first. Raises StoreError."""
        wanted = _there(
            left_messages, calls.c.caller, calls.c.caller_name, recordings.c.id.label("recording_id")
        ).order_by(left_messages.c.left_at.desc(), left_messages.c.id.desc())
        if mailboxes is not None:
            wanted = wanted.where(left_messages.c.mailbox.in_(mailboxes))
        if only_unheard:
            wanted = wanted.where(left_messages.c.heard_at.is_(None))
        return await self._writer.write(
            lambda connection: [_message(row) for row in connection.execute(wanted.limit(limit))]
        )

    async def mark_heard(self, message_id: str, *, by: str) -> bool:
        """Somebody has listened to it, or needs not; False: there is no such message. Raises StoreError."""
        return await self._mark(left_messages.c.id == message_id, by)

    async def has_heard_recording(self, recording_id: str, *, by: str) -> None:
        """Somebody was given the sound of a recording: if it is a message, it is heard. Raises StoreError."""
        of_recording = select(recordings.c.call_id).where(recordings.c.id == recording_id)
        await self._mark(left_messages.c.call_id.in_(of_recording), by)

    async def _mark(self, which: ColumnElement[bool], by: str) -> bool:
        now = self._clock()

        def mark(connection: Connection) -> tuple[bool, dict[str, Counts]]:
            is_there = connection.execute(select(left_messages.c.id).where(which)).first() is not None
            connection.execute(
                update(left_messages).where(which, left_messages.c.heard_at.is_(None)).values(heard_at=now, heard_by=by)
            )
            return is_there, _count(connection)

        is_there, counts = await self._writer.write(mark)
        self._use(counts)
        return is_there

    def _use(self, counts: dict[str, Counts]) -> None:
        before, self._counts = self._counts, counts
        for mailbox in sorted({*before, *counts}):
            now = self.counts(mailbox)
            if now != before.get(mailbox, Counts()):
                self._publish(MailboxChanged(mailbox=mailbox, unheard=now.unheard, heard=now.heard))


def _there(*columns: Any) -> Select[Any]:
    """Of messages whose sound is still there."""
    return (
        select(*columns)
        .join(recordings, (recordings.c.call_id == left_messages.c.call_id) & recordings.c.deleted_at.is_(None))
        .join(calls, calls.c.id == left_messages.c.call_id)
    )


def _count(connection: Connection) -> dict[str, Counts]:
    rows = connection.execute(
        _there(left_messages.c.mailbox, func.count(), func.count(left_messages.c.heard_at)).group_by(
            left_messages.c.mailbox
        )
    )
    return {mailbox: Counts(unheard=every - heard, heard=heard) for mailbox, every, heard in rows}


def _message(row: Row[Any]) -> LeftMessage:
    return LeftMessage(
        id=row.id,
        mailbox=row.mailbox,
        call_id=row.call_id,
        caller=row.caller,
        caller_name=row.caller_name,
        left_at=row.left_at,
        seconds=row.seconds,
        recording_id=row.recording_id,
        heard_at=row.heard_at,
        heard_by=row.heard_by,
    )
