"""Looking after a modem: restart, the PIN of its SIM, its dialogue, a few questions; all of it on record first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL
from gateway.api.problems import NotFound, NotNow
from gateway.clock import wire_time
from gateway.telephony.modem_care import ModemCare, ModemCondition, RestartStep

SAME_LOOK_SECONDS = 600.0
"""What the same person reads of a modem's dialogue within this is one look."""
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ModemDoor:
    """What these routes need."""

    care: ModemCare
    note: Callable[[str, str, str], Awaitable[None]]
    """Has it on record who did what to which modem. Raises StoreError."""


class ModemRoutes:
    """The handlers."""

    def __init__(self, door: ModemDoor) -> None:
        self._care = door.care
        self._note = door.note
        self._looks: dict[tuple[str, str], float] = {}

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/modems/{name}", self._get_condition),
            web.get("/api/v1/modems/{name}/vitals", self._get_vitals),
            web.get("/api/v1/modems/{name}/dialogue", self._get_dialogue),
            web.post("/api/v1/modems/{name}/questions", self._post_question),
            web.post("/api/v1/modems/{name}/restart", self._post_restart),
            web.put("/api/v1/modems/{name}/pin", self._put_pin),
            web.delete("/api/v1/modems/{name}/pin", self._delete_pin),
        ]

    async def _get_condition(self, request: web.Request) -> web.Response:
        return web.json_response(_wire(self._condition(request)), headers={"Cache-Control": "no-store"})

    async def _get_vitals(self, request: web.Request) -> web.Response:
        vitals = await self._care.vitals(self._condition(request).name)
        return web.json_response(asdict(vitals), headers={"Cache-Control": "no-store"})

    async def _get_dialogue(self, request: web.Request) -> web.Response:
        modem, by = self._condition(request).name, request[PRINCIPAL].name
        now = asyncio.get_running_loop().time()
        self._looks = {each: at for each, at in self._looks.items() if now - at < SAME_LOOK_SECONDS}
        if (by, modem) not in self._looks:
            await self._note(by, "modem.looked-into", modem)
            self._looks[by, modem] = now
        lines = [
            {"time": wire_time(line.time), "way": line.way, "text": line.text} for line in self._care.dialogue(modem)
        ]
        return web.json_response({"lines": lines}, headers={"Cache-Control": "no-store"})

    async def _post_question(self, request: web.Request) -> web.Response:
        condition = self._condition(request)
        body = await bodies.json_object(request, allowed=frozenset({"question"}))
        question = bodies.string(body, "question", longest=_LONGEST_NAME)
        if not condition.questions:
            raise NotNow("The port of the modem is not open now.")
        if question not in condition.questions:
            raise bodies.bad_request(f"The field 'question' must be one of: {', '.join(condition.questions)}.")
        await self._note(request[PRINCIPAL].name, "modem.asked", f"{condition.name}: {question}")
        reply = await self._care.ask(condition.name, question)
        return web.json_response(asdict(reply), headers={"Cache-Control": "no-store"})

    async def _post_restart(self, request: web.Request) -> web.Response:
        condition = self._condition(request)
        body = await bodies.json_object(request, allowed=frozenset({"step", "ends_call"}))
        step = bodies.string(body, "step", longest=16)
        if step not in tuple(RestartStep):
            raise bodies.bad_request(f"The field 'step' must be one of: {', '.join(RestartStep)}.")
        ends_call = bodies.flag(body, "ends_call", default=False)
        if step not in condition.steps:
            raise NotNow("That step is not possible with this modem now.")
        if not condition.in_call or ends_call:
            await self._note(request[PRINCIPAL].name, "modem.restarted", f"{condition.name}: {step}")
        await self._care.restart(condition.name, RestartStep(step), ends_call=ends_call)
        return web.Response(status=202)

    async def _put_pin(self, request: web.Request) -> web.Response:
        condition = self._condition(request)
        body = await bodies.json_object(request, allowed=frozenset({"pin", "keeps", "last_try"}))
        pin = bodies.string(body, "pin", longest=8, shortest=4)
        keeps, last_try = bodies.flag(body, "keeps", default=False), bodies.flag(body, "last_try", default=False)
        await self._note(request[PRINCIPAL].name, "sim-pin.entered", condition.name)
        await self._care.enter_pin(condition.name, pin, keeps=keeps, last_try=last_try)
        return web.Response(status=204)

    async def _delete_pin(self, request: web.Request) -> web.Response:
        condition = self._condition(request)
        if not condition.keeps_pin:
            raise NotFound("No PIN is kept for the SIM in this modem.")
        await self._note(request[PRINCIPAL].name, "sim-pin.forgotten", condition.name)
        await self._care.forget_pin(condition.name)
        return web.Response(status=204)

    def _condition(self, request: web.Request) -> ModemCondition:
        try:
            return self._care.condition(request.match_info["name"])
        except LookupError as fault:
            raise NotFound("There is no such modem.") from fault


def _wire(condition: ModemCondition) -> dict[str, object]:
    return {
        "name": condition.name,
        "line": condition.line,
        "state": condition.state,
        "in_call": condition.in_call,
        "steps": list(condition.steps),
        "questions": list(condition.questions),
        "pin": {
            "wanted": condition.wants_pin,
            "tries": condition.pin_tries,
            "kept": condition.keeps_pin,
        },
    }
