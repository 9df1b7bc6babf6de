"""Inbox: where SMS go before they are deleted from the SIM. Parts are put together in any order, none is kept twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from gateway.clock import WallClock
from gateway.events import Publish, SmsReceived
from gateway.ids import new_id
from gateway.store.outbox import StoredOutbox
from gateway.store.schema import message_parts, messages
from gateway.store.writer import Writer
from gateway.telephony.ledger import DeliveryReport, StoredPart

TOGETHER = timedelta(hours=24)
"""Parts of one message are sent within this; later a reference (3GPP TS 23.040 9.2.3.24.1) may have come round."""


@dataclass(frozen=True, slots=True)
class _Kept:
    message_id: str
    text: str | None


class StoredInbox:
    """The Inbox of telephony.ledger; tells of each message once, as soon as it is whole."""

    def __init__(
        self, writer: Writer, outbox: StoredOutbox, *, gateway_id: str, clock: WallClock, publish: Publish
    ) -> None:
        self._writer = writer
        self._outbox = outbox
        self._gateway_id = gateway_id
        self._clock = clock
        self._publish = publish

    async def keep(self, part: StoredPart) -> str | None:
        """Commit one part; the id of the message that it completes, else None. Publishes SmsReceived.

        Raises StoreError when the disk does not take it: then the part must stay on the SIM.
        """
        kept = await self._writer.write(self._keeping(part, self._clock()))
        if kept is None:
            return None
        self._publish(
            SmsReceived(
                message_id=kept.message_id, line=part.line, sender=part.sender, text=kept.text, parts=part.parts
            )
        )
        return kept.message_id

    async def report(self, report: DeliveryReport) -> None:
        """Commit what became of a part of ours. Raises StoreError: then the report must stay on the SIM."""
        await self._outbox.report(report)

    def _keeping(self, part: StoredPart, now: datetime) -> Callable[[Connection], _Kept | None]:
        digest = _digest(part)

        def keep(connection: Connection) -> _Kept | None:
            if connection.execute(select(message_parts.c.id).where(message_parts.c.digest == digest)).first():
                return None
            message_id = self._message_for(connection, part, now)
            connection.execute(
                insert(message_parts).values(
                    id=new_id(),
                    gateway_id=self._gateway_id,
                    message_id=message_id,
                    part=part.part,
                    pdu=part.pdu,
                    text=None if part.text is None else part.text.encode("utf-8", "surrogatepass"),
                    sent_at=part.sent_at,
                    received_at=now,
                    digest=digest,
                )
            )
            return _complete(connection, message_id, part)

        return keep

    def _message_for(self, connection: Connection, part: StoredPart, now: datetime) -> str:
        """The message that lacks this part, the one sent nearest in time; a new one when there is none."""
        if part.parts > 1:
            sent_at = part.sent_at or now
            lacking = select(messages.c.id, messages.c.sent_at).where(
                messages.c.state == "partial",
                messages.c.imsi == part.imsi,
                messages.c.peer.is_(part.sender) if part.sender is None else messages.c.peer == part.sender,
                messages.c.reference.is_(part.reference)
                if part.reference is None
                else messages.c.reference == part.reference,
                messages.c.parts == part.parts,
                messages.c.sent_at.between(sent_at - TOGETHER, sent_at + TOGETHER),
                ~select(message_parts.c.id)
                .where(message_parts.c.message_id == messages.c.id, message_parts.c.part == part.part)
                .exists(),
            )
            found = connection.execute(lacking).all()
            if found:
                return str(min(found, key=lambda row: abs(row.sent_at - sent_at)).id)
        message_id = new_id()
        connection.execute(
            insert(messages).values(
                id=message_id,
                gateway_id=self._gateway_id,
                direction="incoming",
                line=part.line,
                imsi=part.imsi,
                peer=part.sender,
                text=None,
                state="partial",
                time=now,
                sent_at=part.sent_at or now,
                reference=part.reference,
                parts=part.parts,
                flash=part.flash,
                search=(part.sender or "").casefold(),
            )
        )
        return message_id


def _complete(connection: Connection, message_id: str, part: StoredPart) -> _Kept | None:
    """Put the text together once every part is here."""
    pieces = connection.scalars(
        select(message_parts.c.text).where(message_parts.c.message_id == message_id).order_by(message_parts.c.part)
    ).all()
    if len(pieces) < part.parts:
        return None
    text = _joined(list(pieces))
    connection.execute(
        update(messages)
        .where(messages.c.id == message_id)
        .values(
            text=text,
            state="undecoded" if text is None else "received",
            search=f"{part.sender or ''} {text or ''}".casefold(),
        )
    )
    return _Kept(message_id, text)


def _joined(pieces: list[bytes | None]) -> str | None:
    """The whole text; a character that was cut between two parts (UCS-2 halves) is whole again."""
    known = [piece.decode("utf-8", "surrogatepass") for piece in pieces if piece is not None]
    if len(known) < len(pieces):
        return None
    return "".join(known).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _digest(part: StoredPart) -> str:
    """What makes two deliveries the same part; the text too, since a lone SMS has neither reference nor number."""
    text = part.pdu if part.text is None else part.text.encode("utf-8", "surrogatepass")
    sent_at = part.sent_at.isoformat() if part.sent_at is not None else ""
    known = (part.imsi, part.sender or "", part.reference, part.part, part.parts, sent_at)
    return hashlib.sha256(repr(known).encode("utf-8", "backslashreplace") + text).hexdigest()
