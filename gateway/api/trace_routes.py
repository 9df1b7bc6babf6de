"""Looking into a running call: what its wires say, and its packets. Who takes packets is in the audit first."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL, client_address
from gateway.api.company_routes import NoteJoining
from gateway.api.problems import NotFound
from gateway.events import TracedLine

LONGEST_SECONDS = 60
_USUAL_SECONDS = "10"


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """What these routes need. Both raise LookupError for a call that does not run."""

    trace: Callable[[str], Sequence[TracedLine]]
    capture: Callable[[str, float], Awaitable[bytes]]
    """A pcap file of so many seconds, or less when the call ends."""
    note: NoteJoining


class TraceRoutes:
    """The handlers."""

    def __init__(self, insight: Insight) -> None:
        self._insight = insight

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/calls/{id}/trace", self._get_trace),
            web.get("/api/v1/calls/{id}/pcap", self._get_pcap, allow_head=False),
        ]

    async def _get_trace(self, request: web.Request) -> web.Response:
        try:
            lines = self._insight.trace(request.match_info["id"])
        except LookupError as fault:
            raise NotFound("There is no such call now.") from fault
        return web.json_response({"lines": [asdict(line) for line in lines]}, headers={"Cache-Control": "no-store"})

    async def _get_pcap(self, request: web.Request) -> web.Response:
        text = request.query.get("seconds", _USUAL_SECONDS)
        if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= LONGEST_SECONDS:
            raise bodies.bad_request(f'"seconds" must be a number from 1 to {LONGEST_SECONDS}.')
        call_id = request.match_info["id"]
        try:
            self._insight.trace(call_id)
            await self._insight.note(
                call_id, by=request[PRINCIPAL].name, address=client_address(request), extension="", mode="packets"
            )
            body = await self._insight.capture(call_id, float(text))
        except LookupError as fault:
            raise NotFound("There is no such call now.") from fault
        return web.Response(
            body=body,
            headers={
                "Content-Type": "application/vnd.tcpdump.pcap",
                "Content-Disposition": f'attachment; filename="{call_id}.pcap"',
                "Cache-Control": "no-store",
            },
        )
