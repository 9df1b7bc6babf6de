"""Everything of one number goes, as the law lets a customer demand (T-L8); what was paid for stays countable.

Of a call the bare row stays: when, how long, which line, why it ended. Its sound, the number and the name that came
with it go, from the row, its connections, its story and the paid minutes. Of an SMS only the time, the line and its
state stay; an order that is over loses its customer. A contact loses the number, or goes with its last one. Texts to
others that mention the number lose it. What is held for a dispute, and what runs at this moment, is left alone and
counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, String, Table, and_, delete, func, or_, select, type_coerce, update

from gateway.store.contacts import forget_contacts, read_contacts, search_text
from gateway.store.number_traces import ERASED, TracedNumber
from gateway.store.retention import unlink
from gateway.store.schema import (
    alerts,
    call_events,
    calls,
    idempotency_keys,
    jobs,
    legs,
    message_parts,
    messages,
    recordings,
    reservations,
)
from gateway.store.schema_call_backs import call_backs
from gateway.store.schema_contacts import blocked_numbers, call_notes, contact_phones, contacts
from gateway.store.schema_missed import missed_closures
from gateway.store.schema_orders import orders
from gateway.store.schema_site import site_visits
from gateway.store.schema_toll_free import toll_free_calls
from gateway.telephony.messages import MessageState
from gateway.telephony.promised import OPEN

Step: TypeAlias = Callable[[Connection], None]
"""A part of the work that is committed at once; repeated, it comes to the same."""

_AT_ONCE = 10
_TRACE = "call.traced"
_PROMISED = tuple(str(state) for state in OPEN)
_ON_THE_WAY = (MessageState.QUEUED, MessageState.SENDING, MessageState.PARTIAL)
_DOCUMENTS = (
    (call_events, "data"),
    (jobs, "arguments"),
    (idempotency_keys, "response"),
    (alerts, "values"),
)
"""Columns of JSON in which a number may stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasurePlan:
    """What would go; `held` and `running` are calls and SMS that stay."""

    calls: int
    recordings: int
    recorded_seconds: float
    messages: int
    mentions: int
    held: int
    running: int

    @property
    def is_empty(self) -> bool:
        """Nothing would change."""
        return not (self.calls or self.messages or self.mentions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Keys of the rows that are concerned."""

    plan: ErasurePlan
    call_ids: tuple[str, ...]
    message_ids: tuple[str, ...]
    mentions: tuple[tuple[Table, str, str], ...]
    """Table, column and key."""


class NumberErasure:
    """Finds what there is of a number, and takes it away step by step."""

    def __init__(self, number: TracedNumber, recordings_dir: Path) -> None:
        self._number = number
        self._directory = recordings_dir

    def find(self, connection: Connection, now: datetime) -> Found:
        """What is there now. Reads much; not in the thread that writes."""
        concerned = set(connection.execute(self._number.call_ids()).scalars())
        held = concerned & set(
            connection.execute(select(recordings.c.call_id).where(_is_there(), recordings.c.kept.is_(True))).scalars()
        )
        running = concerned & set(connection.execute(select(calls.c.id).where(calls.c.ended_at.is_(None))).scalars())
        call_ids = concerned - held - running
        sounds = [
            row
            for row in connection.execute(select(recordings.c.call_id, recordings.c.seconds).where(_is_there()))
            if row.call_id in call_ids
        ]
        texts = connection.execute(
            select(messages.c.id, messages.c.state).where(messages.c.id.in_(self._number.message_ids()))
        ).all()
        message_ids = [row.id for row in texts if row.state not in _ON_THE_WAY]
        mentions = self._mentions(connection, concerned, {row.id for row in texts})
        rows = connection.execute(select(orders)).all()
        own = [row for row in rows if row.phone in self._number.spellings]
        mentions += [
            (orders, "note", row.id)
            for row in rows
            if (row in own and _is_over(row, now)) or (row not in own and self._number.is_in(row.note))
        ]
        promises = connection.execute(select(call_backs).where(self._number.in_column(call_backs.c.number))).all()
        mentions += [(call_backs, "number", row.id) for row in promises if row.state not in _PROMISED]
        mentions += self._in_contacts(connection, concerned)
        plan = ErasurePlan(
            calls=len(call_ids),
            recordings=len(sounds),
            recorded_seconds=round(sum(row.seconds or 0.0 for row in sounds), 1),
            messages=len(message_ids),
            mentions=len(mentions),
            held=len(held),
            running=len(running - held)
            + len(texts)
            - len(message_ids)
            + sum(not _is_over(row, now) for row in own)
            + sum(row.state in _PROMISED for row in promises),
        )
        return Found(
            plan=plan,
            call_ids=tuple(sorted(call_ids)),
            message_ids=tuple(sorted(message_ids)),
            mentions=tuple(mentions),
        )

    def steps(self, found: Found, now: datetime) -> Iterator[tuple[int, Step]]:
        """The work in pieces, each with the count of rows that it does. Each raises OSError where a file resists."""
        yield 0, self._forget_missed
        for ids in _batches(found.call_ids):
            yield len(ids), partial(self._erase_calls, ids=ids, now=now)
        for ids in _batches(found.message_ids):
            yield len(ids), partial(_erase_messages, ids=ids)
        for rows in _batches(found.mentions):
            yield len(rows), partial(self._take_out, rows=rows)

    def _mentions(
        self, connection: Connection, call_ids: set[str], message_ids: set[str]
    ) -> list[tuple[Table, str, str]]:
        texts = connection.execute(select(messages.c.id, messages.c.text).where(messages.c.text.is_not(None)))
        found = [
            (messages, "text", row.id) for row in texts if row.id not in message_ids and self._number.is_in(row.text)
        ]
        for table, name in _DOCUMENTS:
            text = type_coerce(table.c[name], String)
            mentioned = or_(*(func.instr(text, spelling) > 0 for spelling in self._number.spellings))
            besides = () if table is not call_events else (table.c.call_id.not_in(call_ids),)
            found += [
                (table, name, key)
                for key in connection.execute(select(table.c.id).where(mentioned, *besides)).scalars()
            ]
        return found

    def _in_contacts(self, connection: Connection, call_ids: set[str]) -> list[tuple[Table, str, str]]:
        """Contacts that have the number, or mention it, and notes on calls with others."""
        owners = select(contact_phones.c.contact_id).where(self._number.in_column(contact_phones.c.number))
        own = set(connection.execute(owners).scalars())
        noted = connection.execute(select(contacts.c.id, contacts.c.name, contacts.c.note)).all()
        mentioning = {row.id for row in noted if self._number.is_in(row.note) or self._number.is_in(row.name)}
        notes = connection.execute(select(call_notes.c.id, call_notes.c.call_id, call_notes.c.text)).all()
        found = [(contacts, "note", key) for key in sorted(own | mentioning)]
        return found + [
            (call_notes, "text", row.id)
            for row in notes
            if row.call_id not in call_ids and self._number.is_in(row.text)
        ]

    def _forget_missed(self, connection: Connection) -> None:
        """What was said of the number when it waited to be called back, its block, and where on the web it was."""
        connection.execute(delete(site_visits).where(self._number.in_column(site_visits.c.number)))
        connection.execute(delete(blocked_numbers).where(self._number.in_column(blocked_numbers.c.number)))
        connection.execute(delete(missed_closures).where(self._number.in_column(missed_closures.c.number)))
        connection.execute(update(alerts).where(self._number.in_column(alerts.c.subject)).values(subject=""))

    def _erase_calls(self, connection: Connection, ids: tuple[str, ...], now: datetime) -> None:
        held = select(recordings.c.call_id).where(
            recordings.c.call_id.in_(ids), _is_there(), recordings.c.kept.is_(True)
        )
        kept = set(connection.execute(held).scalars())  # somebody was quicker
        for row in connection.execute(select(calls).where(calls.c.id.in_(ids))).all():
            if row.id not in kept:
                self._erase_call(connection, row, now)

    def _erase_call(self, connection: Connection, row: Row[Any], now: datetime) -> None:
        sounds = and_(recordings.c.call_id == row.id, _is_there())
        unlink(self._directory, list(connection.execute(select(recordings.c.path).where(sounds)).scalars()), now)
        connection.execute(update(recordings).where(sounds).values(deleted_at=now, path="", held_why=None))
        is_caller = row.caller in self._number.spellings
        search = self._number.without(row.search)
        values: dict[str, object] = {"erased_at": now, "tags": None}
        if is_caller:
            values |= {"caller": "", "caller_name": ""}
            search = search.replace(row.caller_name.casefold(), "") if row.caller_name else search
        for name in ("called", "answered_by"):
            if getattr(row, name) in self._number.spellings:
                values[name] = ""
        connection.execute(update(calls).where(calls.c.id == row.id).values(**values, search=search))
        own = self._number.in_column(legs.c.peer)
        connection.execute(update(legs).where(legs.c.call_id == row.id, own).values(peer=""))
        paid = and_(reservations.c.call_id == row.id, self._number.in_column(reservations.c.number))
        connection.execute(update(reservations).where(paid).values(number=""))
        guarded = and_(toll_free_calls.c.id == row.id, self._number.in_column(toll_free_calls.c.caller))
        connection.execute(update(toll_free_calls).where(guarded).values(caller=""))
        connection.execute(delete(call_notes).where(call_notes.c.call_id == row.id))
        # What the wires said has names, and parts of numbers.
        connection.execute(delete(call_events).where(call_events.c.call_id == row.id, call_events.c.type == _TRACE))
        for event in connection.execute(select(call_events).where(call_events.c.call_id == row.id)).all():
            data = self._without(event.data)
            if is_caller and "caller_name" in data:
                data["caller_name"] = ""
            if data != event.data:
                connection.execute(update(call_events).where(call_events.c.id == event.id).values(data=data))

    def _take_out(self, connection: Connection, rows: tuple[tuple[Table, str, str], ...]) -> None:
        for table, name, key in rows:
            row = connection.execute(select(table).where(table.c.id == key)).first()
            if row is None:
                continue
            if table is contacts:
                self._take_from_contact(connection, key)
                continue
            values = {name: self._without(getattr(row, name))}
            if table is orders and row.phone in self._number.spellings:
                values |= {"phone": "", "customer": ""}
            if table is call_backs:
                values = {"number": "", "name": ""}
            if table is messages:
                values["search"] = self._without(row.search)
                connection.execute(
                    update(message_parts).where(message_parts.c.message_id == key).values(pdu=b"", text=None)
                )
            connection.execute(update(table).where(table.c.id == key).values(values))

    def _take_from_contact(self, connection: Connection, contact_id: str) -> None:
        """The number goes; a contact without another one goes whole."""
        for contact in read_contacts(connection, [contact_id]):
            phones = tuple(number for number in contact.phones if number not in self._number.spellings)
            if not phones:
                forget_contacts(connection, [contact_id])
                continue
            gone = (contact_phones.c.contact_id == contact_id) & contact_phones.c.number.not_in(phones)
            connection.execute(delete(contact_phones).where(gone))
            # Who had no name was called by a number.
            name = phones[0] if contact.name in contact.phones else self._number.without(contact.name)
            note = self._number.without(contact.note)
            values = {"name": name, "note": note, "search": search_text(name, phones, contact.tags, note)}
            values["sorted_by"] = name.casefold()
            connection.execute(update(contacts).where(contacts.c.id == contact_id).values(values))

    def _without(self, value: Any) -> Any:
        match value:
            case str():
                return self._number.without(value)
            case dict():
                return {key: self._without(each) for key, each in value.items()}
            case list():
                return [self._without(each) for each in value]
            case _:
                return value


def _erase_messages(connection: Connection, ids: tuple[str, ...]) -> None:
    bare = {"peer": None, "text": ERASED, "search": ""}
    connection.execute(update(messages).where(messages.c.id.in_(ids)).values(bare))
    connection.execute(update(message_parts).where(message_parts.c.message_id.in_(ids)).values(pdu=b"", text=None))


def _is_over(order: Row[Any], now: datetime) -> bool:
    """Nobody's call finds its way by the order any more, whatever grace it has."""
    end = min(order.expires_at, order.ended_at or order.expires_at)
    return order.closed_at is not None or bool(end < now - timedelta(days=1))


def _is_there() -> Any:
    return recordings.c.deleted_at.is_(None)


def _batches(keys: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    for first in range(0, len(keys), _AT_ONCE):
        yield keys[first : first + _AT_ONCE]
