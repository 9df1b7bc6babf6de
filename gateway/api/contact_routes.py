"""Contacts, the card of whoever calls, and notes on calls."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL
from gateway.api.blocked_routes import Blocked
from gateway.api.problems import NotFound
from gateway.api.relay import Relay
from gateway.api.taken_back import taken_back_wire
from gateway.clock import wire_time
from gateway.telephony.contacts import Contact, ContactDraft

LONGEST_NOTE = 2_000
LONGEST_RECORDING = 86_400
"""In seconds; no call is that long."""
READING_SECONDS = 300.0
"""As long as the worker may take for a file of thousands of cards."""
_FIELDS = frozenset({"name", "phones", "manager", "tags", "note"})
_PROBLEMS_TOLD = 100


class Contacts(Protocol):
    """The contacts of the shop; the store's StoredContacts is one. Raises ContactsInvalid and ContactPhoneTaken."""

    async def find(self, contact_id: str) -> Contact | None:
        """The contact of that id."""

    async def page(
        self, *, search: str, tag: str | None, manager: str | None, after: str | None, limit: int
    ) -> tuple[list[Contact], str | None]:
        """Contacts by name, and the cursor of the next page. Raises ValueError for a cursor that is none."""

    async def add(self, draft: ContactDraft, *, by: str) -> Contact:
        """A new contact."""

    async def change(self, contact_id: str, draft: ContactDraft, *, by: str) -> Contact | None:
        """Say other things of a contact."""

    async def remove(self, contact_id: str, *, by: str) -> bool:
        """Forget a contact."""

    async def put_back(self, contact_id: str, *, by: str) -> Contact | None:
        """Have a contact again that was removed within the last minutes; None: there is none."""

    async def take(self, drafts: Sequence[tuple[str, ContactDraft]], *, by: str, really: bool) -> Any:
        """Contacts of a file; what it comes to has `added`, `changed`, `same`, `problems` and its `id`."""

    async def take_back(self, table_id: str, *, by: str) -> Any:
        """Have everything as before that file: how many are `restored`, the names `kept`. None: it is too late."""

    async def note_export(self, *, by: str) -> None:
        """Have it on record who took them all."""


class CallNotes(Protocol):
    """Notes on calls; the store's StoredCallNotes."""

    async def add(self, call_id: str, text: str, *, by: str, place: tuple[str, float] | None = None) -> str | None:
        """Note something on a call, or on a place of its recording (id, seconds); None: there is no such call."""

    async def remove(self, call_id: str, note_id: str, *, by: str) -> bool:
        """Take a note away."""

    async def put_back(self, call_id: str, note_id: str, *, by: str) -> bool:
        """Have a note again that was removed within the last minutes."""


