"""Contacts on disk; whose number it is stands in memory too, so that no call waits for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    String,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
    type_coerce,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.clock import WallClock
from gateway.errors import ContactPhoneTaken
from gateway.events import ContactsChanged, Publish
from gateway.ids import new_id
from gateway.store.audit import add_audit
from gateway.store.contact_drafts import Taken, blank, differs, invalid, merged, with_draft
from gateway.store.paging import holds, read_cursor, write_cursor
from gateway.store.schema_contacts import contact_phones, contacts
from gateway.store.taken_table import TakenBack, TakenTable
from gateway.store.writer import Writer
from gateway.telephony.contacts import Contact, ContactDraft, Known
from gateway.telephony.numbers import NumberPolicy
from gateway.telephony.shop import ShopView

MOST_CONTACTS = 20_000
"""All their numbers are in memory: about 10 MB."""
PUT_BACK_WITHIN = timedelta(minutes=10)
_AT_ONCE = 500


class StoredContacts:
    """The contacts of the shop. `by` is the name of who changes them. Every verb but `known` may raise StoreError."""

    def __init__(self, writer: Writer, *, gateway_id: str, shop: ShopView, clock: WallClock, publish: Publish) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._shop = shop
        self._clock = clock
        self._publish = publish
        self._changing = asyncio.Lock()
        self._by_number: dict[str, Known] = {}
        self._removed: dict[str, tuple[Contact, datetime]] = {}
        """What can be put back, and until when: kept in memory alone, so that a number that is erased is nowhere."""
        self._table: TakenTable[Contact] | None = None

    async def load(self) -> None:
        """Read whose number it is, also after somebody else has changed the rows."""
        async with self._changing:
            self._by_number = await self._writer.write(_read_known)
            self._forget_former()

    def changed_by_others(self, connection: Connection) -> dict[str, Known] | None:
        """In the writer's thread: whose number it is, when another process (the command line) has erased one."""
        count = connection.execute(select(func.count()).select_from(contact_phones)).scalar_one()
        return _read_known(connection) if count != len(self._by_number) else None

    def use(self, known: dict[str, Known]) -> None:
        """Know these numbers from now on."""
        self._by_number = known
        self._forget_former()

    def known(self, number: str) -> Known | None:
        """The contact with that number, as a network or a person spells it."""
        found = self._by_number.get(number)
        if found is None and number and self._by_number:
            found = self._by_number.get(NumberPolicy(self._shop().numbers).normalise(number) or "")
        return found

    def listed(self) -> list[tuple[str, str]]:
        """Names and numbers, by name: what a phone book holds."""
        return sorted((each.name, number) for number, each in self._by_number.items())

    async def find(self, contact_id: str) -> Contact | None:
        """The contact of that id."""
        return next(iter(await self._writer.write(lambda connection: read_contacts(connection, [contact_id]))), None)

    async def page(
        self, *, search: str, tag: str | None, manager: str | None, after: str | None, limit: int
    ) -> tuple[list[Contact], str | None]:
        """Contacts by name, those behind the cursor `after`, and the cursor of the next page. Raises ValueError."""
        conditions = [holds(contacts.c.search, search)] if search.strip() else []
        if tag is not None:
            conditions.append(func.instr(type_coerce(contacts.c.search, String), f"#{tag.casefold()}#") > 0)
        if manager is not None:
            conditions.append(contacts.c.manager == manager)
        if after is not None:
            contact_id, name = read_cursor(after)
            conditions.append(tuple_(contacts.c.sorted_by, contacts.c.id) > tuple_(literal(name), literal(contact_id)))
        wanted = (
            select(contacts.c.id, contacts.c.sorted_by)
            .where(*conditions)
            .order_by(contacts.c.sorted_by, contacts.c.id)
            .limit(limit + 1)
        )

        def read(connection: Connection) -> tuple[list[Contact], str | None]:
            rows = connection.execute(wanted).all()
            found = {each.id: each for each in read_contacts(connection, [row.id for row in rows[:limit]])}
            following = write_cursor(rows[limit - 1].id, rows[limit - 1].sorted_by) if len(rows) > limit else None
            return [found[row.id] for row in rows[:limit]], following

        return await self._writer.write(read)

    async def add(self, draft: ContactDraft, *, by: str) -> Contact:
        """A new contact. Raises ContactsInvalid, and ContactPhoneTaken where another one has a number of it."""
        async with self._changing:
            made = self._with(blank(self._clock()), draft)
            self._require_room(1)
            self._require_free(made)
            await self._keep([made], by=by, action="contact.created")
        return made

    async def change(self, contact_id: str, draft: ContactDraft, *, by: str) -> Contact | None:
        """Say other things of a contact; None: there is none of that id. Raises as `add`."""
        async with self._changing:
            former = await self.find(contact_id)
            if former is None:
                return None
            changed = self._with(former, draft)
            self._require_free(changed)
            await self._keep([changed], by=by, action="contact.changed")
        return changed

    async def remove(self, contact_id: str, *, by: str) -> bool:
        """Forget a contact; False: there is none of that id. Calls keep the name they had."""
        async with self._changing:
            former, now = await self.find(contact_id), self._clock()
            if former is None:
                return False

            def remove(connection: Connection) -> None:
                forget_contacts(connection, [contact_id])
                add_audit(
                    connection, gateway_id=self._gateway_id, now=now, by=by, action="contact.removed",
                    subject=contact_id, details={},
                )  # fmt: skip

            await self._writer.write(remove)
            self._removed = {key: each for key, each in self._removed.items() if now < each[1]}
            self._removed[contact_id] = former, now + PUT_BACK_WITHIN
            self._by_number = {number: each for number, each in self._by_number.items() if each.id != contact_id}
        self._publish(ContactsChanged(ids=(contact_id,), by=by))
        return True

    async def put_back(self, contact_id: str, *, by: str) -> Contact | None:
        """Have a contact again that was removed within the last minutes; None: it is too late, or there was none.

        Raises ContactPhoneTaken where another contact has a number of it by now.
        """
        async with self._changing:
            contact, until = self._removed.get(contact_id, (None, None))
            if contact is None or until is None or self._clock() >= until:
                return None
            self._require_room(1)
            self._require_free(contact)
            await self._keep([contact], by=by, action="contact.put-back")
            del self._removed[contact_id]
        return contact

    async def take(self, drafts: Sequence[tuple[str, ContactDraft]], *, by: str, really: bool) -> Taken:
        """Contacts of a file, each with its place; their numbers are in E.164.

        One with a number that is known joins that contact: its name, manager and note replace what was there where
        they say something, numbers and tags come to the others. What cannot be taken is left out and told. Unless
        `really`, nothing is changed.
        """
        async with self._changing:
            ids = sorted({each.id for _, draft in drafts for each in self._owners(draft.phones or ())})
            former = await self._writer.write(lambda connection: read_contacts(connection, ids))
            known = {each.id: each for each in former}
            taken, changed = await asyncio.to_thread(merged, drafts, known, shop=self._shop(), now=self._clock())
            if really and changed:
                self._require_room(taken.added)
                await self._keep(changed, by=by, action="contacts.imported")
                rows = {each.id: (known.get(each.id), each) for each in changed}
                self._table = TakenTable(new_id(), self._clock() + PUT_BACK_WITHIN, rows)
                taken = replace(taken, id=self._table.id)
        return taken

    async def take_back(self, table_id: str, *, by: str) -> TakenBack | None:
        """Have everything as it was before that file was taken, within some minutes of it.

        What somebody has changed or removed since stays as it is, and is told by its name. None: it is too late, or
        another file was taken since.
        """
        async with self._changing:
            table = self._table
            if table is None or table.id != table_id or self._clock() >= table.until:
                return None
            found = await self._writer.write(lambda connection: read_contacts(connection, list(table.rows)))
            there = {each.id: each for each in found}
            untouched = {
                key: former
                for key, (former, left) in table.rows.items()
                if key in there and not differs(there[key], left)
            }
            kept = tuple(there.get(key, left).name for key, (_, left) in table.rows.items() if key not in untouched)
            if untouched:
                restored = [former for former in untouched.values() if former is not None]
                added = [key for key, former in untouched.items() if former is None]
                await self._keep(restored, by=by, action="contacts.import-undone", without=added)
            self._table = None
        return TakenBack(len(untouched), kept)

    async def note_export(self, *, by: str) -> None:
        """Have it on record who took them all."""
        now, count = self._clock(), len({each.id for each in self._by_number.values()})
        await self._writer.write(
            lambda connection: add_audit(
                connection, gateway_id=self._gateway_id, now=now, by=by, action="contacts.exported",
                subject=str(count), details={},
            )
        )  # fmt: skip

    def _forget_former(self) -> None:
        """Nothing can be put back any more."""
        self._removed.clear()
        self._table = None

    def _with(self, contact: Contact, draft: ContactDraft) -> Contact:
        return with_draft(contact, draft, shop=self._shop(), now=self._clock())

    def _owners(self, phones: Sequence[str]) -> list[Known]:
        return [self._by_number[number] for number in phones if number in self._by_number]

    def _require_free(self, contact: Contact) -> None:
        for number in contact.phones:
            owner = self._by_number.get(number)
            if owner is not None and owner.id != contact.id:
                raise ContactPhoneTaken(f"{number} belongs to {owner.name!r}.", number=number, name=owner.name)

    def _require_room(self, more: int) -> None:
        if len({each.id for each in self._by_number.values()}) + more > MOST_CONTACTS:
            raise invalid(f"More than {MOST_CONTACTS} contacts cannot be kept.")

    async def _keep(self, changed: Sequence[Contact], *, by: str, action: str, without: Sequence[str] = ()) -> None:
        """Commit these, and forget those of the ids `without`."""
        now, gateway_id = self._clock(), self._gateway_id
        ids = [*(contact.id for contact in changed), *without]
        subject = ids[0] if len(ids) == 1 else str(len(ids))
        rows = [_row_of(contact, gateway_id) for contact in changed]
        numbers = [
            {"id": new_id(), "gateway_id": gateway_id, "contact_id": each.id, "number": number, "place": place}
            for each in changed
            for place, number in enumerate(each.phones)
        ]
        statement = upsert(contacts)

        def keep(connection: Connection) -> None:
            for first in range(0, len(ids), _AT_ONCE):
                some = ids[first : first + _AT_ONCE]
                connection.execute(delete(contact_phones).where(contact_phones.c.contact_id.in_(some)))
            for first in range(0, len(without), _AT_ONCE):
                forget_contacts(connection, without[first : first + _AT_ONCE])
            if rows:
                new_values = {name: statement.excluded[name] for name in rows[0] if name not in ("id", "gateway_id")}
                connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=new_values), rows)
                connection.execute(insert(contact_phones), numbers)
            add_audit(connection, gateway_id=gateway_id, now=now, by=by, action=action, subject=subject, details={})

        await self._writer.write(keep)
        concerned = set(ids)
        self._by_number = {number: each for number, each in self._by_number.items() if each.id not in concerned}
        for contact in changed:
            known = Known(contact.id, contact.name, contact.manager, contact.tags)
            self._by_number |= dict.fromkeys(contact.phones, known)
        self._publish(ContactsChanged(ids=tuple(ids[:50]), by=by))


