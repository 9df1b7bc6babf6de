"""Outbox: messages on their way out. What may cost money is committed before the modem is told (rule 10).

The unique key of a part makes a second sending of the same part visible; a part whose outcome a crash has
swallowed stays `unknown` until a delivery report or a person settles it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from gateway.clock import WallClock
from gateway.errors import StoreError
from gateway.events import Publish, SmsChanged
from gateway.ids import new_id
from gateway.store.schema import messages, outgoing_parts
from gateway.store.writer import Writer
from gateway.telephony.ledger import DeliveryReport, OutgoingText
from gateway.telephony.messages import MessageState

log = logging.getLogger(__name__)

_WAITING = (MessageState.QUEUED, MessageState.SENDING)
_REVIVABLE = (MessageState.FAILED, MessageState.EXPIRED, MessageState.CANCELLED, MessageState.UNKNOWN)
_REPORTABLE = ("sent", "unknown", "sending", "pending")
REPORTED_WITHIN = timedelta(days=7)
"""A network gives up a message after some days; later the same 8-bit reference belongs to another one."""

TAKEN_WITHIN = timedelta(seconds=90)
"""So long after AT+CMGS a network may take a part."""
CLOCKS_DIFFER = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class _News:
    """What is published once it is committed."""

    message_id: str
    line: str | None
    recipient: str
    state: str
    failure: str | None = None


class StoredOutbox:
    """The Outbox of telephony.ledger. Publishes SmsChanged after each commit that a person can see."""

    def __init__(self, writer: Writer, *, gateway_id: str, clock: WallClock, publish: Publish) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._clock = clock
        self._publish = publish

    async def accept(self, text: OutgoingText) -> bool:
        """Keep a new message; False: one of that id is known. Raises StoreError: then it is not kept."""
        row = {
            "id": text.id, "gateway_id": self._gateway_id, "direction": "outgoing", "line": text.line, "peer": text.to,
            "text": text.text, "state": MessageState.QUEUED.value, "time": text.accepted_at, "parts": text.parts,
            "reference": text.reference, "search": f"{text.to} {text.text}".casefold(), "asked_line": text.line,
            "by": text.by, "attempts": text.attempts, "due_at": text.due_at, "expires_at": text.expires_at,
        }  # fmt: skip
        statement = insert(messages).values(row).on_conflict_do_nothing(index_elements=["id"])
        is_new = await self._writer.write(lambda connection: connection.execute(statement).rowcount == 1)
        if is_new:
            self._tell(_News(text.id, text.line, text.to, MessageState.QUEUED))
        return is_new

    async def waiting(self) -> list[OutgoingText]:
        """After a start: what waits, in the order of acceptance; what was cut off is of unknown outcome now."""

        def read(connection: Connection) -> tuple[list[OutgoingText], list[_News]]:
            cut_off = connection.execute(
                select(messages.c.id, messages.c.line, messages.c.peer)
                .join(outgoing_parts, outgoing_parts.c.message_id == messages.c.id)
                .where(messages.c.direction == "outgoing", outgoing_parts.c.state == "sending")
            ).all()
            connection.execute(
                update(outgoing_parts).where(outgoing_parts.c.state == "sending").values(state="unknown")
            )
            for row in cut_off:
                _set(connection, row.id, state=MessageState.UNKNOWN, failure="cut-off")
            rows = connection.execute(
                select(messages)
                .where(messages.c.direction == "outgoing", messages.c.state.in_(_WAITING))
                .order_by(messages.c.id)
            ).all()
            found = [_outgoing(connection, row) for row in rows]
            for text in found:
                if text.parts_taken == text.parts:  # all of it was out, and only its last word was not written
                    _set(connection, text.id, state=_state_by_parts(connection, text.id, text.parts), failure=None)
            news = [_News(row.id, row.line, row.peer, MessageState.UNKNOWN, "cut-off") for row in cut_off]
            return [text for text in found if text.parts_taken < text.parts], news

        found, news = await self._writer.write(read)
        if news:
            log.warning(
                "%d messages were being sent when the gateway stopped: whether they went out is not known.", len(news)
            )
        for each in news:
            self._tell(each)
        return found

    async def used(self, local_day: str) -> dict[str, int]:
        """How many parts each line has begun on that day of the shop."""
        query = (
            select(outgoing_parts.c.line, func.count())
            .where(outgoing_parts.c.local_day == local_day)
            .group_by(outgoing_parts.c.line)
        )
        return await self._writer.write(
            lambda connection: {line: int(count) for line, count in connection.execute(query)}
        )

    async def begin(self, text: OutgoingText, *, part: int, line: str, imsi: str, local_day: str) -> None:
        """Commit, before AT+CMGS, that the part is being sent. Raises StoreError: then it must not be."""
        row = {
            "id": new_id(), "gateway_id": self._gateway_id, "message_id": text.id, "part": part, "state": "sending",
            "line": line, "imsi": imsi, "local_day": local_day, "begun_at": self._clock(), "reference": None,
            "sent_at": None, "status": None, "reported_at": None,
        }  # fmt: skip
        again = {name: value for name, value in row.items() if name not in ("id", "gateway_id")}

        def begin(connection: Connection) -> None:
            connection.execute(
                insert(outgoing_parts)
                .values(row)
                .on_conflict_do_update(index_elements=["message_id", "part"], set_=again)
            )
            _set(
                connection, text.id, state=MessageState.SENDING, line=line, imsi=imsi, failure=None,
                attempts=text.attempts,
            )  # fmt: skip

        await self._writer.write(begin)
        self._tell(_News(text.id, line, text.to, MessageState.SENDING))

    async def taken(self, text: OutgoingText, *, part: int, reference: int) -> None:
        """The network has the part; with the last one the message is sent. Its report may have come before."""
        now = self._clock()

        def note(connection: Connection) -> MessageState | None:
            _set_part(connection, text.id, part, reference=reference, sent_at=now)
            mine = (outgoing_parts.c.message_id == text.id) & (outgoing_parts.c.part == part)
            connection.execute(
                update(outgoing_parts).where(mine, outgoing_parts.c.state == "sending").values(state="sent")
            )
            if part < text.parts:
                return None
            state = _state_by_parts(connection, text.id, text.parts)
            failure = "not-delivered" if state is MessageState.FAILED else None
            _set(connection, text.id, state=state, sent_at=now, failure=failure)
            return state

        try:
            state = await self._writer.write(note)
        except StoreError:
            self._writer.enqueue(note)
            state = None
        if state is not None:
            self._tell(_News(text.id, text.carried_by, text.to, state))

    async def postpone(self, text: OutgoingText, *, part: int | None, failure: str) -> None:
        """The message waits until its `due_at`; `part` was not sent after all."""

        def note(connection: Connection) -> None:
            _forget_part(connection, text.id, part)
            _set(
                connection, text.id, state=MessageState.QUEUED, due_at=text.due_at, attempts=text.attempts,
                failure=failure,
            )  # fmt: skip

        await self._writer.write_or_keep(note)
        self._tell(_News(text.id, text.carried_by or text.line, text.to, MessageState.QUEUED, failure))

    async def end(self, text: OutgoingText, *, part: int | None, state: str, failure: str | None) -> bool:
        """The message comes to `state` and is not tried any more; False when it was not waiting or being sent."""

        def note(connection: Connection) -> _News | None:
            row = connection.execute(select(messages.c.state).where(messages.c.id == text.id)).first()
            if row is None or row.state not in _WAITING:
                return None
            found = _News(text.id, text.carried_by or text.line, text.to, state, failure)
            if state == MessageState.UNKNOWN and part is not None:
                mine = (outgoing_parts.c.message_id == text.id) & (outgoing_parts.c.part == part)
                connection.execute(
                    update(outgoing_parts).where(mine, outgoing_parts.c.state == "sending").values(state="unknown")
                )
                known = _state_by_parts(connection, text.id, text.parts)
                if known is not MessageState.UNKNOWN:  # its report was quicker than the modem's fault
                    found = replace(found, state=known, failure=None)
            else:
                _forget_part(connection, text.id, part)
            _set(connection, text.id, state=found.state, failure=found.failure)
            return found

        news = await self._writer.write(note)
        if news is not None:
            self._tell(news)
        return news is not None

    async def revive(self, message_id: str, *, now: datetime, expires_at: datetime) -> OutgoingText | None:
        """Let a message that is not tried any more wait again; None: there is none such. What was taken stays sent."""

        def revive(connection: Connection) -> OutgoingText | None:
            row = connection.execute(
                select(messages).where(
                    messages.c.id == message_id, messages.c.direction == "outgoing", messages.c.state.in_(_REVIVABLE)
                )
            ).first()
            if row is None:
                return None
            failed_after_sending = row.failure in ("not-delivered", "cut-off", "outcome-unknown")
            if failed_after_sending:  # the network had it: as a whole once more
                connection.execute(delete(outgoing_parts).where(outgoing_parts.c.message_id == message_id))
            _set(
                connection, message_id, state=MessageState.QUEUED, due_at=now, expires_at=expires_at, attempts=0,
                failure=None, delivered_at=None, sent_at=None,
            )  # fmt: skip
            row = connection.execute(select(messages).where(messages.c.id == message_id)).one()
            return _outgoing(connection, row)

        revived = await self._writer.write(revive)
        if revived is not None:
            self._tell(_News(revived.id, revived.line, revived.to, MessageState.QUEUED))
        return revived

    async def report(self, report: DeliveryReport) -> None:
        """Commit what became of a part of ours; a report of what we do not know is passed over."""
        now = self._clock()
        news = await self._writer.write(lambda connection: _report(connection, report, now))
        if news is not None:
            self._tell(news)

    def _tell(self, news: _News) -> None:
        self._publish(
            SmsChanged(
                message_id=news.message_id,
                line=news.line,
                recipient=news.recipient,
                state=str(news.state),
                failure=news.failure,
            )
        )


def _report(connection: Connection, report: DeliveryReport, now: datetime) -> _News | None:
    row = _part_of(connection, report, now)
    if row is None:
        return None
    state = "delivered" if report.is_delivered else "pending" if report.is_pending else "undelivered"
    connection.execute(
        update(outgoing_parts)
        .where(outgoing_parts.c.id == row.id)
        .values(state=state, status=report.status, reference=report.reference, reported_at=now)
    )
    message = connection.execute(select(messages).where(messages.c.id == row.message_id)).one()
    by_parts = _state_by_parts(connection, message.id, message.parts)
    if by_parts == message.state or message.state in _WAITING:
        return None  # nothing new, or parts of it are still to be sent: then its state comes with the last one
    failure = "not-delivered" if by_parts is MessageState.FAILED else None
    if by_parts is MessageState.UNKNOWN:
        return None
    delivered_at = now if by_parts is MessageState.DELIVERED else None
    _set(
        connection, message.id, state=by_parts, failure=failure, delivered_at=delivered_at,
        sent_at=message.sent_at or now,
    )  # fmt: skip
    return _News(message.id, message.line, message.peer, by_parts, failure)


def _state_by_parts(connection: Connection, message_id: str, parts: int) -> MessageState:
    """What a message has come to, by what is known of its parts."""
    states = connection.scalars(select(outgoing_parts.c.state).where(outgoing_parts.c.message_id == message_id)).all()
    if "undelivered" in states:
        return MessageState.FAILED
    if "unknown" in states or len(states) < parts:
        return MessageState.UNKNOWN
    if all(each == "delivered" for each in states):
        return MessageState.DELIVERED
    return MessageState.SENT


def _part_of(connection: Connection, report: DeliveryReport, now: datetime) -> Row[Any] | None:
    """The part that is reported: by its reference, or else one whose reference nobody has told us (yet).

    Of several such to one recipient it is the last that was begun before the network took it; where the clocks do not
    fit, none: a report must not settle another message.
    """
    parts = (
        select(outgoing_parts)
        .join(messages, messages.c.id == outgoing_parts.c.message_id)
        .where(
            outgoing_parts.c.imsi == report.imsi,
            messages.c.peer == report.recipient,
            outgoing_parts.c.begun_at > now - REPORTED_WITHIN,
            outgoing_parts.c.state.in_(_REPORTABLE),
        )
        .order_by(outgoing_parts.c.begun_at.desc(), outgoing_parts.c.id.desc())
    )
    known = connection.execute(parts.where(outgoing_parts.c.reference == report.reference)).first()
    if known is not None:
        return known
    nameless = connection.execute(parts.where(outgoing_parts.c.reference.is_(None))).all()
    if report.sent_at is not None:
        latest, earliest = report.sent_at + CLOCKS_DIFFER, report.sent_at - TAKEN_WITHIN
        fitting = [row for row in nameless if earliest <= row.begun_at <= latest]
        if fitting:
            return fitting[0]
    return nameless[0] if len(nameless) == 1 else None


def _outgoing(connection: Connection, row: Row[Any]) -> OutgoingText:
    taken = connection.execute(
        select(func.count(), func.max(outgoing_parts.c.line)).where(outgoing_parts.c.message_id == row.id)
    ).one()
    return OutgoingText(
        id=row.id,
        to=row.peer,
        text=row.text,
        parts=row.parts,
        reference=row.reference,
        by=row.by or "",
        line=row.asked_line,
        accepted_at=row.time,
        due_at=row.due_at,
        expires_at=row.expires_at,
        attempts=row.attempts,
        parts_taken=taken[0],
        carried_by=taken[1],
    )


def _set(connection: Connection, message_id: str, **values: Any) -> None:
    connection.execute(update(messages).where(messages.c.id == message_id).values(**values))


def _set_part(connection: Connection, message_id: str, part: int, **values: Any) -> None:
    mine = (outgoing_parts.c.message_id == message_id) & (outgoing_parts.c.part == part)
    connection.execute(update(outgoing_parts).where(mine).values(**values))


def _forget_part(connection: Connection, message_id: str, part: int | None) -> None:
    """It was not sent: it does not count for the day."""
    if part is not None:
        mine = (outgoing_parts.c.message_id == message_id) & (outgoing_parts.c.part == part)
        connection.execute(delete(outgoing_parts).where(mine))
