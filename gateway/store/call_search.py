"""Calls by the name of whom they were with, where they know only a number: contacts, and customers of orders."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, func, or_, select, union

from gateway.store.schema import calls
from gateway.store.schema_contacts import contact_phones, contacts
from gateway.store.schema_orders import orders

MOST_NUMBERS = 500
"""Of a name so short that half the town has it, so many are looked for."""


def is_with(connection: Connection, name: str) -> ColumnElement[bool] | None:
    """The call was with a contact, or with the customer of an order, whose name has that text; None: nobody has.

    By keys that the database looks up once, so that the list of calls is still read from its index alone.
    """
    if not any(character.isalpha() for character in name):
        return None
    known = (
        select(contact_phones.c.number)
        .join(contacts, contacts.c.id == contact_phones.c.contact_id)
        .where(func.instr(contacts.c.search, name.casefold()) > 0)
    )
    # The database knows upper and lower case of Latin letters only: names are tried as people write them.
    spellings = {name, name.casefold(), name.capitalize(), name.title()}
    is_customer = or_(*(func.instr(orders.c.customer, each) > 0 for each in sorted(spellings)))
    # What a courier has called is on record as the order's number.
    wanted = union(known, select(orders.c.phone).where(is_customer), select(orders.c.number).where(is_customer))
    numbers = list(connection.execute(wanted.limit(MOST_NUMBERS)).scalars())
    if not numbers:
        return None
    found = union(
        select(calls.c.id).where(calls.c.caller.in_(numbers)), select(calls.c.id).where(calls.c.called.in_(numbers))
    ).subquery()
    return calls.c.id.in_(select(found))