class CallTags(Protocol):
    """Tags of calls; the store's StoredCallTags. Raises TagsInvalid."""

    async def mark(self, call_id: str, tags: Sequence[str], *, by: str) -> tuple[str, ...] | None:
        """Have these tags and no others on a call; as they are kept. None: there is no such call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressBook:
    """What is kept of people outside, and of calls with them."""

    contacts: Contacts
    notes: CallNotes
    tags: CallTags
    blocked: Blocked


class ContactRoutes:
    """The handlers."""

    def __init__(self, book: AddressBook, relay: Relay) -> None:
        self._contacts = book.contacts
        self._notes = book.notes
        self._tags = book.tags
        self._relay = relay

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/contacts", self._get_contacts),
            web.post("/api/v1/contacts", self._post_contact),
            web.post("/api/v1/contacts/import", self._post_import),
            web.post("/api/v1/contacts/imports/{id}/take-back", self._post_take_back),
            web.get("/api/v1/contacts/export", self._get_export),
            web.get("/api/v1/contacts/{id}", self._get_contact),
            web.put("/api/v1/contacts/{id}", self._put_contact),
            web.delete("/api/v1/contacts/{id}", self._delete_contact),
            web.post("/api/v1/contacts/{id}/put-back", self._post_put_back),
            web.get("/api/v1/card", self._relay.pass_on),
            web.post("/api/v1/calls/{id}/notes", self._post_note),
            web.delete("/api/v1/calls/{id}/notes/{note}", self._delete_note),
            web.post("/api/v1/calls/{id}/notes/{note}/put-back", self._post_note_back),
            web.put("/api/v1/calls/{id}/tags", self._put_tags),
        ]

    async def _get_contacts(self, request: web.Request) -> web.Response:
        query = request.query
        limit = query.get("limit", "50")
        if not re.fullmatch(r"[0-9]{1,3}", limit) or not 1 <= int(limit) <= 200:
            raise bodies.bad_request("'limit' must be a number from 1 to 200.")
        try:
            found, following = await self._contacts.page(
                search=query.get("search", "").strip()[:64],
                tag=query.get("tag") or None,
                manager=query.get("manager") or None,
                after=query.get("cursor") or None,
                limit=int(limit),
            )
        except ValueError as fault:
            raise bodies.bad_request("The cursor is none of ours.") from fault
        return _answer({"items": [_wire(each) for each in found], "next": following})

    async def _post_contact(self, request: web.Request) -> web.Response:
        draft = _draft(await bodies.json_object(request, allowed=_FIELDS))
        return _answer(_wire(await self._contacts.add(draft, by=request[PRINCIPAL].name)), status=201)

    async def _get_contact(self, request: web.Request) -> web.Response:
        return _answer(_wire(_found(await self._contacts.find(request.match_info["id"]))))

    async def _put_contact(self, request: web.Request) -> web.Response:
        draft = _draft(await bodies.json_object(request, allowed=_FIELDS))
        changed = await self._contacts.change(request.match_info["id"], draft, by=request[PRINCIPAL].name)
        return _answer(_wire(_found(changed)))

    async def _delete_contact(self, request: web.Request) -> web.Response:
        if not await self._contacts.remove(request.match_info["id"], by=request[PRINCIPAL].name):
            raise NotFound("There is no such contact.")
        return web.Response(status=204)

    async def _post_put_back(self, request: web.Request) -> web.Response:
        contact = await self._contacts.put_back(request.match_info["id"], by=request[PRINCIPAL].name)
        return _answer(_wire(_found(contact)))

    async def _post_import(self, request: web.Request) -> web.Response:
        """The worker reads the file, which may take it a while; what it found is kept here."""
        look = request.query.get("look", "false")
        if look not in ("true", "false"):
            raise bodies.bad_request("'look' must be true or false.")
        answer = await self._relay.answer_to(request, "/api/v1/contacts/read", silence_seconds=READING_SECONDS)
        if answer.status != 200:
            return answer
        drafts, unread = await asyncio.to_thread(_read, answer.body)
        taken = await self._contacts.take(drafts, by=request[PRINCIPAL].name, really=look == "false")
        problems = [*unread, *taken.problems]
        return _answer(
            {
                "import": taken.id,
                "added": taken.added,
                "changed": taken.changed,
                "same": taken.same,
                "left_out": len(problems),
                "problems": [{"place": place, "problem": said} for place, said in problems[:_PROBLEMS_TOLD]],
            }
        )

    async def _post_take_back(self, request: web.Request) -> web.Response:
        done = await self._contacts.take_back(request.match_info["id"], by=request[PRINCIPAL].name)
        return _answer(taken_back_wire(done))

    async def _get_export(self, request: web.Request) -> web.StreamResponse:
        await self._contacts.note_export(by=request[PRINCIPAL].name)
        return await self._relay.pass_on(request)

    async def _post_note(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"text", "recording_id", "at_seconds"}))
        text = bodies.prose(body, "text", shortest=1, longest=LONGEST_NOTE).strip()
        if not text:
            raise bodies.bad_request("The field 'text' must not be empty.")
        call_id, place = request.match_info["id"], _place(body)
        note_id = await self._notes.add(call_id, text, by=request[PRINCIPAL].name, place=place)
        if note_id is None:
            raise NotFound("There is no such call." if place is None else "There is no such recording of that call.")
        return _answer({"id": note_id}, status=201)

    async def _delete_note(self, request: web.Request) -> web.Response:
        ids = request.match_info
        if not await self._notes.remove(ids["id"], ids["note"], by=request[PRINCIPAL].name):
            raise NotFound("There is no such note.")
        return web.Response(status=204)

    async def _post_note_back(self, request: web.Request) -> web.Response:
        ids = request.match_info
        if not await self._notes.put_back(ids["id"], ids["note"], by=request[PRINCIPAL].name):
            raise NotFound("No such note was removed within the last minutes.")
        return web.Response(status=204)

    async def _put_tags(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"tags"}))
        tags = _texts(body, "tags")
        if tags is None:
            raise bodies.bad_request("The field 'tags' must be a list of texts.")
        kept = await self._tags.mark(request.match_info["id"], tags, by=request[PRINCIPAL].name)
        if kept is None:
            raise NotFound("There is no such call.")
        return _answer({"tags": list(kept)})


def _place(body: Mapping[str, object]) -> tuple[str, float] | None:
    """Where in a recording: its id, and the seconds from its beginning."""
    seconds = body.get("at_seconds")
    if body.get("recording_id") is None and seconds is None:
        return None
    recording_id = bodies.string(body, "recording_id", longest=64, shortest=1)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST_RECORDING:
        raise bodies.bad_request("The field 'at_seconds' must be the seconds from the beginning of the recording.")
    return recording_id, round(float(seconds), 1)


def _draft(body: Mapping[str, object]) -> ContactDraft:
    """What the body says; a field that is not named says nothing, null takes away."""
    manager = body.get("manager") if "manager" in body else None
    return ContactDraft(
        name=_text(body, "name"),
        phones=_texts(body, "phones"),
        manager="" if "manager" in body and manager is None else _text(body, "manager"),
        tags=_texts(body, "tags"),
        note=bodies.prose(body, "note", longest=LONGEST_NOTE) if body.get("note") is not None else None,
    )


def _text(body: Mapping[str, object], name: str) -> str | None:
    return None if body.get(name) is None else bodies.string(body, name, longest=100).strip()


def _texts(body: Mapping[str, object], name: str) -> tuple[str, ...] | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > 50:
        raise bodies.bad_request(f"The field {name!r} must be a list of at most 50 texts.")
    return tuple(bodies.string({name: each}, name, longest=64).strip() for each in value)


def _read(body: Any) -> tuple[list[tuple[str, ContactDraft]], list[tuple[str, str]]]:
    """What the worker has read."""
    found = json.loads(body)
    drafts = []
    for each in found["drafts"]:
        place, phones, tags = each.pop("place"), each.pop("phones"), each.pop("tags")
        drafts.append((place, ContactDraft(phones=tuple(phones), tags=tuple(tags), **each)))
    return drafts, [(place, said) for place, said in found["problems"]]


def _wire(contact: Contact) -> dict[str, object]:
    return {
        **asdict(contact),
        "created_at": wire_time(contact.created_at),
        "changed_at": wire_time(contact.changed_at),
    }


def _found(contact: Contact | None) -> Contact:
    if contact is None:
        raise NotFound("There is no such contact.")
    return contact


def _answer(content: object, *, status: int = 200) -> web.Response:
    return web.json_response(content, status=status, headers={"Cache-Control": "no-store"})
