"""Calls that people order from a screen, and commands to a running call that may cost money."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from aiohttp import web

from gateway.api import bodies
from gateway.api.once import Answers, carried_out_once
from gateway.api.problems import NotFound, NotNow
from gateway.errors import NumberBarred
from gateway.telephony.causes import Cause

Transfer: TypeAlias = Callable[[str, str], Cause | None]
"""Given a call's id and whom to reach: None when it is being tried, else why not. LookupError: no such call now."""

ConnectTwo: TypeAlias = Callable[[str, str], str]
"""Given the extension of a phone and whom to reach: the id of the call. LookupError: there is no such phone."""

LONGEST_TARGET = 64
LONGEST_EXTENSION = 16
_BARRED = {Cause.NUMBER_BARRED: "kind", Cause.NO_SUCH_NUMBER: "no-such-number"}
"""The nearest reason of the number policy."""


class CallRoutes:
    """The handlers."""

    def __init__(self, transfer: Transfer, connect_two: ConnectTwo, answers: Answers) -> None:
        self._transfer = transfer
        self._connect_two = connect_two
        self._answers = answers

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.post("/api/v1/calls", self._post_call),
            web.post("/api/v1/calls/{id}/transfer", self._post_transfer),
        ]

    async def _post_call(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"from", "to"}))
        extension = bodies.string(body, "from", shortest=1, longest=LONGEST_EXTENSION)
        to = bodies.string(body, "to", shortest=1, longest=LONGEST_TARGET).strip()

        async def call() -> tuple[int, object]:
            try:
                return 202, {"id": self._connect_two(extension, to)}
            except LookupError as fault:
                raise NotFound("There is no such phone.") from fault

        return await carried_out_once(request, body, self._answers, call)

    async def _post_transfer(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"to"}))
        to = bodies.string(body, "to", shortest=1, longest=LONGEST_TARGET)

        async def transfer() -> tuple[int, object]:
            try:
                refusal = self._transfer(request.match_info["id"], to)
            except LookupError as fault:
                raise NotFound("There is no such call now.") from fault
            if refusal in _BARRED:
                raise NumberBarred(f"The number {to!r} may not be dialled.", number=to, reason=_BARRED[refusal])
            if refusal is not None:
                raise NotNow("Nobody talks to a phone of the shop in that call.")
            return 202, {"to": to}

        return await carried_out_once(request, body, self._answers, transfer)
