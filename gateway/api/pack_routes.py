"""Recordings of several calls in one ZIP file: each is on record as downloaded before the first byte goes out."""

from __future__ import annotations

import json

from aiohttp import web

from gateway.api.auth import PRINCIPAL, client_address
from gateway.api.recording_routes import Evidence
from gateway.api.relay import Relay

_PACK = "/api/v1/recordings/pack"


class PackRoutes:
    """The handlers."""

    def __init__(self, evidence: Evidence, relay: Relay) -> None:
        self._evidence = evidence
        self._relay = relay

    def routes(self) -> list[web.RouteDef]:
        """For the router, before a recording by its id."""
        return [
            web.get(_PACK, self._get_pack, allow_head=False),
            web.get(f"{_PACK}/size", self._relay.pass_on),
        ]

    async def _get_pack(self, request: web.Request) -> web.StreamResponse:
        """The worker says which they are; these and no others go into the file, whatever is recorded meanwhile."""
        listed = await self._relay.answer_to(request, f"{_PACK}/list?{request.rel_url.raw_query_string}")
        if listed.status != 200 or not isinstance(listed.body, bytes):
            return listed
        wanted: dict[str, list[str]] = json.loads(listed.body)
        ids = [each for of_call in wanted.values() for each in of_call]
        await self._evidence.note_pack(ids, by=request[PRINCIPAL].name, address=client_address(request))
        return await self._relay.pass_on_to(request, f"{_PACK}?{request.rel_url.raw_query_string}", wanted)