def read_contacts(connection: Connection, ids: Sequence[str]) -> list[Contact]:
    """The contacts of these ids, in no order."""
    found: list[Contact] = []
    for first in range(0, len(ids), _AT_ONCE):
        some = ids[first : first + _AT_ONCE]
        phones: dict[str, list[str]] = {}
        of_these = select(contact_phones).where(contact_phones.c.contact_id.in_(some))
        for row in connection.execute(of_these.order_by(contact_phones.c.place)):
            phones.setdefault(row.contact_id, []).append(row.number)
        rows = connection.execute(select(contacts).where(contacts.c.id.in_(some)))
        found += [_contact(row, tuple(phones.get(row.id, ()))) for row in rows]
    return found


def forget_contacts(connection: Connection, ids: Sequence[str]) -> None:
    """Remove them with their numbers."""
    connection.execute(delete(contact_phones).where(contact_phones.c.contact_id.in_(ids)))
    connection.execute(delete(contacts).where(contacts.c.id.in_(ids)))


def search_text(name: str, phones: Sequence[str], tags: Sequence[str], note: str) -> str:
    """What a search looks through: tags stand between the signs `#`."""
    marked = "".join(f"#{tag}" for tag in tags) + "#" if tags else ""
    return "\n".join((name, " ".join(phones), marked, note)).casefold()


def _read_known(connection: Connection) -> dict[str, Known]:
    rows = connection.execute(select(contacts.c.id, contacts.c.name, contacts.c.manager, contacts.c.tags))
    by_id = {row.id: Known(row.id, row.name, row.manager, tuple(row.tags)) for row in rows}
    numbers = connection.execute(select(contact_phones.c.number, contact_phones.c.contact_id))
    return {row.number: by_id[row.contact_id] for row in numbers}


def _contact(row: Row[Any], phones: tuple[str, ...]) -> Contact:
    return Contact(
        id=row.id, name=row.name, phones=phones, manager=row.manager, tags=tuple(row.tags), note=row.note,
        created_at=row.created_at, changed_at=row.changed_at,
    )  # fmt: skip


def _row_of(contact: Contact, gateway_id: str) -> dict[str, object]:
    return {
        "id": contact.id, "gateway_id": gateway_id, "name": contact.name,
        "sorted_by": contact.name.casefold().replace("ё", "е"),
        "manager": contact.manager, "tags": list(contact.tags), "note": contact.note,
        "search": search_text(contact.name, contact.phones, contact.tags, contact.note),
        "created_at": contact.created_at, "changed_at": contact.changed_at,
    }  # fmt: skip
