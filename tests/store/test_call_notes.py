"""Notes on calls, and on places of their recordings."""

from __future__ import annotations

from gateway.events import EventBus
from gateway.settings import Settings
from gateway.store.store import open_store
from tests.store.conftest import HandClock, small_shop
from tests.store.test_erasure import ended, rows
from tests.store.test_evidence import CUSTOMER, recorded


async def test_a_note_is_kept_on_a_place_of_a_recording_of_that_call(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    async with open_store(places, clock, bus) as store:
        await store.save_shop(small_shop(), by="test")
        for call_id in ("own", "another"):
            recorded(places, bus, clock, call_id, caller=CUSTOMER)
            ended(bus, call_id)
        notes = store.call_notes
        assert await notes.add("own", "on the whole", by="anna")
        (recording_id,) = (str(row[0]) for row in rows(places, "SELECT id FROM recordings WHERE call_id = 'own'"))
        assert await notes.add("own", "promises a discount", by="anna", place=(recording_id, 12.5))
        assert await notes.add("another", "of another call", by="anna", place=(recording_id, 1.0)) is None
        assert await notes.add("own", "of none", by="anna", place=("nothing", 1.0)) is None
    assert rows(places, "SELECT text, recording_id, at_seconds FROM call_notes ORDER BY time, text") == [
        ("on the whole", None, None),
        ("promises a discount", recording_id, 12.5),
    ]


async def test_a_removed_note_is_put_back_for_some_minutes(places: Settings, clock: HandClock, bus: EventBus) -> None:
    async with open_store(places, clock, bus) as store:
        await store.save_shop(small_shop(), by="test")
        recorded(places, bus, clock, "own", caller=CUSTOMER)
        ended(bus, "own")
        notes = store.call_notes
        note_id = await notes.add("own", "wants roses", by="anna")
        assert note_id is not None
        before = rows(places, "SELECT * FROM call_notes")
        assert not await notes.put_back("own", note_id, by="anna"), "it is there"
        assert await notes.remove("own", note_id, by="anna")
        clock.pass_by(minutes=9)
        assert not await notes.put_back("another", note_id, by="anna")
        assert await notes.put_back("own", note_id, by="boris")
        assert rows(places, "SELECT * FROM call_notes") == before, "with its time and who wrote it"
        assert not await notes.put_back("own", note_id, by="anna"), "once"
        assert await notes.remove("own", note_id, by="anna")
        clock.pass_by(minutes=10)
        assert not await notes.put_back("own", note_id, by="anna"), "too late"
        told = rows(places, "SELECT \"by\" FROM audit WHERE action = 'call.note-put-back'")
        assert told == [("boris",)]
