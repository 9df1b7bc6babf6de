"""The screen of contacts, the card of whoever calls, and notes on a call."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.events import CallStarted
from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.rows import call_row
from tests.web.conftest import csrf_of
from tests.web.test_restoring import post as send
from web.live_feed import topics_of

FORM = {"name": "Мария", "phones": "8 903 111-22-33, 84951234567", "manager": "101", "tags": "vip, опт", "note": "розы"}


def _post(browser: FlaskClient, path: str, **form: Any) -> Any:
    return browser.post(path, data={"csrf_token": csrf_of(browser, "/contacts"), **form}, follow_redirects=True)


def _only(owner: FlaskClient) -> str:
    (found,) = set(re.findall(r'href="(/contacts/[0-9a-f-]{36})"', owner.get("/contacts").text))
    return str(found)


def test_a_contact_is_kept_changed_and_forgotten(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert "No contacts yet" in owner.get("/contacts").text
    page = _post(owner, "/contacts", **FORM).text
    assert "Мария is saved." in page
    assert "8 (903) 111-22-33" in page
    again = _post(owner, "/contacts", **FORM)
    assert again.status_code == 409
    assert "belongs to Мария" in again.text
    assert 'value="Мария"' in again.text, "what was typed is not lost"
    path = _only(owner)
    wrong = _post(owner, f"{path}/change", **{**FORM, "phones": "112"})
    assert wrong.status_code == 422
    assert "The contact has been changed." in _post(owner, f"{path}/change", **{**FORM, "manager": "", "tags": ""}).text
    known = gateway.people.contacts.known("+79031112233")
    assert known is not None
    assert (known.manager, known.tags) == (None, ())
    assert "Nobody found" in owner.get("/contacts?tag=vip").text
    assert path in owner.get("/contacts?search=1112233").text
    gateway.people.keep_call("before", caller="+74951234567")
    assert 'href="/calls/before"' in owner.get(path).text
    assert "The contact has been deleted." in _post(owner, f"{path}/remove").text
    assert gateway.people.contacts.known("+79031112233") is None


@pytest.mark.parametrize(
    "content",
    ["имя;телефон\nМария;89031112233\nНикто;112\n".encode("cp1251"),
     "\ufeffBEGIN:VCARD\nFN:Мария\nTEL:89031112233\nEND:VCARD\nBEGIN:VCARD\nFN:Никто\nEND:VCARD\n".encode()],
)  # fmt: skip
def test_a_file_is_looked_at_and_taken(owner: FlaskClient, gateway: GatewayThread, content: bytes) -> None:
    looked = _post(owner, "/contacts/import", look="yes", file=(io.BytesIO(content), "x")).text
    assert "new 1, changed 0, unchanged 0, skipped 1" in looked
    assert gateway.people.contacts.known("+79031112233") is None
    taken = _post(owner, "/contacts/import", file=(io.BytesIO(content), "x")).text
    assert "Imported: new 1" in taken
    assert gateway.people.contacts.known("+79031112233") is not None
    answer = owner.get("/contacts/export?form=vcard")
    assert (answer.mimetype, b"FN:" + "Мария".encode() in answer.data) == ("text/vcard", True)
    assert owner.get("/contacts/export?form=xls").status_code == 404
    assert _post(owner, "/contacts/import", file=(io.BytesIO(b"x"), "x")).status_code == 422


def test_cards_with_pictures_are_taken(owner: FlaskClient, gateway: GatewayThread) -> None:
    picture = "PHOTO;ENCODING=b;TYPE=JPEG:" + "\n ".join(["QUJD" * 18] * 20_000)
    card = f"BEGIN:VCARD\nVERSION:3.0\nFN:Мария\n{picture}\nTEL:89031112233\nEND:VCARD\n"
    form: dict[str, object] = {"csrf_token": csrf_of(owner, "/contacts"), "file": (io.BytesIO(card.encode()), "x.vcf")}
    assert "Imported: new 1" in send(owner, "/contacts/import", form).text
    assert gateway.people.contacts.known("+79031112233") is not None


def test_the_card_is_there_before_the_answer(owner: FlaskClient, gateway: GatewayThread) -> None:
    _post(owner, "/contacts", **FORM)
    gateway.keep_order("1001", phone="+79031112233")
    gateway.people.keep_call("before", caller="+79031112233")
    for call_id, caller in (("c1", "+79031112233"), ("c2", "+79031112239"), ("c3", "")):
        gateway.publish(
            CallStarted(call_id=call_id, direction="incoming", caller=caller, called="red", line="red", flow="x")
        )
    assert topics_of("call.started") == ("calls", "history"), "a page asks anew the moment it begins"
    page = owner.get("/parts/live_calls").text
    assert page.count('class="caller-card"') == 2
    for expected in ("Мария", "vip", "розы", "manager 101", "/calls/before", "Save as a contact", "No earlier calls."):
        assert expected in page
    assert "/contacts?phone=%2B79031112239" in page


def test_notes_are_written_on_a_call(owner: FlaskClient, gateway: GatewayThread) -> None:
    for call_id in ("c1", "before"):
        gateway.people.keep_call(call_id, caller="+79031112233")
    gateway.archive.call_rows = [call_row("c1", caller="+79031112233")]
    assert 'href="/contacts?phone=%2B79031112233' in owner.get("/calls/c1").text
    assert "The note is saved." in _post(owner, "/calls/c1/notes", text="Хочет розы").text
    notes: Any = gateway.people.lists.card("+79031112233")["notes"]
    (note,) = notes
    gateway.archive.details["c1"] = {"notes": [note]}
    page = owner.get("/calls/c1").text
    assert "Хочет розы" in page
    assert 'href="/calls/before"' in page
    assert "The note has been deleted." in _post(owner, f"/calls/c1/notes/{note['id']}/remove").text
    assert gateway.people.lists.card("+79031112233")["notes"] == []


def test_places_of_a_recording_are_commented_on(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.people.keep_call("c1", caller="+79031112233")
    gateway.people.keep_recording("r-c1", "c1")
    gateway.archive.call_rows = [call_row("c1", caller="+79031112233")]
    address = "/calls/c1/recordings/r-c1/comments.json"
    assert f'data-comments="{address}"' in owner.get("/calls").text
    assert _post(owner, address, text=" promises a discount ", at_seconds="12.3").status_code == 200
    notes: Any = gateway.people.lists.card("+79031112233")["notes"]
    (note,) = notes
    assert (note["text"], note["recording_id"], note["at_seconds"]) == ("promises a discount", "r-c1", 12.3)
    other = {**note, "id": "n2", "recording_id": None, "at_seconds": None}
    gateway.archive.details["c1"] = {"notes": [note, other, {**note, "id": "n3", "at_seconds": 1.0}]}
    said = owner.get(address).get_json()["items"]
    assert [(each["id"], each["at_seconds"]) for each in said] == [("n3", 1.0), (note["id"], 12.3)]
    page = owner.get("/calls/c1").text
    assert 'data-seek="12.3"' in page
    assert page.count("data-seek=") == 2
    for wrong in ({"text": " ", "at_seconds": "1"}, {"text": "x"}, {"text": "x", "at_seconds": "nan"}):
        assert _post(owner, address, **wrong).status_code == 400


def test_without_the_worker_calls_are_shown_without_cards(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.archive.call_rows = [call_row("c1", caller="")]
    assert owner.get("/calls/c1").status_code == 200
