"""Joining a running call: to listen, whisper, barge in or confer. Who asks is on record before a phone rings."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL, client_address
from gateway.api.problems import NotFound, NotNow
from gateway.telephony.causes import Cause
from gateway.telephony.company import Role

LONGEST_EXTENSION = 32
PARTIES = {"conference": Role.SPEAKS, "consult": Role.CONSULTS}
MODES = {"listen": Role.LISTENS, "whisper": Role.WHISPERS, "barge": Role.SPEAKS}


class Joining(Protocol):
    """The verbs of the switchboard."""

    def bring_in(self, call_id: str, extension: str, role: Role, *, by: str) -> Cause | None:
        """Ring a phone that shall join; None: it rings, else why not. Raises LookupError: no such call now."""

    def drop(self, call_id: str, leg_id: str) -> bool:
        """End one leg of a call that goes on without it; False when it would not. Raises LookupError."""

    def hand_over(self, call_id: str, leg_id: str) -> bool:
        """Give a guest who is consulted the place of whoever asked; False: nobody does. Raises LookupError."""


class NoteJoining(Protocol):
    """Puts it on record who joins a call; the store's StoredEvidence.note_joining is one."""

    def __call__(self, call_id: str, *, by: str, address: str, extension: str, mode: str) -> Awaitable[None]:
        """Returns when it is on disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """What these routes need."""

    joining: Joining
    note: NoteJoining


class CompanyRoutes:
    """The handlers."""

    def __init__(self, company: Company) -> None:
        self._joining = company.joining
        self._note = company.note

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.post("/api/v1/calls/{id}/listeners", self._post_listener),
            web.post("/api/v1/calls/{id}/parties", self._post_party),
            web.delete("/api/v1/calls/{id}/parties/{leg_id}", self._delete_party),
            web.post("/api/v1/calls/{id}/parties/{leg_id}/hand-over", self._post_hand_over),
        ]

    async def _post_listener(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"extension", "mode"}))
        mode = bodies.string(body, "mode", shortest=1, longest=16)
        if mode not in MODES:
            raise bodies.bad_request('The field "mode" must be "listen", "whisper" or "barge".')
        return await self._join(request, body, mode, MODES[mode])

    async def _post_party(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"extension", "mode"}))
        mode = bodies.string(body, "mode", shortest=1, longest=16) if "mode" in body else "conference"
        if mode not in PARTIES:
            raise bodies.bad_request('The field "mode" must be "conference" or "consult".')
        return await self._join(request, body, mode, PARTIES[mode])

    async def _join(self, request: web.Request, body: dict[str, object], mode: str, role: Role) -> web.Response:
        extension = bodies.string(body, "extension", shortest=1, longest=LONGEST_EXTENSION)
        call_id, by = request.match_info["id"], request[PRINCIPAL].name
        await self._note(call_id, by=by, address=client_address(request), extension=extension, mode=mode)
        with _a_call_of_now():
            refusal = self._joining.bring_in(call_id, extension, role, by=by)
        if refusal is Cause.NO_SUCH_NUMBER:
            raise NotFound(f"The shop has no phone {extension}.")
        if refusal is Cause.REJECTED:
            raise NotNow("Nobody talks in that call whom this phone could join.")
        if refusal is not None:
            raise NotNow(f"The phone {extension} cannot be rung now.")
        return web.json_response({"extension": extension, "mode": mode}, status=202)

    async def _delete_party(self, request: web.Request) -> web.Response:
        call_id, leg_id = request.match_info["id"], request.match_info["leg_id"]
        with _a_call_of_now():
            goes_on = self._joining.drop(call_id, leg_id)
        if not goes_on:
            raise NotNow("The call does not go on without that party.")
        return web.Response(status=204)

    async def _post_hand_over(self, request: web.Request) -> web.Response:
        call_id, leg_id = request.match_info["id"], request.match_info["leg_id"]
        with _a_call_of_now():
            is_done = self._joining.hand_over(call_id, leg_id)
        if not is_done:
            raise NotNow("Nobody consults that party now.")
        return web.Response(status=204)


@contextmanager
def _a_call_of_now() -> Iterator[None]:
    try:
        yield
    except LookupError as fault:
        raise NotFound("There is no such call now.") from fault
