"""B8, T-L10: what is held for a dispute stays, and who listened is on record."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.events import (
    CallRouted,
    CallStarted,
    EventBus,
    LegStarted,
    RecordingFinished,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
)
from gateway.settings import Settings
from gateway.store.audit import first_broken
from gateway.store.database import open_engine
from gateway.store.number_traces import TracedNumber
from gateway.store.queries import Queries
from gateway.store.store import open_store
from gateway.telephony.recording_policy import RecordingPolicy
from gateway.telephony.shop import NumberRules
from tests.api.shapes import assert_fits
from tests.faults import rounds
from tests.store.conftest import HandClock, small_shop
from tests.store.test_retention import Disk, an_hour

CUSTOMER = "+79031112233"


def a_call(
    bus: EventBus,
    call_id: str,
    *,
    caller: str = CUSTOMER,
    caller_name: str = "",
    called: str = "101",
    leg: str = "101",
) -> None:
    bus.publish(
        CallStarted(
            call_id=call_id, direction="incoming", caller=caller, caller_name=caller_name, called=called, line="red",
            flow="ring_phones",
        )
    )  # fmt: skip
    bus.publish(
        LegStarted(call_id=call_id, leg_id=f"leg-{call_id}", kind="sip", direction="outgoing", peer=leg, line=None)
    )


def recorded(places: Settings, bus: EventBus, clock: HandClock, call_id: str, **parties: str) -> Path:
    """A call with a recording `r-...`, and its file."""
    a_call(bus, call_id, **parties)
    path = f"{clock():%Y-%m-%d}/r-{call_id}.wav"
    file = places.recordings_dir / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"RIFF" + bytes(996))
    bus.publish(RecordingStarted(call_id=call_id, recording_id=f"r-{call_id}", path=path))
    bus.publish(
        RecordingFinished(
            call_id=call_id, recording_id=f"r-{call_id}", path=path, seconds=1, size_bytes=1000, verdict="both-heard"
        )
    )
    return file


def audit_rows(places: Settings) -> list[tuple[str, str, str]]:
    with closing(sqlite3.connect(places.database)) as connection:
        query = "SELECT by, action, subject FROM audit WHERE action LIKE 'recording.%' ORDER BY number"
        return connection.execute(query).fetchall()


def call_of(places: Settings, call_id: str) -> dict[str, Any]:
    with Queries(places) as queries:
        found = queries.call(call_id)
    assert found is not None
    return found


async def test_of_a_pack_each_recording_is_on_record(places: Settings, clock: HandClock, bus: EventBus) -> None:
    async with open_store(places, clock, bus) as store:
        await store.save_shop(small_shop(), by="test")
        ids = [f"r-{number}" for number in range(120)]
        await store.evidence.note_pack(ids, by="anna", address="10.0.0.7")
        with closing(sqlite3.connect(places.database)) as connection:
            told = connection.execute(
                "SELECT \"by\", subject, details FROM audit WHERE action = 'recording.downloaded' ORDER BY number"
            ).fetchall()
        assert [each[:2] for each in told] == [("anna", each) for each in ids]
        assert {each[2] for each in told} == {'{"address": "10.0.0.7", "together": 120}'}


async def test_a_held_call_outlives_its_days_and_a_full_disk(places: Settings, clock: HandClock, bus: EventBus) -> None:
    disk = Disk(10**9)
    async with open_store(places, clock, bus) as store:
        await store.save_shop(replace(small_shop(), recording=RecordingPolicy(keep_days=3)), by="test")
        evidence, retention = store.evidence, store.retention(places.recordings_dir, used=disk.used)
        await retention.sweep()
        await an_hour(clock)
        held, other = (recorded(places, bus, clock, name) for name in ("held", "other"))
        assert await evidence.hold_call("held", by="anna", why="order 17") == 1
        await an_hour(clock, 24 * 10)
        assert await retention.sweep() == 1
        assert (held.exists(), other.exists()) == (True, False)
        disk.size_bytes = 1000  # and now it is more than full
        assert await retention.sweep() == 0
        assert held.exists()
        disk.size_bytes = 10**9
        assert call_of(places, "held")["recordings"][0]["held"] == {
            "by": "anna", "at": "2026-03-02T10:00:00.000Z", "why": "order 17"
        }  # fmt: skip
        assert await evidence.release_call("held", by="boris") == 1
        assert call_of(places, "held")["recordings"][0]["held"] is None
        assert await retention.sweep() == 1
        assert not held.exists()
    assert audit_rows(places) == [
        ("anna", "recording.held", "r-held"),
        ("boris", "recording.released", "r-held"),
    ]


async def test_all_recordings_of_a_number_are_held_however_it_is_spelled(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    async with open_store(places, clock, bus) as store:
        recorded(places, bus, clock, "as-caller")
        recorded(places, bus, clock, "as-called", caller="2001", called="89031112233")
        recorded(places, bus, clock, "as-leg", caller="2001", called="2002", leg=CUSTOMER)
        recorded(places, bus, clock, "another", caller="+79031112234")
        assert await store.evidence.hold_number("8 (903) 111-22-33", by="anna", why="order 17") == 3
        assert await store.evidence.hold_number(CUSTOMER, by="anna", why="again") == 3
        assert call_of(places, "another")["recordings"][0]["held"] is None
        assert call_of(places, "as-leg")["recordings"][0]["held"]["why"] == "order 17"
        assert await store.evidence.release_number("9031112233", by="anna") == 3
        assert await store.evidence.release_number("9031112233", by="anna") == 0
        with pytest.raises(ValueError, match="three characters"):
            await store.evidence.hold_number("7 ", by="anna", why="all of them")


async def test_all_recordings_of_an_order_are_held(places: Settings, clock: HandClock, bus: EventBus) -> None:
    async with open_store(places, clock, bus) as store:
        for call_id, order in (("first", "1001"), ("second", "1001"), ("other", "10012"), ("none", None)):
            recorded(places, bus, clock, call_id)
            bus.publish(CallRouted(call_id=call_id, called="2001", flow="to_courier", order=order))
        assert await store.evidence.hold_order("1001", by="anna", why="no box") == 2
        assert await store.evidence.hold_order("1002", by="anna", why="no box") == 0
        why = {each: (call_of(places, each)["recordings"][0]["held"] or {}).get("why") for each in ("first", "other")}
        assert why == {"first": "no box", "other": None}
        assert await store.evidence.release_order("1001", by="boris") == 2
        assert await store.evidence.release_order("1001", by="boris") == 0
    assert [row[:2] for row in audit_rows(places)] == [("anna", "recording.held")] * 2 + [
        ("boris", "recording.released")
    ] * 2


async def test_a_call_that_is_not_there_cannot_be_held(places: Settings, clock: HandClock, bus: EventBus) -> None:
    async with open_store(places, clock, bus) as store:
        a_call(bus, "unrecorded")
        assert await store.evidence.hold_call("nonsense", by="anna", why="x") is None
        assert await store.evidence.release_call("nonsense", by="anna") is None
        assert await store.evidence.hold_call("unrecorded", by="anna", why="x") == 0


async def test_each_listening_is_a_row_of_the_audit_and_many_ranges_are_one(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    async with open_store(places, clock, bus) as store:
        recorded(places, bus, clock, "c1")
        for _ in range(20):
            await store.evidence.note_listening("r-c1", by="anna", address="10.0.0.5", is_download=False)
            clock.pass_by(seconds=5)
        await store.evidence.note_listening("r-c1", by="boris", address="10.0.0.6", is_download=False)
        await store.evidence.note_listening("r-c1", by="anna", address="10.0.0.5", is_download=True)
        await store.evidence.note_listening("nonsense", by="anna", address="10.0.0.5", is_download=True)
        clock.pass_by(minutes=11)
        await store.evidence.note_listening("r-c1", by="anna", address="10.0.0.5", is_download=False)
        assert [(each["by"], each["downloaded"]) for each in call_of(places, "c1")["listenings"]] == [
            ("anna", False), ("boris", False), ("anna", True), ("anna", False)
        ]  # fmt: skip
    assert len(audit_rows(places)) == 4


async def test_the_audit_of_many_listenings_is_whole_until_a_row_is_changed(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    async with open_store(places, clock, bus) as store:
        recorded(places, bus, clock, "c1")
        for number in range(rounds(100, 1000)):
            await store.evidence.note_listening("r-c1", by=f"user {number}", address="::1", is_download=False)
    engine = open_engine(places.database)
    with engine.begin() as connection:
        gateway_id = connection.exec_driver_sql("SELECT gateway_id FROM audit LIMIT 1").scalar_one()
        assert first_broken(connection, gateway_id) is None
        connection.exec_driver_sql("UPDATE audit SET by = 'nobody' WHERE number = 50")
        assert first_broken(connection, gateway_id) == 50
    engine.dispose()


@pytest.mark.parametrize(
    "text",
    [
        "call +7 903 111-22-33 today",
        "89031112233",
        "8 (903) 111 22 33",
        "tel:+79031112233",
        "9031112233",
        "0079031112233",
    ],
)
def test_a_number_is_found_and_taken_out_of_a_text_however_it_is_spelled(text: str) -> None:
    traced = TracedNumber("+79031112233", NumberRules(country="RU"))
    assert traced.is_in(text)
    left = traced.without(text)
    assert not any(character.isdigit() for character in left), left


@pytest.mark.parametrize("text", ["", "+79031112234", "order 179031112233", "90311122334", "903-111-22"])
def test_another_number_is_left_alone(text: str) -> None:
    traced = TracedNumber("8 903 111 22 33", NumberRules(country="RU"))
    assert not traced.is_in(text)
    assert traced.without(text) == text


async def test_pauses_are_in_the_record_even_when_a_crash_leaves_one_open(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    async with open_store(places, clock, bus):
        recorded(places, bus, clock, "c1")
        for event in (
            RecordingPaused(call_id="c1", recording_id="r-c1", seconds=3.5, why="card"),
            RecordingResumed(call_id="c1", recording_id="r-c1", seconds=9.25),
            RecordingPaused(call_id="c1", recording_id="r-c1", seconds=20.0, why="card"),
        ):
            bus.publish(event)
    found = call_of(places, "c1")
    assert found["recordings"][0]["pauses"] == [
        {"from": 3.5, "until": 9.25, "why": "card"}, {"from": 20.0, "until": None, "why": "card"}
    ]  # fmt: skip
    steps = [step["type"] for step in found["timeline"]]
    assert steps[-3:] == ["recording.paused", "recording.resumed", "recording.paused"]
    assert_fits(found, "Call")


async def test_who_is_a_phone_in_a_browser_is_on_record(places: Settings, clock: HandClock, bus: EventBus) -> None:
    async with open_store(places, clock, bus) as store:
        await store.evidence.note_phone("101", by="anna", address="192.168.1.30")
    with closing(sqlite3.connect(places.database)) as connection:
        rows = connection.execute("SELECT by, subject FROM audit WHERE action = 'phone.in-browser'").fetchall()
    assert rows == [("anna", "101")]
