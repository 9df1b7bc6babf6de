"""A test call by the API: a phone is rung, or a line calls a number, and what has become of it is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL
from gateway.api.call_routes import LONGEST_TARGET
from gateway.api.once import Answers, carried_out_once
from gateway.api.problems import NotFound
from gateway.telephony.trial_call import Trial


class Trials(Protocol):
    """Places test calls."""

    def begin(self, extension: str) -> str:
        """Ring the phone; the id of the call. Raises LookupError when there is no such phone, PhoneNotFree."""

    def has_line(self, name: str) -> bool:
        """There is such a line."""

    def begin_by_line(self, name: str, number: str) -> str:
        """Call the number by that line; the id. Raises KeyError (no such line), NumberBarred, NoFreeLine."""

    def trial(self, call_id: str) -> Trial | None:
        """How far it is."""


class NoTrials:
    """Where there are no phones."""

    def begin(self, extension: str) -> str:
        """There is none."""
        raise LookupError(extension)

    def has_line(self, name: str) -> bool:
        """There is none."""
        del name
        return False

    def begin_by_line(self, name: str, number: str) -> str:
        """There is none."""
        del number
        raise KeyError(name)

    def trial(self, call_id: str) -> None:
        """There was none."""
        del call_id


class TrialCallRoutes:
    """The handlers."""

    def __init__(self, trials: Trials, answers: Answers, note: Callable[[str, str, str], Awaitable[None]]) -> None:
        """`note` has it on record who has which line call; it raises StoreError."""
        self._trials = trials
        self._answers = answers
        self._note = note

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.post("/api/v1/test-calls", self._post),
            web.get("/api/v1/test-calls/{id}", self._get),
            web.post("/api/v1/lines/{name}/test-calls", self._post_by_line),
        ]

    async def _post(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"extension"}))
        extension = bodies.string(body, "extension", longest=16, shortest=1)
        try:
            call = self._trials.begin(extension)
        except LookupError as fault:
            raise NotFound("There is no such phone.") from fault
        return web.json_response({"call": call}, status=201)

    async def _post_by_line(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"number"}))
        number = bodies.string(body, "number", longest=LONGEST_TARGET, shortest=1).strip()
        line = request.match_info["name"]
        if not self._trials.has_line(line):
            raise NotFound("There is no such line.")

        async def call() -> tuple[int, object]:
            await self._note(request[PRINCIPAL].name, "line.test-call", line)
            return 201, {"call": self._trials.begin_by_line(line, number)}

        return await carried_out_once(request, body, self._answers, call)

    async def _get(self, request: web.Request) -> web.Response:
        trial = self._trials.trial(request.match_info["id"])
        if trial is None:
            raise NotFound("There is no such test call, or it was long ago.")
        body = {
            "party": trial.party,
            "line": trial.line,
            "stage": str(trial.stage),
            "verdict": str(trial.verdict) if trial.verdict is not None else None,
            "level_dbfs": trial.level_dbfs,
            "cause": str(trial.cause) if trial.cause is not None else None,
        }
        return web.json_response(body, headers={"Cache-Control": "no-store"})
