"""Names for numbers: who of the shop is behind an extension, a mobile or a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from web.formats import phone_number
from web.gateway_client import Refused
from web.reader import asker, client
from web.translation import gettext

MOST_CARDS = 8
"""So many calls of a page are shown with the card of their caller."""


@dataclass(frozen=True, slots=True)
class Party:
    """`title` is what a person would call the party, `note` the number behind a name."""

    title: str
    note: str = ""


class Directory:
    """Looks parties up in a snapshot."""

    def __init__(self, snapshot: dict[str, Any]) -> None:
        self._country = snapshot["shop"]["country"]
        self._by_key: dict[str, Party] = {}
        for line in snapshot["lines"]:
            party = Party(gettext("Line %(name)s", name=line["name"]))
            self._by_key[line["name"]] = party
            if line["number"]:
                self._by_key.setdefault(line["number"], party)
        for phone in snapshot["phones"]:
            self._by_key[phone["extension"]] = Party(phone["name"] or phone["extension"], phone["extension"])
        for courier in snapshot["couriers"]:
            name = courier["name"] or gettext("Courier %(extension)s", extension=courier["extension"])
            self._by_key[courier["extension"]] = Party(name, courier["extension"])
            self._by_key[courier["mobile"]] = Party(name, phone_number(courier["mobile"], self._country))

    def party(self, key: str | None, name: str = "") -> Party:
        """Who `key` is; `name` is what the caller's side said of itself."""
        known = self._by_key.get(key or "")
        if known is not None:
            return known if known.note != known.title else Party(known.title)
        number = phone_number(key, self._country)
        return Party(name, number) if name and name != key else Party(number)


def queue_title(snapshot: dict[str, Any], name: str) -> str:
    """What people call a queue; that of the shop itself has an empty name."""
    titles = {each["name"]: each["title"] for each in snapshot["queue"]["queues"]}
    return titles.get(name) or name or gettext("The shop's queue")


def card_of(number: str | None) -> dict[str, Any] | None:
    """What is known of a number outside; None where there is none, or the lists are away now."""
    if not number:
        return None
    try:
        return client().card(asker(), number)
    except Refused as refusal:
        if refusal.status not in (400, 403, 503):
            raise
        return None


def outside_of(call: dict[str, Any]) -> str | None:
    """The number outside that a call is with; None: it is between phones, or the number was withheld."""
    return {"incoming": call["caller"], "outgoing": call["called"]}.get(call["direction"]) or None


def cards_of(calls: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The cards of the callers from outside, by call, of the newest calls."""
    found = ((call["id"], card_of(outside_of(call))) for call in calls[-MOST_CARDS:] if call["direction"] == "incoming")
    return {call_id: card for call_id, card in found if card is not None}
