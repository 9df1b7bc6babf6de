"""The evidence pack of an order: whole, opened, with check sums that hold, and on record (B8)."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.events import CallRouted, EventBus
from gateway.settings import Settings
from gateway.store.queries import Queries
from gateway.store.store import Store, open_store
from gateway.telephony.ledger import StoredPart
from gateway.worker.evidence_pack import write_pack
from gateway.worker.sealed import KeyRing, seal
from tests.fakes.archive import FakeArchive
from tests.store.conftest import HandClock, small_shop
from tests.store.test_evidence import CUSTOMER, recorded
from tests.worker.test_recordings import _get, _served

ORDER = {"number": "A-17", "phone": CUSTOMER, "customer": "=cmd()", "courier": "2001"}


@pytest.fixture
def bus(clock: HandClock) -> EventBus:
    return EventBus(clock)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def places(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


async def a_story(store: Store, places: Settings, bus: EventBus, clock: HandClock) -> list[Path]:
    """An order with two recorded calls, a call of somebody else, and two SMS, one of them older than the order."""
    await store.save_shop(replace(small_shop()), by="test")
    await a_text(store, clock, "too early")
    clock.pass_by(hours=1)
    await store.orders.add(ORDER, expires_at=None, by="anna")
    files = []
    for call_id in ("one", "two", "other"):
        clock.pass_by(minutes=5)
        files.append(recorded(places, bus, clock, call_id))
        if call_id != "other":
            bus.publish(CallRouted(call_id=call_id, called="2001", flow="to-courier", courier="2001", order="A-17"))
    await a_text(store, clock, "+7 where are you? Я жду")
    await store.evidence.note_listening("r-one", by="boris", address="10.0.0.1", is_download=False)
    return files


async def a_text(store: Store, clock: HandClock, text: str) -> None:
    await store.inbox.keep(
        StoredPart(
            line="red", imsi="1", pdu=text.encode(), sender=CUSTOMER, sent_at=clock(), text=text, reference=None,
            part=1, parts=1,
        )
    )  # fmt: skip


def packed(places: Settings, keys: KeyRing, number: str = "A-17") -> dict[str, bytes]:
    """The files of the pack."""
    with Queries(places) as archive:
        evidence = archive.order_evidence(number)
    assert evidence is not None
    content = io.BytesIO()
    write_pack(evidence, content, places.recordings_dir, keys)
    with zipfile.ZipFile(content) as pack:
        assert pack.testzip() is None
        return {name: pack.read(name) for name in pack.namelist()}


def rows(files: dict[str, bytes], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[name].decode("utf-8-sig"))))


async def test_all_that_is_kept_of_an_order_and_nothing_of_another(
    places: Settings, clock: HandClock, bus: EventBus, tmp_path: Path
) -> None:
    keys = KeyRing(tmp_path / "keys")
    async with open_store(places, clock, bus) as store:
        first, second, _ = await a_story(store, places, bus, clock)
        sound = second.read_bytes()
        seal(second, second.with_name(second.name + ".sealed"), keys)
        second.unlink()
        assert await store.evidence.note_evidence("A-17", by="anna", address="10.0.0.2") is True
        assert await store.evidence.note_evidence("none", by="anna", address="10.0.0.2") is False
    with closing(sqlite3.connect(places.database)) as connection:
        with connection:
            connection.execute("UPDATE recordings SET path = path || '.sealed' WHERE id = 'r-two'")
        audit = connection.execute("SELECT by, action, subject FROM audit ORDER BY number").fetchall()
    assert audit[-3:] == [
        ("anna", "order.evidence", "A-17"), ("anna", "recording.downloaded", "r-one"),
        ("anna", "recording.downloaded", "r-two"),
    ]  # fmt: skip
    files = packed(places, keys)
    assert [row["id"] for row in rows(files, "calls.csv")] == ["one", "two"]
    of_sounds = rows(files, "recordings.csv")
    assert [row["id"] for row in of_sounds] == ["r-one", "r-two"]
    assert files[of_sounds[0]["file"]] == first.read_bytes()
    assert files[of_sounds[1]["file"]] == sound, "what was sealed is open"
    assert [row["text"] for row in rows(files, "messages.csv")] == ["'+7 where are you? Я жду"]
    assert [row["peer"] for row in rows(files, "messages.csv")] == [CUSTOMER]
    assert [(row["by"], row["downloaded"]) for row in rows(files, "who-listened.csv")] == [
        ("boris", "False"), ("anna", "True"), ("anna", "True"),
    ]  # fmt: skip
    assert json.loads(files["order.json"])["customer"] == "=cmd()"
    lines = files["SHA256SUMS"].decode().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert sums == {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name != "SHA256SUMS"
    }


async def test_a_recording_that_cannot_be_opened_is_named_with_the_reason(
    places: Settings, clock: HandClock, bus: EventBus, tmp_path: Path
) -> None:
    async with open_store(places, clock, bus) as store:
        first, _, _ = await a_story(store, places, bus, clock)
        first.unlink()
    files = packed(places, KeyRing(tmp_path / "keys"))
    gone, there = rows(files, "recordings.csv")
    assert (gone["file"], gone["sha256"]) == ("", "")
    assert "cannot be read" in gone["trouble"]
    assert there["file"] in files


@pytest.mark.real_time
async def test_the_pack_travels_through_the_api(tmp_path: Path, places: Settings) -> None:
    clock = HandClock()
    bus = EventBus(clock)
    async with open_store(places, clock, bus) as store:
        await a_story(store, places, bus, clock)
    with Queries(places) as archive:
        evidence = archive.order_evidence("A-17")
    assert evidence is not None
    async with _served(tmp_path) as (served, fake, _):
        assert isinstance(fake, FakeArchive)
        fake.evidence["A-17"] = evidence
        status, body, headers = await _get(served, "/api/v1/orders/A-17/evidence")
        assert (status, headers["Content-Type"]) == (200, "application/zip")
        with zipfile.ZipFile(io.BytesIO(body)) as pack:
            assert "SHA256SUMS" in pack.namelist()
        assert (await _get(served, "/api/v1/orders/none/evidence"))[0] == 404
        assert (await _get(served, "/api/v1/orders/B-1/evidence"))[0] == 404
