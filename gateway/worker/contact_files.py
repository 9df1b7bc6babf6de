"""Contacts as files: CSV that a spreadsheet writes, and vCards of any telephone (2.1, 3.0, 4.0)."""

from __future__ import annotations

import csv
import io
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import vobject
from vobject.base import VObjectError

from gateway.errors import ContactsInvalid
from gateway.store.csv_lines import csv_lines
from gateway.telephony.contacts import Contact, ContactDraft
from gateway.telephony.numbers import NumberPolicy

logging.getLogger("vobject.base").setLevel(logging.CRITICAL)  # it would log what it cannot read: somebody's card

MOST_ROWS = 20_000
_COLUMNS = {
    "name": "name", "full name": "name", "имя": "name", "фио": "name", "клиент": "name", "контакт": "name",
    "phones": "phones", "phone": "phones", "mobile": "phones", "телефон": "phones", "телефоны": "phones",
    "мобильный": "phones", "manager": "manager", "менеджер": "manager", "tags": "tags", "метки": "tags",
    "теги": "tags", "note": "note", "comment": "note", "примечание": "note", "комментарий": "note",
}  # fmt: skip
_HEADING = ("name", "phones", "manager", "tags", "note")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_BEGIN = re.compile(r"^BEGIN:VCARD[ \t]*$", re.IGNORECASE | re.MULTILINE)
_BULKY = re.compile(r"^(?:[\w-]+\.)?(?:PHOTO|LOGO|SOUND|KEY)[;:]", re.IGNORECASE)
_UNSHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_MANAGER = "x-simbridge-manager"


@dataclass(frozen=True, slots=True)
class ReadContacts:
    """What a file holds: drafts by their place in it, with numbers in E.164; and what is no contact, and why not."""

    drafts: tuple[tuple[str, ContactDraft], ...]
    problems: tuple[tuple[str, str], ...]


def read_csv(text: str, policy: NumberPolicy) -> ReadContacts:
    """The rows of a table; commas, semicolons or tabs between the columns, the first line names them.

    A cell with several numbers or tags has commas, semicolons or line ends between them. Raises ContactsInvalid.
    """
    try:
        lines = csv_lines(text)
    except csv.Error as error:
        raise _invalid(f"The file is not CSV: {error}.") from error
    columns = [_COLUMNS.get(title.strip().casefold()) for title in lines[0]] if lines else []
    if "phones" not in columns:
        raise _invalid('The first line must name the columns, among them "phone".')
    said: list[tuple[str, dict[str, str]]] = []
    for place, cells in enumerate(lines[1:], start=2):
        values: dict[str, str] = {}
        for name, cell in zip(columns, cells, strict=False):
            if name is not None and cell.strip():
                values[name] = f"{values[name]}\n{_bare(cell)}" if name in values else _bare(cell)
        if values:
            said.append((f"line {place}", values))
    return _read(((place, _draft(values, policy)) for place, values in said), len(said))


def read_vcards(text: str, policy: NumberPolicy) -> ReadContacts:
    """The cards of a file; one that cannot be read is a problem of its own. Raises ContactsInvalid."""
    cards = _BEGIN.split(text.removeprefix("\ufeff").replace("\r\n", "\n"))[1:]
    if not cards:
        raise _invalid("The file holds no vCard.")
    return _read((_read_card(number, card, policy) for number, card in enumerate(cards, start=1)), len(cards))


