"""Contacts by the API: kept, found, taken from files and given as files, the card of a caller, notes on calls."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.events import Published
from gateway.worker.contact_routes import CONTACTS_AT_A_TIME
from gateway.worker.sealed import KeyRing
from gateway.worker.server import WorkerServer
from tests.api.served import Served, serving
from tests.api.shapes import assert_fits
from tests.fakes.archive import FakeArchive

pytestmark = pytest.mark.real_time

MARIA = "+79031112233"
CARD = "BEGIN:VCARD\nVERSION:3.0\nFN:Борис\nTEL:8 903 111 22 34\nEND:VCARD\nBEGIN:VCARD\nFN:Никто\nEND:VCARD\n"


@asynccontextmanager
async def with_worker(directory: Path) -> AsyncIterator[Served]:
    """Signed in, with a worker that reads the same database."""
    socket = directory / "worker.sock"
    async with serving(socket) as served, WorkerServer(
        socket=socket, archive=FakeArchive(), recordings_dir=directory, keys=KeyRing(directory),
        contacts=served.people.lists,
    ):  # fmt: skip
        await served.set_up()
        yield served


async def test_a_contact_from_its_making_to_its_end() -> None:
    async with serving() as served:
        await served.set_up()
        told: list[str] = []

        def listen(published: Published) -> None:
            told.append(published.event.type_name())

        served.bus.subscribe(listen)
        form = {"name": "Мария", "phones": ["8 903 111-22-33"], "manager": "101", "tags": ["vip"], "note": "роз\nы"}
        status, made = await served.ask("POST", "/api/v1/contacts", json=form)
        assert status == 201
        assert_fits(made, "Contact")
        assert (made["phones"], made["manager"], made["note"]) == ([MARIA], "101", "роз\nы")
        assert told == ["contacts.changed"]
        path = f"/api/v1/contacts/{made['id']}"
        assert await served.ask("GET", path) == (200, made)
        status, answer = await served.ask("POST", "/api/v1/contacts", json={"phones": [MARIA]})
        assert (status, answer["code"], answer["detail"]) == (409, "contact-phone-taken", f"{MARIA} belongs to Мария.")
        status, answer = await served.ask("POST", "/api/v1/contacts", json={"phones": ["112"]})
        assert (status, answer["code"]) == (422, "contacts-invalid")
        status, changed = await served.ask("PUT", path, json={"manager": None, "tags": []})
        assert (status, changed["manager"], changed["tags"], changed["name"]) == (200, None, [], "Мария")
        _, listed = await served.ask("GET", "/api/v1/contacts?search=мар&limit=1")
        assert ([row["id"] for row in listed["items"]], listed["next"]) == ([made["id"]], None)
        assert (await served.ask("DELETE", path))[0] == 204
        for method in ("GET", "DELETE"):
            assert (await served.ask(method, path))[0] == 404
        assert (await served.ask("PUT", path, json={}))[0] == 404


@pytest.mark.parametrize(
    "form",
    [
        {"phones": MARIA},
        {"phones": [1]},
        {"phones": [MARIA] * 51},
        {"name": "a\nb"},
        {"tags": "x"},
        {"id": "1"},
        {"note": 1},
    ],
)
async def test_a_form_that_is_none_is_refused(form: dict[str, Any]) -> None:
    async with serving() as served:
        await served.set_up()
        assert (await served.ask("POST", "/api/v1/contacts", json=form))[0] == 400
        for query in ("limit=0", "limit=x", "cursor=x"):
            assert (await served.ask("GET", f"/api/v1/contacts?{query}"))[0] == 400


async def test_files_are_taken_and_given(tmp_path: Path) -> None:
    async with with_worker(tmp_path) as served:
        table = "имя;телефон;метки\nМария;89031112233;vip\nНикто;112;\n".encode("cp1251")
        for look in ("?look=true", ""):
            status, taken = await served.ask(
                "POST", f"/api/v1/contacts/import{look}", data=table, headers={"Content-Type": "text/csv"}
            )
            assert (status, taken["added"], taken["left_out"]) == (200, 1, 1)
            assert taken["problems"] == [{"place": "line 3", "problem": "'112' is no telephone number."}]
        _, taken = await served.ask(
            "POST", "/api/v1/contacts/import", data=CARD.encode(), headers={"Content-Type": "text/vcard"}
        )
        assert (taken["added"], taken["changed"], taken["same"], taken["left_out"]) == (1, 0, 0, 1)
        _, text = await served.ask("GET", "/api/v1/contacts/export")
        assert text.splitlines()[1:] == ["Борис,'+79031112234,,,", "Мария,'+79031112233,,vip,"]
        _, cards = await served.ask("GET", "/api/v1/contacts/export?form=vcard")
        assert cards.count("BEGIN:VCARD") == 2
        back = f"/api/v1/contacts/imports/{taken['import']}/take-back"
        status, done = await served.ask("POST", back)
        assert (status, done) == (200, {"restored": 1, "kept": 0, "kept_names": []})
        _, text = await served.ask("GET", "/api/v1/contacts/export")
        assert text.splitlines()[1:] == ["Мария,'+79031112233,,vip,"]
        assert (await served.ask("POST", back))[0] == 404
        for content, kind, expected in (("x", "text/csv", 422), (CARD, "text/plain", 415), ("", "text/vcard", 422)):
            answer = await served.ask("POST", "/api/v1/contacts/import", data=content, headers={"Content-Type": kind})
            assert answer[0] == expected
        assert (await served.ask("POST", "/api/v1/contacts/import?look=x", data=CARD))[0] == 400
        assert (await served.ask("GET", "/api/v1/contacts/export?form=xls"))[0] == 400


async def test_a_long_file_comes_in_pieces_that_are_one_table(tmp_path: Path) -> None:
    """A contact that has gone before its piece was read is left out."""
    async with with_worker(tmp_path) as served:
        count = 2 * CONTACTS_AT_A_TIME + 1
        rows = [f"Customer {number:04},+7903{number:07}" for number in range(count)]
        table = "name,phone\n" + "\n".join(rows)
        status, taken = await served.ask(
            "POST", "/api/v1/contacts/import", data=table.encode(), headers={"Content-Type": "text/csv"}
        )
        assert (status, taken["added"]) == (200, count)
        _, text = await served.ask("GET", "/api/v1/contacts/export")
        first, *others = text.removeprefix("\ufeff").splitlines()
        assert first == "name,phones,manager,tags,note"
        assert others == [f"Customer {number:04},'+7903{number:07},,," for number in range(count)]
        _, cards = await served.ask("GET", "/api/v1/contacts/export?form=vcard")
        assert re.findall("^FN:(.*)\r$", cards, re.MULTILINE) == [f"Customer {number:04}" for number in range(count)]
        lists = served.people.lists
        assert [each.name for each in lists.contacts([*lists.contact_ids()[1::-1], "gone"])] == [
            "Customer 0001", "Customer 0000"
        ]  # fmt: skip


async def test_without_the_worker_no_file_is_read() -> None:
    async with serving() as served:
        await served.set_up()
        status, answer = await served.ask(
            "POST", "/api/v1/contacts/import", data="x", headers={"Content-Type": "text/csv"}
        )
        assert (status, answer["code"]) == (503, "worker-away")


async def test_the_card_of_a_caller(tmp_path: Path) -> None:
    async with with_worker(tmp_path) as served:
        form = {"name": "Мария", "phones": [MARIA, "84951234567"], "tags": ["vip"]}
        _, contact = await served.ask("POST", "/api/v1/contacts", json=form)
        for number in range(7):
            caller = MARIA if number % 2 else "+74951234567"
            served.people.keep_call(f"c{number}", caller=caller)
        served.people.keep_call("other", caller="+79031112234")
        note = {"text": "любит розы\r\nзвонить после 10"}
        status, noted = await served.ask("POST", "/api/v1/calls/c6/notes", json=note)
        assert status == 201
        status, card = await served.ask("GET", "/api/v1/card?number=8%20903%20111-22-33")
        assert status == 200
        assert_fits(card, "Card")
        assert (card["number"], card["contact"]) == (MARIA, contact)
        assert [call["id"] for call in card["calls"]] == ["c6", "c5", "c4", "c3", "c2"], "by whatever number"
        assert [(each["text"], each["by"], each["call_id"]) for each in card["notes"]] == [
            ("любит розы\nзвонить после 10", "anna", "c6")
        ]
        assert (await served.ask("DELETE", f"/api/v1/calls/c5/notes/{noted['id']}"))[0] == 404
        assert (await served.ask("DELETE", f"/api/v1/calls/c6/notes/{noted['id']}"))[0] == 204
        _, card = await served.ask("GET", "/api/v1/card?number=%2B79031112234")
        assert (card["contact"], [call["id"] for call in card["calls"]], card["notes"]) == (None, ["other"], [])
        assert (await served.ask("GET", "/api/v1/card?number=1"))[0] == 400
        for text in ("", " ", "x" * 2001, "\0"):
            assert (await served.ask("POST", "/api/v1/calls/c6/notes", json={"text": text}))[0] == 400
        assert (await served.ask("POST", "/api/v1/calls/nobody/notes", json={"text": "x"}))[0] == 404


@pytest.mark.parametrize(
    ("place", "status"),
    [
        ({"recording_id": "r-c1", "at_seconds": 12.54}, 201),
        ({"recording_id": "r-c1", "at_seconds": 0}, 201),
        ({"recording_id": "r-c2", "at_seconds": 1}, 404),
        ({"recording_id": "r-c1"}, 400),
        ({"at_seconds": 1}, 400),
        ({"recording_id": "r-c1", "at_seconds": -1}, 400),
        ({"recording_id": "r-c1", "at_seconds": True}, 400),
        ({"recording_id": "r-c1", "at_seconds": 1e9}, 400),
    ],
)
async def test_a_note_on_a_place_of_a_recording(tmp_path: Path, place: dict[str, object], status: int) -> None:
    async with with_worker(tmp_path) as served:
        served.people.keep_call("c1", caller=MARIA)
        served.people.keep_call("c2", caller=MARIA)
        served.people.keep_recording("r-c1", "c1")
        assert (await served.ask("POST", "/api/v1/calls/c1/notes", json={"text": "x", **place}))[0] == status
        notes: Any = served.people.lists.card(MARIA)["notes"]
        expected = [("r-c1", round(float(str(place["at_seconds"])), 1))] if status == 201 else []
        assert [(note["recording_id"], note["at_seconds"]) for note in notes] == expected
