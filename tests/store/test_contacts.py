"""Contacts on disk: kept, found, joined from a file, in memory for calls, there again after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.errors import ContactPhoneTaken, ContactsInvalid
from gateway.events import CallAnswered, CallStarted, ContactsChanged, Event, EventBus, ShopChanged
from gateway.settings import Settings
from gateway.store.contact_drafts import MOST_PHONES
from gateway.store.contacts import StoredContacts
from gateway.store.regulars import Regulars
from gateway.store.store import open_store
from gateway.telephony.contacts import Contact, ContactDraft, ContactRules
from gateway.telephony.shop import Shop
from tests.fakes.contacts import contacts_in_memory
from tests.fakes.direct_store import loop_clock, memory_writer
from tests.fakes.exchange_view import SHOP
from tests.store.conftest import HandClock
from tests.store.test_erasure import rows

MARIA, HOME, OTHER = "+79031112233", "+74951234567", "+79031112234"


def draft(**said: Any) -> ContactDraft:
    return ContactDraft(**said)


async def add(contacts: StoredContacts, name: str, *phones: str, **said: Any) -> Contact:
    return await contacts.add(draft(name=name, phones=phones, **said), by="anna")


async def test_contacts_outlive_the_daemon(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event]
) -> None:
    async with open_store(places, clock, bus) as store:
        await store.save_shop(SHOP, by="test")
        made = await add(store.contacts, "Мария", "8 903 111-22-33", HOME, manager="101", tags=("vip",), note="roses")
        assert made.phones == (MARIA, HOME)
        assert heard[-1] == ContactsChanged(ids=(made.id,), by="anna")
    async with open_store(places, clock, bus) as store:
        known = store.contacts.known("89031112233")
        assert known is not None
        assert (known.name, known.manager, known.tags) == ("Мария", "101", ("vip",))
        clock.pass_by(days=1)
        changed = await store.contacts.change(made.id, draft(phones=(OTHER,), manager="", note=""), by="anna")
        assert changed is not None
        assert (changed.name, changed.phones, changed.manager, changed.note) == ("Мария", (OTHER,), None, "")
        assert (changed.created_at, changed.changed_at) == (clock() - timedelta(days=1), clock())
        assert await store.contacts.find(made.id) == changed
        assert store.contacts.known(MARIA) is None
        assert await store.contacts.remove(made.id, by="anna")
        assert not await store.contacts.remove(made.id, by="anna")
        assert await store.contacts.change(made.id, draft(name="x"), by="anna") is None
        assert (await store.contacts.find(made.id), store.contacts.known(OTHER)) == (None, None)


@pytest.mark.parametrize(
    "said",
    [
        {"phones": ()}, {"phones": ("not a number",)}, {"phones": ("112",)}, {"phones": ("*100#",)},
        {"name": "x" * 101}, {"name": "a\nb"}, {"name": "\ud800"}, {"tags": ("#",)}, {"tags": ("x" * 33,)},
        {"manager": "999"}, {"manager": "2001"}, {"note": "x" * 2001}, {"note": "\0"},
        {"phones": tuple(f"+7903111{number:04}" for number in range(MOST_PHONES + 1))},
    ],
)  # fmt: skip
async def test_what_is_no_contact_is_refused(said: dict[str, Any]) -> None:
    contacts = contacts_in_memory(lambda: SHOP)
    with pytest.raises(ContactsInvalid):
        await contacts.add(draft(**{"name": "Мария", "phones": (MARIA,), **said}), by="anna")
    assert contacts.known(MARIA) is None


async def test_a_number_has_one_contact() -> None:
    contacts = contacts_in_memory(lambda: SHOP)
    maria, boris = await add(contacts, "Мария", MARIA, MARIA), await add(contacts, "", OTHER)
    assert (maria.phones, boris.name) == ((MARIA,), OTHER), "who has no name is called by the number"
    with pytest.raises(ContactPhoneTaken) as refusal:
        await add(contacts, "Борис", HOME, "8 (903) 111-22-33")
    assert refusal.value.values == {"number": MARIA, "name": "Мария"}
    with pytest.raises(ContactPhoneTaken):
        await contacts.change(boris.id, draft(phones=(OTHER, MARIA)), by="anna")
    assert contacts.known(HOME) is None


async def listed(contacts: StoredContacts, **wanted: Any) -> Sequence[str]:
    asked = {"search": "", "tag": None, "manager": None, "after": None, "limit": 50, **wanted}
    return [each.name for each in (await contacts.page(**asked))[0]]


async def test_contacts_are_found_and_listed_by_name() -> None:
    contacts = contacts_in_memory(lambda: SHOP)
    for place, name in enumerate(("Яна", "анна", "Борис", "Ёлка", "Вера")):
        tags = ("VIP", "опт") if place % 2 else ("вип-2",)
        await add(contacts, name, f"+7903111000{place}", tags=tags, note="любит розы", manager="101" if place else None)
    assert await listed(contacts) == ["анна", "Борис", "Вера", "Ёлка", "Яна"]
    assert await listed(contacts, search=" АНН ") == ["анна"]
    assert await listed(contacts, search="8 (903) 111-00-02") == ["Борис"]
    assert await listed(contacts, search="розы", tag="vip") == ["анна", "Ёлка"]
    assert await listed(contacts, tag="ип") == []
    assert await listed(contacts, manager="101") == ["анна", "Борис", "Вера", "Ёлка"]
    assert await listed(contacts, search="%") == []
    first, following = await contacts.page(search="", tag=None, manager=None, after=None, limit=3)
    second, end = await contacts.page(search="", tag=None, manager=None, after=following, limit=3)
    assert ([each.name for each in (*first, *second)], end) == (["анна", "Борис", "Вера", "Ёлка", "Яна"], None)
    for wrong in ("x", "ééé", "AAAA"):
        with pytest.raises(ValueError, match="cursor"):
            await contacts.page(search="", tag=None, manager=None, after=wrong, limit=3)


async def test_a_file_joins_what_is_known() -> None:
    contacts = contacts_in_memory(lambda: SHOP)
    maria = await add(contacts, "Мария", MARIA, tags=("vip",), note="roses")
    await add(contacts, "Борис", OTHER)
    file = [
        ("line 2", draft(name="Мария И.", phones=(HOME, MARIA), tags=("опт",), note="")),
        ("line 3", draft(name="Борис", phones=(OTHER,))),
        ("line 4", draft(name="Вера", phones=("+79031110001",), manager="101")),
        ("line 5", draft(name="Вера дома", phones=("+79031110001", "+79031110002"))),
        ("line 6", draft(name="Оба", phones=(MARIA, OTHER))),
        ("line 7", draft(name="Никто", phones=("+79031110003",), manager="7")),
        ("line 8", draft(name="Без номера", phones=())),
    ]
    looked = await contacts.take(file, by="anna", really=False)
    assert await contacts.find(maria.id) == maria, "a look changes nothing"
    taken = await contacts.take(file, by="anna", really=True)
    assert replace(taken, id=None) == looked
    assert (taken.added, taken.changed, taken.same) == (1, 1, 1)
    assert [place for place, _ in taken.problems] == ["line 6", "line 7", "line 8"]
    joined = await contacts.find(maria.id)
    assert joined is not None
    assert (joined.name, joined.phones, joined.tags) == ("Мария И.", (MARIA, HOME), ("vip", "опт"))
    assert joined.note == "roses"
    assert await listed(contacts) == ["Борис", "Вера дома", "Мария И."]
    again = await contacts.take(file[:3], by="anna", really=True)
    assert (again.added, again.changed, again.same) == (0, 1, 2), "only Вера has another name now"


def talked(number: str, call_id: str, by: str = "101", direction: str = "incoming") -> list[Event]:
    return [
        CallStarted(call_id=call_id, direction=direction, caller=number, called="red", line="red", flow="x"),
        CallAnswered(call_id=call_id, answered_by=by),
    ]


async def test_who_is_regular_and_whose(places: Settings, clock: HandClock, bus: EventBus) -> None:
    rules = ContactRules(regular_calls=3, regular_days=30)
    shop = Shop(phones=SHOP.phones, lines=SHOP.lines, couriers=SHOP.couriers, contacts=rules)
    async with open_store(places, clock, bus) as store:
        await store.save_shop(shop, by="test")
        for place in range(3):
            assert store.people.manager_of(MARIA) is None, "twice is not often"
            for event in talked("89031112233", f"c{place}", by="101" if place == 1 else "2001"):
                bus.publish(event)
            clock.pass_by(days=10)
        assert store.people.manager_of("8 903 111-22-33") == "101", "whoever of the shop talked to them last"
        for event in talked(OTHER, "d", direction="outgoing"):
            bus.publish(event)
    async with open_store(places, clock, bus) as store:
        assert store.people.manager_of(MARIA) == "101", "it is read from the calls after a restart"
        clock.pass_by(seconds=1)
        assert store.people.manager_of(MARIA) is None, "the first of the three is too long ago"
        await store.save_shop(
            Shop(phones=SHOP.phones, lines=SHOP.lines, contacts=ContactRules(regular_calls=2)), by="x"
        )
        await store.orders.find("1")  # the talks were read before this
        assert store.people.manager_of(MARIA) == "101"
        assert store.people.manager_of("") is None


@pytest.mark.parametrize(
    ("said", "manager"),
    [({"manager": "101"}, "101"), ({"tags": ("regular",)}, None), ({"tags": ("VIP",)}, None), ({}, None)],
)
async def test_by_hand_it_needs_no_calls(said: dict[str, Any], manager: str | None) -> None:
    shop = [SHOP]
    writer = memory_writer()
    contacts = contacts_in_memory(lambda: shop[0], writer=writer)
    people = Regulars(writer, contacts, shop=lambda: shop[0], clock=loop_clock)
    bus = EventBus(loop_clock)
    bus.subscribe(people)
    await add(contacts, "Мария", MARIA, **said)
    assert people.manager_of(MARIA) == manager
    for event in talked(MARIA, "c"):
        bus.publish(event)
    has_manager = manager or ("101" if said.get("tags") == ("regular",) else None)
    assert people.manager_of(MARIA) == has_manager
    people.forget(MARIA)
    assert people.manager_of(MARIA) == manager
    shop[0] = Shop(contacts=SHOP.contacts)
    bus.publish(ShopChanged(by="anna"))
    assert people.manager_of(MARIA) is None, "that phone is of the shop no more"


async def test_a_talk_while_the_talks_are_read_anew_is_counted_too() -> None:
    shop = [replace(SHOP, contacts=ContactRules(regular_calls=1))]
    writer = memory_writer()
    people = Regulars(
        writer, contacts_in_memory(lambda: shop[0], writer=writer), shop=lambda: shop[0], clock=loop_clock
    )
    bus = EventBus(loop_clock)
    bus.subscribe(people)
    for event in talked(OTHER, "before"):
        bus.publish(event)
    shop[0] = replace(SHOP, contacts=ContactRules(regular_calls=1, regular_days=7))
    for event in (ShopChanged(by="anna"), *talked(MARIA, "meanwhile")):
        bus.publish(event)
    await asyncio.sleep(0.1)
    assert people.manager_of(MARIA) == "101"
    assert people.manager_of(OTHER) is None, "no row tells of that call"


async def test_a_removed_contact_is_put_back_for_some_minutes(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    async with open_store(places, clock, bus) as store:
        await store.save_shop(SHOP, by="test")
        contacts = store.contacts
        made = await add(contacts, "Мария", MARIA, HOME, tags=("vip",), note="roses")
        assert await contacts.put_back(made.id, by="anna") is None, "it is there"
        assert await contacts.remove(made.id, by="anna")
        clock.pass_by(minutes=9)
        assert await contacts.put_back(made.id, by="boris") == made
        assert await contacts.find(made.id) == made
        assert contacts.known(HOME) is not None
        assert await contacts.put_back(made.id, by="anna") is None, "once"
        assert await contacts.remove(made.id, by="anna")
        other = await add(contacts, "Ольга", HOME)
        with pytest.raises(ContactPhoneTaken):
            await contacts.put_back(made.id, by="anna")
        assert await contacts.remove(other.id, by="anna")
        clock.pass_by(minutes=10)
        assert await contacts.put_back(made.id, by="anna") is None, "too late"
        assert await contacts.find(made.id) is None
        made = await add(contacts, "Мария", MARIA)
        assert await contacts.remove(made.id, by="anna")
        await contacts.load()  # as when a number is erased
        assert await contacts.put_back(made.id, by="anna") is None


async def test_a_file_is_taken_back_but_for_what_was_changed_since(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    async with open_store(places, clock, bus) as store:
        await store.save_shop(SHOP, by="test")
        contacts = store.contacts
        maria = await add(contacts, "Мария", MARIA, tags=("vip",), note="roses")
        boris = await add(contacts, "Борис", OTHER)
        before = rows(places, "SELECT * FROM contacts ORDER BY id")
        file = [
            ("line 2", draft(name="Мария И.", phones=(HOME, MARIA), tags=("опт",))),
            ("line 3", draft(name="Борис Б.", phones=(OTHER,), note="tulips")),
            *((f"line {4 + each}", draft(name=f"Новый {each}", phones=(f"+7903111{each:04}",))) for each in range(600)),
        ]
        clock.pass_by(minutes=1)
        taken = await contacts.take(file, by="anna", really=True)
        assert taken.id is not None
        assert (await contacts.take(file, by="anna", really=False)).id is None
        assert await contacts.take_back("another", by="anna") is None
        done = await contacts.take_back(taken.id, by="boris")
        assert done is not None
        assert (done.restored, done.kept) == (602, ())
        assert rows(places, "SELECT * FROM contacts ORDER BY id") == before, "to the last letter"
        assert await contacts.find(maria.id) == maria
        assert rows(places, "SELECT count(*) FROM contact_phones") == [(2,)]
        assert (contacts.known(HOME), contacts.known("+79031110599")) == (None, None)
        assert await contacts.take_back(taken.id, by="anna") is None, "once"
        assert rows(places, "SELECT subject FROM audit WHERE action = 'contacts.import-undone'") == [("602",)]

        taken = await contacts.take(file[:6], by="anna", really=True)
        assert taken.id is not None
        await contacts.change(boris.id, draft(note="peonies"), by="olga")
        new = contacts.known("+79031110001")
        assert new is not None
        assert await contacts.remove(new.id, by="olga")
        done = await contacts.take_back(taken.id, by="anna")
        assert done is not None
        assert (done.restored, done.kept) == (4, ("Борис Б.", "Новый 1"))
        kept = await contacts.find(boris.id)
        assert kept is not None
        assert kept.note == "peonies"
        assert await contacts.find(maria.id) == maria
        assert await listed(contacts) == ["Борис Б.", "Мария"]

        taken = await contacts.take(file[:3], by="anna", really=True)
        assert taken.id is not None
        clock.pass_by(minutes=10)
        assert await contacts.take_back(taken.id, by="anna") is None, "too late"
        taken = await contacts.take(file[3:6], by="anna", really=True)
        assert taken.id is not None
        await contacts.load()  # as when a number is erased
        assert await contacts.take_back(taken.id, by="anna") is None
