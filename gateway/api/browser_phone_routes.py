"""Phones in browsers: SIP messages to and from one, through whoever serves its page."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL, client_address, require_principal
from gateway.api.problems import NotFound, NotSignedIn, TooManyStreams

KEEP_ALIVE_SECONDS = 5.0
LONGEST_MESSAGE = 65_535


class Tunnel(Protocol):
    """One browser's messages."""

    @property
    def id(self) -> str:
        """What the browser names with each message of its own."""

    def messages(self, *, silence: float) -> AsyncIterator[bytes]:
        """Each message for the browser, until the tunnel is closed; empty after so many seconds without one."""


class Tunnels(Protocol):
    """All that are open."""

    @property
    def is_full(self) -> bool:
        """No further one is opened now."""

    def open(self, extension: str, host: str, owner: str) -> Tunnel:
        """For a browser at that address, which speaks as that extension from now on; `owner` alone may use it."""

    def receive(self, tunnel_id: str, owner: str, data: bytes) -> bool:
        """A message of the browser's; False when that owner has no such tunnel."""

    def close(self, tunnel_id: str) -> None:
        """The browser is gone; idempotent."""

    def close_all(self) -> None:
        """We are going."""


class NotePhone(Protocol):
    """Puts it on record who is a phone; the store's StoredEvidence.note_phone is one."""

    async def __call__(self, extension: str, *, by: str, address: str) -> None:
        """Commit it. Raises StoreError."""


@dataclass(frozen=True, slots=True)
class BrowserPhones:
    """What the handlers need."""

    tunnels: Tunnels
    is_phone: Callable[[str], bool]
    """The shop has a phone with that extension."""
    note: NotePhone


class BrowserPhoneRoutes:
    """The handlers."""

    def __init__(self, phones: BrowserPhones) -> None:
        self._tunnels = phones.tunnels
        self._is_phone = phones.is_phone
        self._note = phones.note

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/phones/{extension}/browser", self._get_messages, allow_head=False),
            web.post("/api/v1/browser-phones/{id}", self._post_message),
        ]

    async def _get_messages(self, request: web.Request) -> web.StreamResponse:
        extension, owner = request.match_info["extension"], request[PRINCIPAL].user_id
        if not self._is_phone(extension):
            raise NotFound("There is no such phone.")
        if self._tunnels.is_full:
            raise TooManyStreams("The audience is full.")
        await self._note(extension, by=request[PRINCIPAL].name, address=client_address(request))
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        await response.prepare(request)
        tunnel = self._tunnels.open(extension, client_address(request), owner)
        try:
            await response.write(_told({"tunnel": tunnel.id}))
            async for message in tunnel.messages(silence=KEEP_ALIVE_SECONDS):
                if message:
                    await response.write(_told({"sip": message.decode("utf-8", "replace")}))
                else:
                    await require_principal(request)  # a session that has ended is nobody's phone any more
                    await response.write(b":\n\n")
        except (ConnectionResetError, NotSignedIn):
            pass  # this is how a stream ends
        finally:
            self._tunnels.close(tunnel.id)
        return response

    async def _post_message(self, request: web.Request) -> web.Response:
        text = await bodies.text(request, media_type="message/sip")
        if len(text) > LONGEST_MESSAGE:
            raise bodies.bad_request("The message is too long.")
        if not self._tunnels.receive(request.match_info["id"], request[PRINCIPAL].user_id, text.encode()):
            raise NotFound("There is no such tunnel.")
        return web.Response(status=204)


def _told(value: dict[str, str]) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"
