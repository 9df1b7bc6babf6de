"""A customer's right: everything of a number goes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Protocol

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL
from gateway.api.bodies import bad_request
from gateway.api.problems import NotFound

LONGEST_NUMBER = 64


class Erasures(Protocol):
    """What erases; the store's Erasures is one. Its answers are dataclasses with the fields of openapi.json."""

    async def plan(self, number: str) -> Any:
        """The schema `ErasurePlan`: what would go. Raises ValueError for what is no number."""

    def begin(self, number: str, *, by: str) -> Any:
        """The schema `Erasure` of a new order, which is carried out by and by. Raises ValueError."""

    def progress(self, order_id: str) -> Any:
        """The schema `Erasure`; None: there is no such order."""


class ErasureRoutes:
    """The handlers."""

    def __init__(self, erasures: Erasures) -> None:
        self._erasures = erasures

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.post("/api/v1/erasures/plan", self._post_plan),
            web.post("/api/v1/erasures", self._post_erasure),
            web.get("/api/v1/erasures/{id}", self._get_erasure),
        ]

    async def _post_plan(self, request: web.Request) -> web.Response:
        number = await _number(request)
        try:
            return _answer(await self._erasures.plan(number))
        except ValueError as fault:
            raise bad_request(str(fault)) from fault

    async def _post_erasure(self, request: web.Request) -> web.Response:
        number = await _number(request)
        try:
            return _answer(self._erasures.begin(number, by=request[PRINCIPAL].name), status=202)
        except ValueError as fault:
            raise bad_request(str(fault)) from fault

    async def _get_erasure(self, request: web.Request) -> web.Response:
        progress = self._erasures.progress(request.match_info["id"])
        if progress is None:
            raise NotFound("There is no such order.")
        return _answer(progress)


async def _number(request: web.Request) -> str:
    body = await bodies.json_object(request, allowed=frozenset({"number"}))
    return bodies.string(body, "number", shortest=1, longest=LONGEST_NUMBER)


def _answer(found: Any, *, status: int = 200) -> web.Response:
    return web.json_response(asdict(found), status=status, headers={"Cache-Control": "no-store"})
