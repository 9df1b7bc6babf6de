"""Contacts as files: tables of spreadsheets and cards of telephones, read, and written so that they read back."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from gateway.errors import ContactsInvalid
from gateway.telephony.contacts import Contact, ContactDraft
from gateway.telephony.numbers import NumberPolicy
from gateway.telephony.shop import NumberRules
from gateway.worker.contact_files import read_csv, read_vcards, write_csv, write_vcards

POLICY = NumberPolicy(NumberRules(country="RU"))
NOW = datetime(2027, 1, 31, tzinfo=UTC)
MARIA = Contact(
    id="c1", name="Мария, \"Роза\"; опт", phones=("+79031112233", "+74951234567"), manager="101",
    tags=("vip", "опт"), note="любит розы,\nне звонить до 10; \\o/", created_at=NOW, changed_at=NOW,
)  # fmt: skip


def drafted(contact: Contact) -> ContactDraft:
    return ContactDraft(
        name=contact.name, phones=contact.phones, manager=contact.manager or "", tags=contact.tags, note=contact.note
    )


def test_what_is_written_reads_back() -> None:
    boris = replace(MARIA, name="+7 903 000", phones=("+79031112234",), manager=None, tags=(), note="=1+1")
    for read, write in ((read_csv, write_csv), (read_vcards, write_vcards)):
        found = read(write([MARIA, boris]), POLICY)
        assert [draft for _, draft in found.drafts] == [drafted(MARIA), drafted(boris)]
        assert found.problems == ()


def test_a_table_is_safe_in_a_spreadsheet() -> None:
    hostile = [replace(MARIA, name=f"{sign}cmd|' /C calc'!A0") for sign in "=+-@"]
    for row in list(csv.reader(io.StringIO(write_csv(hostile).removeprefix("\ufeff"))))[1:]:
        assert row[0].startswith("'")
        assert row[1].startswith("'+7903")


def test_a_card_has_short_lines_and_no_character_cut_in_two() -> None:
    text = write_vcards([replace(MARIA, note="ж😀" * 400)])
    assert max(len(line) for line in text.encode().split(b"\r\n")) <= 75
    ((_, draft),) = read_vcards(text, POLICY).drafts
    assert draft.note == "ж😀" * 400


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Имя;Телефон;Метки;Менеджер;Примечание\nМария;8 (903) 111-22-33;vip, опт;101;розы\n",
         ("Мария", ("+79031112233",), ("vip", "опт"), "101", "розы")),
        ("\ufeffname,phone,mobile\nMaria,8 495 123 45 67,+7-903-111-22-33\n",
         ("Maria", ("+74951234567", "+79031112233"), (), "", "")),
        ("phone\tname\n'+79031112233; 84951234567\t\n", ("", ("+79031112233", "+74951234567"), (), "", "")),
        ("phone,name,name\nx; 89031112233,Мария,Иванова\n", ("Мария Иванова", ("+79031112233",), (), "", "")),
    ],
)  # fmt: skip
def test_tables_as_spreadsheets_write_them(
    text: str, said: tuple[str, tuple[str, ...], tuple[str, ...], str, str]
) -> None:
    ((place, draft),) = read_csv(text, POLICY).drafts
    assert place == "line 2"
    assert (draft.name, draft.phones, draft.tags, draft.manager, draft.note) == said


def test_rows_that_are_no_contacts_are_told_by_their_line() -> None:
    found = read_csv("name,phone\nA,\nB,112\n,,\nC,89031112233\n", POLICY)
    assert found.problems == (("line 2", "There is no telephone number."), ("line 3", "'112' is no telephone number."))
    assert [place for place, _ in found.drafts] == ["line 5"]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", 'phone\n"1\n', "\0"])
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(ContactsInvalid):
        read_csv(text, POLICY)


CARDS = {
    # as such telephones write them; written after the specifications, not recorded
    "2.1 with quoted-printable and soft line breaks": (
        ("BEGIN:VCARD\r\nVERSION:2.1\r\n"
        "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=98=D0=B2=D0=B0=D0=BD=D0=BE=D0=B2;=D0=98=D0=B2=\r\n"
        "=D0=B0=D0=BD;;;\r\n"
        "FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=98=D0=B2=D0=B0=D0=BD=20=\r\n=D0=98=D0=B2=D0=B0=D0=BD=D0=BE=D0=B2\r\n"
        "TEL;CELL:89031112233\r\nTEL;HOME:0611\r\nEND:VCARD\r\n"),
        ("Иван Иванов", ("+79031112233",), ()),
    ),
    "3.0 with groups, labels and a picture": (
        "BEGIN:VCARD\nVERSION:3.0\nN:Иванов;Иван;;;\nFN:Иван \n Иванов\nitem1.TEL;type=pref:+7 903 111-22-33\n"
        "item1.X-ABLabel:мобильный\nPHOTO;ENCODING=b;TYPE=JPEG:" + "\n ".join(["QUJD" * 18] * 400) + "\n"
        "CATEGORIES:vip,опт\nEND:VCARD\n",
        ("Иван Иванов", ("+79031112233",), ("vip", "опт")),
    ),
    "4.0 with URIs": (
        'BEGIN:VCARD\nVERSION:4.0\nFN:Simon\nTEL;VALUE=uri;TYPE="voice,home":tel:+7-903-111-22-33;ext=102\nEND:VCARD\n',
        ("Simon", ("+79031112233",), ()),
    ),
    "a name without FN": (
        "begin:vcard\nversion:3.0\nn:Иванов;Иван\ntel:89031112233\nnonsense\nend:vcard\n",
        ("Иван Иванов", ("+79031112233",), ()),
    ),
    "a firm": ("BEGIN:VCARD\nVERSION:3.0\nORG:Розы;Склад\nTEL:89031112233\nEND:VCARD", ("Розы", ("+79031112233",), ())),
}  # fmt: skip


@pytest.mark.parametrize("kind", CARDS)
def test_cards_of_telephones(kind: str) -> None:
    text, said = CARDS[kind]
    found = read_vcards(text, POLICY)
    assert found.problems == ()
    ((place, draft),) = found.drafts
    assert (place, draft.name, draft.phones, draft.tags) == ("card 1", *said)


def test_a_card_that_cannot_be_read_hurts_no_other(caplog: pytest.LogCaptureFixture) -> None:
    good = CARDS["4.0 with URIs"][0]
    found = read_vcards(good + "BEGIN:VCARD\nFN:Никто\nEND:VCARD\nBEGIN:VCARD\nTEL" + "\n" + good, POLICY)
    assert [place for place, _ in found.drafts] == ["card 1", "card 4"]
    assert [place for place, _ in found.problems] == ["card 2", "card 3"]
    assert caplog.text == "", "what could not be read is not logged: it is about a person"


@given(text=some.text(max_size=200), noise=some.text(alphabet="BEGIN:VCARDTEL;=\n 0123456789,\\FN", max_size=200))
@settings(max_examples=25)
def test_whatever_a_file_holds_it_is_read_or_refused(text: str, noise: str) -> None:
    for content in (f"BEGIN:VCARD\n{text}", f"BEGIN:VCARD\n{noise}\nEND:VCARD", noise, text):
        for read in (read_csv, read_vcards):
            try:
                found = read(content, POLICY)
            except ContactsInvalid:
                continue
            assert all(draft.phones for _, draft in found.drafts)
