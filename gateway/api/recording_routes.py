"""Recordings as evidence: listened to on record, held for a dispute."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL, client_address
from gateway.api.bodies import bad_request
from gateway.api.erasure_routes import Erasures
from gateway.api.problems import NotFound, NotNow
from gateway.api.relay import Relay

LONGEST_REASON = 200
LONGEST_NUMBER = 64


class Evidence(Protocol):
    """Holds and listenings; the store's StoredEvidence is one."""

    async def hold_call(self, call_id: str, *, by: str, why: str) -> int | None:
        """Hold the recordings of a call; how many. None: there is no such call."""

    async def release_call(self, call_id: str, *, by: str) -> int | None:
        """Let them go when their time comes; how many were held. None: there is no such call."""

    async def hold_number(self, number: str, *, by: str, why: str) -> int:
        """Hold every recording of a number; how many. Raises ValueError for what is no number."""

    async def release_number(self, number: str, *, by: str) -> int:
        """Release them; how many were held. Raises ValueError."""

    async def hold_order(self, order: str, *, by: str, why: str) -> int:
        """Hold every recording of an order's calls; how many."""

    async def release_order(self, order: str, *, by: str) -> int:
        """Release them; how many were held."""

    async def note_evidence(self, order: str, *, by: str, address: str) -> bool:
        """Have it on record who is given the evidence pack of an order; False: there is no such order."""

    async def note_listening(
        self, recording_id: str, *, by: str, address: str, is_download: bool, is_elsewhere: bool = False
    ) -> None:
        """Have it on record who is given the sound of a recording; `is_elsewhere`: it may be another gateway's."""

    async def note_pack(self, recording_ids: Sequence[str], *, by: str, address: str) -> None:
        """Have it on record, of each of these recordings, who downloads it."""


class PauseRecording(Protocol):
    """Keeps silence in the recording of a running call, or what is said again."""

    def __call__(self, call_id: str, *, paused: bool) -> bool:
        """False: the call is not being recorded now. Raises LookupError when there is no such call."""


class Heard(Protocol):
    """Notes who has listened to a message."""

    async def __call__(self, recording_id: str, *, by: str) -> None:
        """Somebody is given the sound of that recording."""


async def _noted_by_nobody(recording_id: str, *, by: str) -> None:
    """Callers leave no messages here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What these routes need."""

    evidence: Evidence
    erasures: Erasures
    pause_recording: PauseRecording
    prompts_changed: Callable[[], Awaitable[None]]
    """Has the prompts read anew: the worker has made others."""
    heard: Heard = _noted_by_nobody
    """If the recording is a message that a caller has left, it is heard now."""


class RecordingRoutes:
    """The handlers."""

    def __init__(self, recorded: Recorded, relay: Relay) -> None:
        self._evidence = recorded.evidence
        self._pause_recording = recorded.pause_recording
        self._heard = recorded.heard
        self._relay = relay

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/recordings/{id}", self._get_recording),
            web.get("/api/v1/gateways/recordings/{id}", self._get_elsewhere),
            web.get("/api/v1/orders/{number}/evidence", self._get_evidence),
            web.post("/api/v1/calls/{id}/recording/pause", self._post_pause),
            web.post("/api/v1/calls/{id}/recording/resume", self._post_resume),
            web.post("/api/v1/calls/{id}/hold", self._post_hold),
            web.delete("/api/v1/calls/{id}/hold", self._delete_hold),
            web.post("/api/v1/orders/{number}/hold", self._post_order_hold),
            web.delete("/api/v1/orders/{number}/hold", self._delete_order_hold),
            web.post("/api/v1/holds", self._post_holds),
            web.post("/api/v1/holds/release", self._post_release),
        ]

    async def _get_evidence(self, request: web.Request) -> web.StreamResponse:
        """Who takes it is on disk before the first byte goes out."""
        who = request[PRINCIPAL].name
        if request.method != "HEAD" and not await self._evidence.note_evidence(
            request.match_info["number"], by=who, address=client_address(request)
        ):
            raise NotFound("There is no such order.")
        return await self._relay.pass_on(request)

    async def _get_recording(self, request: web.Request) -> web.StreamResponse:
        """Who listens is on disk before the first byte goes out."""
        if request.method != "HEAD":
            await self._note_listening(request)
            await self._heard(request.match_info["id"], by=request[PRINCIPAL].name)
        return await self._relay.pass_on(request)

    async def _get_elsewhere(self, request: web.Request) -> web.StreamResponse:
        """As of an own recording; here it is on record who listened, not at the gateway that made it."""
        if request.method != "HEAD":
            await self._note_listening(request, is_elsewhere=True)
        return await self._relay.pass_on(request)

    async def _note_listening(self, request: web.Request, *, is_elsewhere: bool = False) -> None:
        await self._evidence.note_listening(
            request.match_info["id"],
            by=request[PRINCIPAL].name,
            address=client_address(request),
            is_download=request.query.get("download") == "true",
            is_elsewhere=is_elsewhere,
        )

    async def _post_pause(self, request: web.Request) -> web.Response:
        return self._have_paused(request, paused=True)

    async def _post_resume(self, request: web.Request) -> web.Response:
        return self._have_paused(request, paused=False)

    def _have_paused(self, request: web.Request, *, paused: bool) -> web.Response:
        try:
            is_recorded = self._pause_recording(request.match_info["id"], paused=paused)
        except LookupError as fault:
            raise NotFound("There is no such call now.") from fault
        if not is_recorded:
            raise NotNow("The call is not being recorded.")
        return web.Response(status=204)

    async def _post_hold(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"why"}))
        why = bodies.string(body, "why", shortest=1, longest=LONGEST_REASON)
        call_id, by = request.match_info["id"], request[PRINCIPAL].name
        return _counted("held", await self._evidence.hold_call(call_id, by=by, why=why))

    async def _delete_hold(self, request: web.Request) -> web.Response:
        call_id, by = request.match_info["id"], request[PRINCIPAL].name
        return _counted("released", await self._evidence.release_call(call_id, by=by))

    async def _post_order_hold(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"why"}))
        why = bodies.string(body, "why", shortest=1, longest=LONGEST_REASON)
        order, by = request.match_info["number"], request[PRINCIPAL].name
        return _counted("held", await self._evidence.hold_order(order, by=by, why=why))

    async def _delete_order_hold(self, request: web.Request) -> web.Response:
        order, by = request.match_info["number"], request[PRINCIPAL].name
        return _counted("released", await self._evidence.release_order(order, by=by))

    async def _post_holds(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"number", "why"}))
        number = bodies.string(body, "number", shortest=1, longest=LONGEST_NUMBER)
        why = bodies.string(body, "why", shortest=1, longest=LONGEST_REASON)
        by = request[PRINCIPAL].name
        return _counted("held", await _of_number(lambda: self._evidence.hold_number(number, by=by, why=why)))

    async def _post_release(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"number"}))
        number = bodies.string(body, "number", shortest=1, longest=LONGEST_NUMBER)
        by = request[PRINCIPAL].name
        return _counted("released", await _of_number(lambda: self._evidence.release_number(number, by=by)))


async def _of_number(ask: Callable[[], Awaitable[int]]) -> int:
    try:
        return await ask()
    except ValueError as fault:
        raise bad_request(str(fault)) from fault


def _counted(name: str, count: int | None) -> web.Response:
    if count is None:
        raise NotFound("There is no such call.")
    return web.json_response({name: count})
