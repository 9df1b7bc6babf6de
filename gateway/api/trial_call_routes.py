"""A test call by the API: a phone is rung, and what has become of it is told."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from gateway.api import bodies
from gateway.api.problems import NotFound
from gateway.telephony.trial_call import Trial


class Trials(Protocol):
    """Places test calls."""

    def begin(self, extension: str) -> str:
        """Ring the phone; the id of the call. Raises LookupError when there is no such phone, PhoneNotFree."""

    def trial(self, call_id: str) -> Trial | None:
        """How far it is."""


class NoTrials:
    """Where there are no phones."""

    def begin(self, extension: str) -> str:
        """There is none."""
        raise LookupError(extension)

    def trial(self, call_id: str) -> None:
        """There was none."""
        del call_id


class TrialCallRoutes:
    """The handlers."""

    def __init__(self, trials: Trials) -> None:
        self._trials = trials

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [web.post("/api/v1/test-calls", self._post), web.get("/api/v1/test-calls/{id}", self._get)]

    async def _post(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"extension"}))
        extension = bodies.string(body, "extension", longest=16, shortest=1)
        try:
            call = self._trials.begin(extension)
        except LookupError as fault:
            raise NotFound("There is no such phone.") from fault
        return web.json_response({"call": call}, status=201)

    async def _get(self, request: web.Request) -> web.Response:
        trial = self._trials.trial(request.match_info["id"])
        if trial is None:
            raise NotFound("There is no such test call, or it was long ago.")
        body = {
            "extension": trial.extension,
            "stage": str(trial.stage),
            "verdict": str(trial.verdict) if trial.verdict is not None else None,
            "level_dbfs": trial.level_dbfs,
        }
        return web.json_response(body, headers={"Cache-Control": "no-store"})
