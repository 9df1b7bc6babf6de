"""What the panel has on a word: pages, people, phones, lines, orders, calls, messages, each as its role may see it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import url_for

from web.formats import moment, phone_number
from web.gateway_client import Refused
from web.pages import pages_named, plain
from web.people import Directory
from web.reader import asker, client, may, now, snapshot, time_zone
from web.translation import gettext

SHORTEST = 2
"""Of one letter half of everything is found."""
LONGEST = 64
_MOST = 5
_LEAST_DIGITS = 7
_LONGEST_TEXT = 60
_SIGNS = re.compile(r"[\s()+\-\u2010-\u2014]")
_AWAY = (400, 503)


@dataclass(frozen=True, slots=True)
class Found:
    """One thing; `note` tells it from others of the same title."""

    title: str
    note: str
    address: str
    picture: str


@dataclass(frozen=True, slots=True)
class Group:
    """Things of a kind; `more` is the address of the list of all of them, `refusal` why there are none just now."""

    title: str
    items: tuple[Found, ...]
    more: str = ""
    refusal: Refused | None = None


def find(text: str) -> list[Group]:
    """What there is, by kind; kinds of which nothing is found are left out. Raises Refused for who may not read."""
    sought = " ".join(text.split())[:LONGEST]
    if len(sought) < SHORTEST:
        return []
    directory, key = Directory(snapshot()), _key(sought)
    pages = tuple(Found(each.name, "", each.address, each.picture) for each in pages_named(sought)[:_MOST])
    groups = [
        Group(gettext("Pages"), pages),
        Group(gettext("Couriers"), tuple(_couriers(sought, key))),
        Group(gettext("Phones"), tuple(_phones(sought))),
        Group(gettext("Lines"), tuple(_lines(sought, key))),
        _group(
            gettext("Orders"), lambda: client().orders(asker(), search=key, limit=_MOST), _order,
            url_for("ordering.orders", search=key),
        ),
        _group(
            gettext("Contacts"), lambda: client().contacts(asker(), search=key, limit=_MOST), _contact,
            url_for("contacts.page", search=key),
        ),
        _group(
            gettext("Calls"), lambda: client().calls(asker(), search=key, limit=_MOST),
            lambda call: _call(call, directory), url_for("history.calls", search=key, show="all"),
        ),
        _group(
            gettext("Messages"), lambda: client().messages(asker(), search=key, limit=_MOST),
            lambda message: _message(message, directory), url_for("texting.messages", search=key, show="all"),
        ),
    ]  # fmt: skip
    return [each for each in groups if each.items or each.refusal is not None]


def _key(text: str) -> str:
    """A number as lists have it, in whatever spelling: of 8 (903) 111-22-33 and +7 903 1112233 the last ten digits.

    What is shorter may be the number of an order, whose signs count.
    """
    digits = _SIGNS.sub("", text)
    if not (digits.isascii() and digits.isdigit() and len(digits) >= _LEAST_DIGITS):
        return text
    return digits[1:] if len(digits) == 11 and digits[0] in "78" else digits


def _group(title: str, ask: Callable[[], dict[str, Any]], found: Callable[[dict[str, Any]], Found], more: str) -> Group:
    try:
        answer = ask()
    except Refused as refusal:
        if refusal.status not in _AWAY:
            raise
        return Group(title, (), refusal=refusal)
    return Group(title, tuple(found(each) for each in answer["items"]), more if answer["next"] else "")


def _couriers(text: str, key: str) -> list[Found]:
    place = "parties.edit" if may("shop") else None
    found = []
    for courier in snapshot()["couriers"]:
        if _has_words(text, courier["extension"], courier["name"]) or _has_digits(key, courier["mobile"]):
            address = (
                url_for(place, kind="couriers", part=courier["extension"]) if place else url_for("overview.couriers")
            )
            title = f"{courier['extension']} {courier['name']}".strip()
            found.append(Found(title, _number(courier["mobile"]), address, "bike"))
    return found[:_MOST]


def _phones(text: str) -> list[Found]:
    found = []
    for phone in snapshot()["phones"]:
        extension = phone["extension"]
        if _has_words(text, extension, phone["name"]):
            address = (
                url_for("parties.edit", kind="phones", part=extension)
                if may("shop")
                else url_for("overview.phones", _anchor=f"phone-{extension}")
            )
            found.append(Found(f"{extension} {phone['name']}".strip(), "", address, "phone"))
    return found[:_MOST]


def _lines(text: str, key: str) -> list[Found]:
    """By name, number and operator; the page of lines says how one is, and leads on to its rules."""
    return [
        Found(
            gettext("Line %(name)s", name=line["name"]),
            _number(line["number"]),
            url_for("overview.lines", _anchor=f"line-{line['name']}"),
            "card-sim",
        )
        for line in snapshot()["lines"]
        if _has_words(text, line["name"], line["operator"] or "") or _has_digits(key, line["number"] or "")
    ][:_MOST]


def _has_words(text: str, *names: str) -> bool:
    known = plain(" ".join(names))
    return all(word in known for word in plain(text).split())


def _has_digits(key: str, number: str) -> bool:
    return key.isdigit() and key in number


def _order(order: dict[str, Any]) -> Found:
    title = gettext("Order %(number)s", number=order["number"])
    note = " · ".join(each for each in (order["customer"], _number(order["phone"])) if each)
    return Found(title, note, url_for("ordering.order", number=order["number"]), "file-text")


def _contact(contact: dict[str, Any]) -> Found:
    note = ", ".join(_number(each) for each in contact["phones"])
    return Found(contact["name"], note, url_for("contacts.contact", contact_id=contact["id"]), "user")


def _call(call: dict[str, Any], directory: Directory) -> Found:
    who, whom = directory.party(call["caller"], call["caller_name"]), directory.party(call["called"])
    picture = {"incoming": "phone-incoming", "outgoing": "phone-outgoing"}.get(call["direction"], "arrow-left-right")
    return Found(
        f"{who.title} → {whom.title}",
        moment(call["started_at"], time_zone(), now()),
        url_for("history.call", call_id=call["id"]),
        picture,
    )


def _message(message: dict[str, Any], directory: Directory) -> Found:
    """The conversation that it is in; one without a number, as of an operator that only has a name, in the list."""
    peer, text = message["peer"], message["text"] or ""
    who = directory.party(peer)
    title = f"{who.title} {who.note}".strip()
    beginning = text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT].rstrip() + "…"
    return Found(
        f"{title}: {beginning}" if beginning else title,
        moment(message["time"], time_zone(), now()),
        url_for("texting.conversation", peer=peer, _anchor=f"message-{message['id']}")
        if peer
        else url_for("texting.messages", show="all", line=message["line"]),
        "message-square",
    )


def _number(number: str | None) -> str:
    return phone_number(number, snapshot()["shop"]["country"]) if number else ""
