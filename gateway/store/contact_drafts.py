"""What may be said of a contact, and what a file of contacts makes of those that are kept."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.errors import ContactsInvalid
from gateway.ids import new_id
from gateway.telephony.contacts import Contact, ContactDraft
from gateway.telephony.numbers import NumberPolicy
from gateway.telephony.shop import Shop

MOST_PHONES = 10
MOST_TAGS = 10
LONGEST_NAME = 100
LONGEST_NOTE = 2_000
LONGEST_TAG = 32
_E164 = re.compile(r"\+[0-9]{6,15}", re.ASCII)
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What an import came to, or would; `problems` are sentences by the place in the file, of those left out."""

    added: int = 0
    changed: int = 0
    same: int = 0
    problems: tuple[tuple[str, str], ...] = ()
    id: str | None = None
    """By this it can be taken back for some minutes; None: it has changed nothing."""


def merged(
    drafts: Sequence[tuple[str, ContactDraft]], former: Mapping[str, Contact], *, shop: Shop, now: datetime
) -> tuple[Taken, list[Contact]]:
    """What the drafts of a file make of the contacts that have numbers of them, by id, and which are to be kept."""
    wanted: dict[str, Contact] = {}
    owner_of = {number: each.id for each in former.values() for number in each.phones}
    problems: list[tuple[str, str]] = []
    for place, draft in drafts:
        owners = {owner_of[number] for number in draft.phones or () if number in owner_of}
        try:
            if len(owners) > 1:
                raise invalid("Its numbers belong to different contacts.")
            known = next(((wanted.get(each) or former[each]) for each in owners), None)
            contact = with_draft(known or blank(now), _joined(known, draft), shop=shop, now=now, is_normal=True)
        except ContactsInvalid as fault:
            problems.append((place, str(fault)))
            continue
        wanted[contact.id] = contact
        owner_of |= dict.fromkeys(contact.phones, contact.id)
    changed = [each for each in wanted.values() if each.id not in former or differs(each, former[each.id])]
    added = sum(1 for each in changed if each.id not in former)
    taken = Taken(
        added=added,
        changed=len(changed) - added,
        same=len(wanted) - len(changed),
        problems=tuple(problems),
    )
    return taken, changed


def blank(now: datetime) -> Contact:
    """A contact of which nothing is known yet."""
    return Contact(id=new_id(), name="", phones=(), created_at=now, changed_at=now)


def with_draft(contact: Contact, draft: ContactDraft, *, shop: Shop, now: datetime, is_normal: bool = False) -> Contact:
    """The contact with what the draft says; ContactsInvalid. `is_normal`: its numbers are in E.164 already."""
    name = contact.name if draft.name is None else _line(draft.name, LONGEST_NAME, "name")
    note = contact.note if draft.note is None else _prose(draft.note)
    phones = contact.phones
    if draft.phones is not None:
        normal = draft.phones if is_normal else tuple(_normal(each, shop) for each in draft.phones)
        phones = tuple(dict.fromkeys(each for each in normal if _E164.fullmatch(each)))
    tags = contact.tags
    if draft.tags is not None:
        tags = tuple(dict.fromkeys(tag for each in draft.tags if (tag := _line(each, LONGEST_TAG, "tag"))))
    manager = contact.manager if draft.manager is None else draft.manager or None
    if not phones:
        raise invalid("A contact needs a telephone number.")
    if len(phones) > MOST_PHONES or len(tags) > MOST_TAGS:
        raise invalid(f"A contact has at most {MOST_PHONES} numbers and {MOST_TAGS} tags.")
    if any("#" in tag for tag in tags):
        raise invalid("A tag must not hold the sign #.")
    if draft.manager and shop.phone(draft.manager) is None:
        raise invalid(f"There is no phone {draft.manager!r} that could be the manager's.")
    return replace(
        contact, name=name or phones[0], phones=phones, manager=manager, tags=tags, note=note,
        changed_at=now,
    )  # fmt: skip


def _normal(text: str, shop: Shop) -> str:
    number = NumberPolicy(shop.numbers).normalise(text)
    if number is None:
        raise invalid(f"{text[:40]!r} is no telephone number.")
    return number


def _joined(known: Contact | None, draft: ContactDraft) -> ContactDraft:
    """The draft as a change of the contact that it joins: it adds numbers and tags, and empties nothing."""
    if known is None:
        return draft
    return ContactDraft(
        name=draft.name or None,
        phones=(*known.phones, *(draft.phones or ())),
        manager=draft.manager or None,
        tags=(*known.tags, *(draft.tags or ())),
        note=draft.note or None,
    )


def differs(one: Contact, other: Contact) -> bool:
    """In more than when they were changed."""
    return replace(one, changed_at=other.changed_at) != other


def _line(text: str, longest: int, what: str) -> str:
    text = text.strip()
    if len(text) > longest or _UNSHOWN.search(text):
        raise invalid(f"The {what} is longer than {longest} characters, or holds some that cannot be shown.")
    return text


def _prose(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if len(text) > LONGEST_NOTE or _UNSHOWN.search(text.replace("\n", "")):
        raise invalid(f"The note is longer than {LONGEST_NOTE} characters, or holds some that cannot be shown.")
    return text


def invalid(problem: str) -> ContactsInvalid:
    """The error that says what is wrong with a contact."""
    return ContactsInvalid(problem, problem=problem)
