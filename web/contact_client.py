"""What the panel asks of the daemon about people outside: contacts, the card of a caller, notes on calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from web.gateway_link import Asker, GatewayLink, pieces_of

_READING_SECONDS = 320.0
"""As long as the daemon lets the worker read a file of many contacts, and a little."""


class ContactClient(GatewayLink):
    """One method per operation of the contract."""

    def contacts(self, asker: Asker, **query: str | int | None) -> dict[str, Any]:
        """A page of contacts."""
        return self._object(asker, "GET", "/api/v1/contacts", query=query)

    def contact(self, asker: Asker, contact_id: str) -> dict[str, Any]:
        """One contact."""
        return self._object(asker, "GET", "/api/v1/contacts/{id}", id=contact_id)

    def add_contact(self, asker: Asker, said: Mapping[str, object]) -> dict[str, Any]:
        """A new contact."""
        return self._object(asker, "POST", "/api/v1/contacts", body=dict(said))

    def change_contact(self, asker: Asker, contact_id: str, said: Mapping[str, object]) -> None:
        """Say other things of a contact."""
        self._ask(asker, "PUT", "/api/v1/contacts/{id}", body=dict(said), id=contact_id)

    def remove_contact(self, asker: Asker, contact_id: str) -> None:
        """Forget a contact."""
        self._ask(asker, "DELETE", "/api/v1/contacts/{id}", id=contact_id)

    def put_contact_back(self, asker: Asker, contact_id: str) -> dict[str, Any]:
        """Have a contact again that was just removed."""
        return self._object(asker, "POST", "/api/v1/contacts/{id}/put-back", id=contact_id)

    def import_contacts(self, asker: Asker, content: bytes, *, is_cards: bool, look: bool) -> dict[str, Any]:
        """Take a file of contacts, or (`look`) say what it would come to."""
        answer: dict[str, Any] = self._ask(
            asker, "POST", "/api/v1/contacts/import", query={"look": "true" if look else "false"}, text=content,
            media_type="text/vcard" if is_cards else "text/csv", seconds=_READING_SECONDS,
        )  # fmt: skip
        return answer

    def take_contacts_back(self, asker: Asker, import_id: str) -> dict[str, Any]:
        """Have all contacts as before a file: how many are `restored`, how many `kept`, and `kept_names`."""
        return self._object(asker, "POST", "/api/v1/contacts/imports/{id}/take-back", id=import_id)

    @contextmanager
    def contact_file(self, asker: Asker, form: str) -> Iterator[tuple[Mapping[str, str], Iterator[bytes]]]:
        """Headers and pieces of the file of all contacts; `form` is "csv" or "vcard"."""
        with self._asking(
            asker, "GET", "/api/v1/contacts/export", query={"form": form}, seconds=_READING_SECONDS
        ) as answer:
            yield dict(answer.headers.items()), pieces_of(answer)

    def card(self, asker: Asker, number: str) -> dict[str, Any]:
        """Who has a number, with the last calls, orders and notes."""
        return self._object(asker, "GET", "/api/v1/card", query={"number": number})

    def note_call(self, asker: Asker, call_id: str, text: str, *, place: tuple[str, float] | None = None) -> None:
        """Note something on a call, or on a `place` of a recording of it (id, seconds from its beginning)."""
        about = {} if place is None else {"recording_id": place[0], "at_seconds": place[1]}
        self._ask(asker, "POST", "/api/v1/calls/{id}/notes", body={"text": text, **about}, id=call_id)

    def call_tags(self, asker: Asker) -> list[dict[str, Any]]:
        """Every `tag`, and how many `calls` have it, the most used first."""
        return list(self._object(asker, "GET", "/api/v1/call-tags")["items"])

    def mark_call(self, asker: Asker, call_id: str, tags: Sequence[str]) -> None:
        """Have these tags and no others on a call."""
        self._ask(asker, "PUT", "/api/v1/calls/{id}/tags", body={"tags": list(tags)}, id=call_id)

    def blocked(self, asker: Asker) -> list[dict[str, Any]]:
        """Numbers whose calls are declined, the newest first."""
        return list(self._object(asker, "GET", "/api/v1/blocked")["items"])

    def block(self, asker: Asker, number: str, *, why: str, days: int | None) -> dict[str, Any]:
        """Decline calls from that number, for so many days or until it is unblocked."""
        return self._object(asker, "POST", "/api/v1/blocked", body={"number": number, "why": why, "days": days})

    def unblock(self, asker: Asker, number: str) -> None:
        """Let the number through again."""
        self._ask(asker, "DELETE", "/api/v1/blocked/{number}", number=number)

    def put_note_back(self, asker: Asker, call_id: str, note_id: str) -> None:
        """Have a note again that was just taken away."""
        self._ask(asker, "POST", "/api/v1/calls/{id}/notes/{note}/put-back", id=call_id, note=note_id)

    def remove_note(self, asker: Asker, call_id: str, note_id: str) -> None:
        """Take a note away."""
        self._ask(asker, "DELETE", "/api/v1/calls/{id}/notes/{note}", id=call_id, note=note_id)
