"""The emulated world by the API, where modems are emulated: what it does now, and what its people do next."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web

from gateway.api import bodies
from gateway.api.playground import HABITS, Playground
from gateway.api.problems import NotFound

_NUMBER = re.compile(r"\+[0-9]{7,15}")
_DIALLED = re.compile(r"[0-9*#+]{1,20}")
_KEYS = re.compile(r"[0-9*#]{1,20}")
Body: TypeAlias = dict[str, object]

_FIELDS = frozenset({"do", "number", "sim", "text", "keys", "modem", "call", "extension", "to", "habit"})


class PlaygroundRoutes:
    """The handlers; `world` is None beside real modems, where there is nothing to play."""

    def __init__(self, world: Playground | None) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/playground", self._get_playground),
            web.post("/api/v1/playground", self._post_playground),
        ]

    async def _get_playground(self, request: web.Request) -> web.Response:
        del request
        return web.json_response(await self._there().state(), headers={"Cache-Control": "no-store"})

    async def _post_playground(self, request: web.Request) -> web.Response:
        world = self._there()
        body = await bodies.json_object(request, allowed=_FIELDS)
        verb = bodies.string(body, "do", longest=20)
        if verb in ("call", "dial"):
            call = await _begin(world, verb, body)
            return web.json_response({"call": call}, status=201)
        act = _ACTS.get(verb)
        if act is None:
            raise bodies.bad_request("The field 'do' names nothing that can be played.")
        await act(world, body)
        return web.json_response({"call": None}, status=201)

    def _there(self) -> Playground:
        if self._world is None or self._world.control is None:
            raise NotFound("The modems are real: there is nothing to play.")
        return self._world


async def _begin(world: Playground, verb: str, body: Body) -> str:
    if verb == "call":
        return await world.call_in(_matching(body, "number", _NUMBER), _matching(body, "sim", _NUMBER))
    call = await world.dial(_extension(body), _matching(body, "to", _DIALLED))
    if call is None:
        raise NotFound("There is no such phone.")
    return call


async def _put_phone(world: Playground, body: Body) -> None:
    if not await world.put_phone(_extension(body)):
        raise NotFound("There is no such phone.")


async def _text(world: Playground, body: Body) -> None:
    text = bodies.prose(body, "text", longest=600, shortest=1)
    await world.text(_matching(body, "number", _NUMBER), _matching(body, "sim", _NUMBER), text)


async def _habit(world: Playground, body: Body) -> None:
    habit = bodies.string(body, "habit", longest=20)
    if habit not in HABITS:
        raise bodies.bad_request(f"The field 'habit' must be one of: {', '.join(HABITS)}.")
    await world.people(_matching(body, "number", _NUMBER), habit)


def _matching(body: Body, name: str, pattern: re.Pattern[str]) -> str:
    value = bodies.string(body, name, longest=24)
    if not pattern.fullmatch(value):
        raise bodies.bad_request(f"The field {name!r} is not what can be dialled.")
    return value


def _extension(body: Body) -> str:
    return bodies.string(body, "extension", longest=16, shortest=1)


def _call(body: Body) -> str:
    return bodies.string(body, "call", longest=64, shortest=1)


def _modem(body: Body) -> str:
    return bodies.string(body, "modem", longest=64, shortest=1)


_ACTS: dict[str, Callable[[Playground, Body], Awaitable[None]]] = {
    "put-phone": _put_phone,
    "answer": lambda world, body: world.answer(_call(body)),
    "hang-up": lambda world, body: world.hang_up(_call(body)),
    "press": lambda world, body: world.press(_call(body), _matching(body, "keys", _KEYS)),
    "text": _text,
    "unplug": lambda world, body: world.plug(_modem(body), is_in=False),
    "plug-in": lambda world, body: world.plug(_modem(body), is_in=True),
    "weak-signal": lambda world, body: world.signal(_modem(body), is_weak=True),
    "good-signal": lambda world, body: world.signal(_modem(body), is_weak=False),
    "habit": _habit,
}
