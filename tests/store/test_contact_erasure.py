"""A number that is erased goes from contacts and notes too, on disk and in memory (T-L8)."""

from __future__ import annotations

import asyncio

import pytest

from gateway.events import EventBus
from gateway.settings import Settings
from gateway.store.erasures import erase_number
from gateway.store.store import Store, open_store
from gateway.telephony.contacts import ContactDraft
from tests.store.conftest import HandClock, small_shop
from tests.store.test_erasure import done, ended, erasing, found_in, rows
from tests.store.test_evidence import CUSTOMER, recorded

OTHER, THIRD = "+79031112234", "+79031112235"


async def fill(store: Store, places: Settings, bus: EventBus, clock: HandClock) -> None:
    """The customer alone, with another number, and mentioned; a call of the customer and one of somebody else."""
    await store.save_shop(small_shop(), by="test")
    for name, phones, note in (
        ("Мария Иванова", (CUSTOMER,), "любит розы"),
        ("Мать той", (THIRD,), "дочь: 8 (903) 111-22-33"),
    ):
        await store.contacts.add(ContactDraft(name=name, phones=phones, note=note, tags=("vip",)), by="anna")
    for call_id, caller in (("own", CUSTOMER), ("another", OTHER)):
        recorded(places, bus, clock, call_id, caller=caller)
        ended(bus, call_id)
        assert await store.call_notes.add(call_id, f"{call_id}: перезвонить на 89031112233", by="anna")


async def test_it_goes_from_contacts_and_notes(places: Settings, clock: HandClock, bus: EventBus) -> None:
    async with open_store(places, clock, bus) as store, erasing(store, places) as erasures:
        await fill(store, places, bus, clock)
        plan = await erasures.plan(CUSTOMER)
        assert (plan.calls, plan.mentions) == (1, 3), "two contacts and the note on the other's call"
        await done(erasures, erasures.begin(CUSTOMER, by="anna").id)
        assert store.contacts.known(CUSTOMER) is None
        assert store.people.manager_of(CUSTOMER) is None
        (mother,) = (await store.contacts.page(search="", tag=None, manager=None, after=None, limit=9))[0]
        assert (mother.name, mother.note, mother.tags) == ("Мать той", "дочь: …", ("vip",))
        assert rows(places, "SELECT text FROM call_notes") == [("another: перезвонить на …",)]
        assert (await erasures.plan(CUSTOMER)).is_empty
    assert found_in(places.data_dir) == []


@pytest.mark.parametrize("name", ["", "Мария", "Мария 8 (903) 111-22-33"])
async def test_a_contact_keeps_its_other_numbers(places: Settings, clock: HandClock, name: str) -> None:
    async with open_store(places, clock) as store, erasing(store, places) as erasures:
        await store.contacts.add(ContactDraft(name=name, phones=(CUSTOMER, OTHER)), by="anna")
        await done(erasures, erasures.begin(CUSTOMER, by="anna").id)
        known = store.contacts.known(OTHER)
        assert known is not None
        assert known.name == {"": OTHER, "Мария": "Мария"}.get(name, "Мария …")
        assert store.contacts.known(CUSTOMER) is None
    assert found_in(places.data_dir) == []


@pytest.mark.real_time
async def test_a_running_daemon_notices_what_the_command_line_has_erased(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    async with open_store(places, clock, bus) as store:
        await fill(store, places, bus, clock)
        await asyncio.to_thread(
            lambda: erase_number(places, places.recordings_dir, CUSTOMER, really=True, tell=lambda *_each: None)
        )
        for _ in range(400):
            if store.contacts.known(CUSTOMER) is None:
                break
            await asyncio.sleep(0.05)
        assert store.contacts.known(CUSTOMER) is None
        assert store.contacts.known(THIRD) is not None
