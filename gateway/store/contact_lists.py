"""What is read of contacts beside the daemon: all of them for a file, and the card of whoever calls (A20).

Read-only connections of its own; the verbs block and are called in threads, by the worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Self

from sqlalchemy import Connection, Engine, Row, or_, select

from gateway.clock import WallClock, utc_now
from gateway.store.contacts import read_contacts
from gateway.store.database import Places, open_engine
from gateway.store.number_traces import TracedNumber
from gateway.store.opened import Opened
from gateway.store.orders import order_of_row
from gateway.store.row_wire import note_wire, wire
from gateway.store.schema import calls, legs
from gateway.store.schema_contacts import call_notes, contact_phones, contacts
from gateway.store.schema_orders import orders
from gateway.store.shop_document.shop_versions import load_shop
from gateway.telephony.contacts import Contact
from gateway.telephony.orders import Order
from gateway.telephony.shop import NumberRules, Shop

ON_A_CARD = 5
"""So many calls, orders and notes a card shows."""


class ContactLists(Opened):
    """The store, opened to read. Used with `with`."""

    def __init__(self, engine: Engine, clock: WallClock = utc_now) -> None:
        super().__init__(engine)
        self._reading = engine
        self._clock = clock

    @classmethod
    def of(cls, places: Places) -> Self:
        """Of a data directory."""
        return cls(open_engine(places.database, read_only=True))

    def number_rules(self) -> NumberRules:
        """How the shop reads numbers now."""
        with self._reading.connect() as connection, connection.begin():
            return load_shop(connection)[1].numbers

    def contact_ids(self) -> list[str]:
        """Of all of them, by name."""
        with self._reading.connect() as connection, connection.begin():
            return list(connection.execute(select(contacts.c.id).order_by(contacts.c.sorted_by)).scalars())

    def contacts(self, ids: Sequence[str]) -> list[Contact]:
        """Those of these ids that are still there, in that order."""
        with self._reading.connect() as connection, connection.begin():
            found = {each.id: each for each in read_contacts(connection, ids)}
        return [found[each] for each in ids if each in found]

    def card(self, number: str) -> dict[str, object]:
        """The schema `Card`: who has that number, and the last calls, orders and notes. Raises ValueError."""
        with self._reading.connect() as connection, connection.begin():
            shop = load_shop(connection)[1]
            traced = TracedNumber(number, shop.numbers)
            contact = _contact_of(connection, traced)
            own = [traced]
            if contact is not None:
                own = [TracedNumber(each, shop.numbers) for each in contact.phones]
            spellings = frozenset().union(*(each.spellings for each in own))
            found = _calls_of(connection, spellings)
            return {
                "number": traced.international or number,
                "contact": None if contact is None else contact_wire(contact),
                "calls": [_call(row) for row in found],
                "orders": [_order(each, shop, self._clock) for each in _orders_of(connection, spellings)],
                "notes": _notes_of(connection, spellings),
            }


def contact_wire(contact: Contact) -> dict[str, object]:
    """The schema `Contact`."""
    said = asdict(contact) | {"phones": list(contact.phones), "tags": list(contact.tags)}
    return said | {"created_at": wire(contact.created_at), "changed_at": wire(contact.changed_at)}


def _contact_of(connection: Connection, number: TracedNumber) -> Contact | None:
    wanted = select(contact_phones.c.contact_id).where(number.in_column(contact_phones.c.number))
    return next(iter(read_contacts(connection, list(connection.execute(wanted).scalars())[:1])), None)


def _calls_of(connection: Connection, spellings: frozenset[str]) -> list[Row[Any]]:
    """The newest calls with one of these numbers at either end."""
    by_leg = select(legs.c.call_id).where(legs.c.peer.in_(spellings))
    wanted = (
        select(calls)
        .where(or_(calls.c.caller.in_(spellings), calls.c.called.in_(spellings), calls.c.id.in_(by_leg)))
        .order_by(calls.c.started_at.desc())
        .limit(ON_A_CARD)
    )
    return list(connection.execute(wanted))


def _orders_of(connection: Connection, spellings: frozenset[str]) -> list[Order]:
    wanted = select(orders).where(orders.c.phone.in_(spellings)).order_by(orders.c.changed_at.desc()).limit(ON_A_CARD)
    return [order_of_row(row) for row in connection.execute(wanted)]


def _notes_of(connection: Connection, spellings: frozenset[str]) -> list[dict[str, object]]:
    wanted = (
        select(call_notes)
        .join(calls, calls.c.id == call_notes.c.call_id)
        .where(or_(calls.c.caller.in_(spellings), calls.c.called.in_(spellings)))
        .order_by(call_notes.c.time.desc())
        .limit(ON_A_CARD)
    )
    return [note_wire(row) | {"call_id": row.call_id} for row in connection.execute(wanted)]


def _call(row: Row[Any]) -> dict[str, object]:
    names = ("id", "direction", "caller", "called", "answered_by", "cause", "talk_seconds")
    return {name: getattr(row, name) for name in names} | {
        "started_at": wire(row.started_at),
        "answered_at": wire(row.answered_at),
        "ended_at": wire(row.ended_at),
    }


def _order(order: Order, shop: Shop, clock: WallClock) -> dict[str, object]:
    life = order.life(clock(), timedelta(minutes=shop.orders.grace_minutes))
    return {
        "number": order.number, "courier": order.courier, "stage": str(order.stage), "life": str(life),
        "note": order.note, "changed_at": wire(order.changed_at),
    }  # fmt: skip
