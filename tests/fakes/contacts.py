"""Contacts as the store keeps them, in a database that is nowhere but in memory; and people for scenes."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import insert

from gateway.api.contact_routes import AddressBook
from gateway.clock import WallClock
from gateway.events import Publish
from gateway.store.blocked import StoredBlocked
from gateway.store.call_notes import StoredCallNotes
from gateway.store.call_tags import StoredCallTags
from gateway.store.contact_lists import ContactLists
from gateway.store.contacts import StoredContacts, forget_contacts
from gateway.store.journal import empty_call
from gateway.store.schema import calls, recordings
from gateway.store.schema_contacts import contact_phones, contacts
from gateway.store.writer import Writer
from gateway.telephony.contacts import Known
from gateway.telephony.shop import ShopView
from tests.fakes.direct_store import memory_writer


def contacts_in_memory(
    shop: ShopView,
    *,
    writer: Writer | None = None,
    clock: WallClock = lambda: datetime.now(UTC),
    publish: Publish = lambda _event: None,
) -> StoredContacts:
    """Contacts that are forgotten at the end, in the database of `writer` where one is given."""
    return StoredContacts(writer or memory_writer(), gateway_id="g", shop=shop, clock=clock, publish=publish)


class KeptPeople:
    """Contacts and notes in one database in memory, and what a worker reads of it."""

    def __init__(self, shop: ShopView, *, publish: Publish = lambda _event: None) -> None:
        self.writer = memory_writer()
        self.contacts = contacts_in_memory(shop, writer=self.writer, publish=publish)
        self.notes = StoredCallNotes(self.writer, gateway_id="g", clock=lambda: datetime.now(UTC))
        self.book = AddressBook(
            contacts=self.contacts,
            notes=self.notes,
            blocked=StoredBlocked(self.writer, gateway_id="g", shop=shop, clock=lambda: datetime.now(UTC)),
            tags=StoredCallTags(self.writer, gateway_id="g", clock=lambda: datetime.now(UTC)),
        )
        self.lists = ContactLists(self.writer.engine)

    def keep_contact(self, contact_id: str, name: str, *phones: str) -> None:
        """A contact of that id, with that name in every field that holds a text."""
        row = {"id": contact_id, "gateway_id": "g", "name": name, "sorted_by": name, "manager": None, "tags": [name]}
        now = datetime.now(UTC)
        with self.writer.engine.begin() as connection:
            forget_contacts(connection, [contact_id])
            connection.execute(insert(contacts).values(**row, note=name, search=name, created_at=now, changed_at=now))
            for place, number in enumerate(phones):
                number_row = {"id": f"{contact_id}-{place}", "gateway_id": "g", "contact_id": contact_id}
                connection.execute(insert(contact_phones).values(**number_row, number=number, place=place))

    def keep_call(self, call_id: str, **values: object) -> None:
        """A call of now in the store, as the journal would write it."""
        row = {**empty_call(call_id, "g"), "started_at": datetime.now(UTC), "direction": "incoming", **values}
        with self.writer.engine.begin() as connection:
            connection.execute(insert(calls).values(row))

    def keep_recording(self, recording_id: str, call_id: str) -> None:
        """A recording of that call in the store; there is no file."""
        row = {"id": recording_id, "gateway_id": "g", "call_id": call_id, "path": f"{recording_id}.wav"}
        with self.writer.engine.begin() as connection:
            connection.execute(
                insert(recordings).values(**row, state="finished", started_at=datetime.now(UTC), kept=False)
            )


class FakePeople:
    """Whom a test says the shop knows, and whose customers they are."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.managers: dict[str, str] = {}

    def known(self, number: str) -> Known | None:
        name = self.names.get(number)
        return None if name is None else Known("id", name, None, ())

    def manager_of(self, number: str, at: datetime | None = None) -> str | None:
        return self.managers.get(number)
