"""The worker's answers about contacts: files read and written, and the card of whoever calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Protocol, TypeVar

from aiohttp import web
from sqlalchemy.exc import DBAPIError

from gateway.api.bodies import bad_request
from gateway.errors import StoreError
from gateway.telephony.contacts import Contact
from gateway.telephony.numbers import NumberPolicy
from gateway.telephony.shop import NumberRules
from gateway.worker.contact_files import ReadContacts, read_csv, read_vcards, write_csv, write_vcards

T = TypeVar("T")

LARGEST_FILE_BYTES = 16 * 1024 * 1024
"""Cards with pictures are large."""
_READERS: dict[str, Callable[[str, NumberPolicy], ReadContacts]] = {"text/csv": read_csv, "text/vcard": read_vcards}
_MORE_CSV = partial(write_csv, begins=False)
_WRITERS: dict[str, tuple[Callable[[Sequence[Contact]], str], Callable[[Sequence[Contact]], str], str, str]] = {
    "csv": (write_csv, _MORE_CSV, "text/csv", "contacts.csv"),
    "vcard": (write_vcards, write_vcards, "text/vcard", "contacts.vcf"),
}
"""What writes the first contacts of a file, and more of them."""
CONTACTS_AT_A_TIME = 500


class ContactArchive(Protocol):
    """What is asked of the store; it blocks, and is called in threads."""

    def number_rules(self) -> NumberRules:
        """How the shop reads numbers now."""

    def contact_ids(self) -> Sequence[str]:
        """Of all of them, by name."""

    def contacts(self, ids: Sequence[str]) -> Sequence[Contact]:
        """Those of these ids that are still there, in that order."""

    def card(self, number: str) -> dict[str, object]:
        """The schema `Card` of that number. Raises ValueError for what is none."""


class ContactRoutes:
    """The handlers."""

    def __init__(self, archive: ContactArchive) -> None:
        self._archive = archive

    def routes(self) -> list[web.RouteDef]:
        """For the router. What `/read` gives is for the daemon alone, which keeps the contacts."""
        return [
            web.post("/api/v1/contacts/read", self._post_read),
            web.get("/api/v1/contacts/export", self._get_export),
            web.get("/api/v1/card", self._get_card),
        ]

    async def _post_read(self, request: web.Request) -> web.Response:
        reader = _READERS.get(request.content_type)
        if reader is None:
            raise web.HTTPUnsupportedMediaType
        content = bytearray()
        async for piece in request.content.iter_chunked(64 * 1024):
            content += piece
            if len(content) > LARGEST_FILE_BYTES:
                raise web.HTTPRequestEntityTooLarge(max_size=LARGEST_FILE_BYTES, actual_size=len(content))
        return await asyncio.to_thread(self._read, reader, bytes(content))

    def _read(self, reader: Callable[[str, NumberPolicy], ReadContacts], content: bytes) -> web.Response:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            text = content.decode("cp1251", errors="replace")  # as spreadsheets on Windows write it
        found = reader(text, NumberPolicy(_stored(self._archive.number_rules)))
        drafts = [{"place": place, **asdict(draft)} for place, draft in found.drafts]
        return web.json_response({"drafts": drafts, "problems": found.problems})

    async def _get_export(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("form", "csv") not in _WRITERS:
            raise bad_request(f"'form' must be one of: {', '.join(_WRITERS)}.")
        write, write_more, media_type, name = _WRITERS[request.query.get("form", "csv")]
        ids = await asyncio.to_thread(_stored, self._archive.contact_ids)
        text = await asyncio.to_thread(self._written, write, ids[:CONTACTS_AT_A_TIME])
        response = web.StreamResponse(
            headers={
                "Content-Type": f"{media_type}; charset=utf-8",
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "no-store",
            }
        )
        await response.prepare(request)
        await response.write(text.encode())
        for first in range(CONTACTS_AT_A_TIME, len(ids), CONTACTS_AT_A_TIME):
            some = ids[first : first + CONTACTS_AT_A_TIME]
            text = await asyncio.to_thread(self._written, write_more, some)
            await response.write(text.encode())
        await response.write_eof()
        return response

    def _written(self, write: Callable[[Sequence[Contact]], str], ids: Sequence[str]) -> str:
        return write(_stored(lambda: self._archive.contacts(ids)))

    async def _get_card(self, request: web.Request) -> web.Response:
        number = request.query.get("number", "").strip()
        if len(number) > 64 or "\0" in number:
            raise bad_request("'number' is too long, or holds characters that no number has.")
        try:
            card = await asyncio.to_thread(_stored, lambda: self._archive.card(number))
        except ValueError as fault:
            raise bad_request(str(fault)) from fault
        return web.json_response(card, headers={"Cache-Control": "no-store"})


def _stored(read: Callable[[], T]) -> T:
    try:
        return read()
    except DBAPIError as error:
        raise StoreError(f"The store cannot be read: {error.orig}.") from error