def write_csv(contacts: Iterable[Contact], *, begins: bool = True) -> str:
    """A table that spreadsheets open, and that `read_csv` takes back; nothing in it is taken for a formula.

    `begins`: it is no further piece of a table, so there is a heading.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    if begins:
        file.write("\ufeff")
        writer.writerow(_HEADING)
    for each in contacts:
        cells = (each.name, ", ".join(each.phones), each.manager or "", ", ".join(each.tags), each.note)
        writer.writerow(f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells)
    return file.getvalue()


def write_vcards(contacts: Iterable[Contact]) -> str:
    """Cards of version 3.0 (RFC 2426), which every telephone takes."""
    return "".join(_card(each) for each in contacts)


def _read(found: Iterable[tuple[str, ContactDraft | str]], count: int) -> ReadContacts:
    if count > MOST_ROWS:
        raise _invalid(f"More than {MOST_ROWS} contacts at once are too many.")
    drafts: list[tuple[str, ContactDraft]] = []
    problems: list[tuple[str, str]] = []
    for place, draft in found:
        if isinstance(draft, str):
            problems.append((place, draft))
        else:
            drafts.append((place, draft))
    return ReadContacts(tuple(drafts), tuple(problems))


def _draft(values: dict[str, str], policy: NumberPolicy) -> ContactDraft | str:
    """A contact, or why it is none. A number that cannot be read is left out where another one can."""
    spelled = _several(values.get("phones", ""))
    phones = [number for text in spelled if (number := policy.normalise(text)) is not None]
    if not phones:
        return f"{spelled[0][:40]!r} is no telephone number." if spelled else "There is no telephone number."
    return ContactDraft(
        name=_shown(values.get("name", "").replace("\n", " "))[:100],
        phones=tuple(dict.fromkeys(phones))[:10],
        manager=values.get("manager", "").strip(),
        tags=tuple(_shown(tag)[:32].replace("#", "") for tag in _several(values.get("tags", "")))[:10],
        note=_shown(values.get("note", ""))[:2_000],
    )


def _read_card(number: int, card: str, policy: NumberPolicy) -> tuple[str, ContactDraft | str]:
    place = f"card {number}"
    try:
        found = next(vobject.readComponents("BEGIN:VCARD\n" + _without_bulk(card), ignoreUnreadable=True, allowQP=True))
    except (VObjectError, StopIteration, ValueError, LookupError, AttributeError, TypeError) as fault:
        return place, f"The card cannot be read: {str(fault)[:100] or type(fault).__name__}."
    values = {
        "name": _first(found, "fn") or _name(found) or _first(found, "org"),
        "phones": "\n".join(_bare_uri(text) for text in _all(found, "tel")),
        "tags": "\n".join(_all(found, "categories")),
        "note": "\n".join(_all(found, "note")),
        "manager": _first(found, _MANAGER),
    }
    return place, _draft(values, policy)


def _without_bulk(card: str) -> str:
    """The card without pictures and sounds, and with the line feeds that vobject expects."""
    kept: list[str] = []
    drops = False
    for line in card.split("\n"):
        is_folded = line[:1] in (" ", "\t")
        drops = drops if is_folded else bool(_BULKY.match(line))
        if not drops:
            kept.append(line)
    return "\n".join(kept)


def _all(card: vobject.base.Component, name: str) -> list[str]:
    found: list[str] = []
    for line in card.contents.get(name, ()):
        value = line.value
        found += [str(each) for each in value] if isinstance(value, list) else [str(value)]
    return [each.strip() for each in found if each.strip()]


def _first(card: vobject.base.Component, name: str) -> str:
    return next(iter(_all(card, name)), "")


def _name(card: vobject.base.Component) -> str:
    """Of a card without FN: given and family name."""
    return " ".join(_first(card, "n").split())


def _bare_uri(text: str) -> str:
    """The number of a tel URI without its parameters (RFC 3966), which only the exchange of its owner knows."""
    return text.partition(";")[0] if text[:4].lower() == "tel:" else text


def _several(cell: str) -> list[str]:
    return [part for each in re.split(r"[,;\n]", cell) if (part := each.strip())]


def _bare(cell: str) -> str:
    """Without the sign that keeps a spreadsheet from taking the cell for a formula."""
    return cell.strip().removeprefix("'") if cell.strip().startswith("'") else cell.strip()


def _shown(text: str) -> str:
    return _UNSHOWN.sub("", text).strip()


def _card(contact: Contact) -> str:
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"FN:{_escaped(contact.name)}", f"N:{_escaped(contact.name)};;;;"]
    lines += [f"TEL;TYPE=VOICE:{number}" for number in contact.phones]
    lines += [f"CATEGORIES:{','.join(map(_escaped, contact.tags))}"] if contact.tags else []
    lines += [f"NOTE:{_escaped(contact.note)}"] if contact.note else []
    lines += [f"{_MANAGER.upper()}:{contact.manager}"] if contact.manager else []
    return "".join(piece for line in (*lines, "END:VCARD") for piece in _folded(line))


def _escaped(text: str) -> str:
    for sign, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(sign, written)
    return text


def _folded(line: str) -> Iterator[str]:
    """A line in pieces of at most 75 bytes, as RFC 2426 section 2.6 wants it, no character cut in two."""
    piece, size = "", 0
    for character in line:
        length = len(character.encode())
        if size + length > 75:
            yield piece + "\r\n"
            piece, size = " ", 1
        piece, size = piece + character, size + length
    yield piece + "\r\n"


def _invalid(problem: str) -> ContactsInvalid:
    return ContactsInvalid(problem, problem=problem)
