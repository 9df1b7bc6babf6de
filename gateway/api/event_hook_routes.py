"""Programs that are told what happens: set, tried, taken away, and what became of what they were sent.

What is secret is taken and never given back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from gateway.api import bodies
from gateway.api.alert_way_routes import Tried
from gateway.api.auth import PRINCIPAL
from gateway.api.delivery_routes import EVENT_KIND, Delivery, DeliveryLog, delivery_wire
from gateway.api.problems import NotFound, NotNow
from gateway.telephony.event_hooks import EventHook, EventHooksView

_FIELDS = frozenset({"name", "url", "secret", "events", "panel"})


class KeptHooks(Protocol):
    """Keeps what was set here."""

    async def add(self, table: Mapping[str, object], *, by: str) -> EventHook:
        """Commit one more. Raises SettingsError."""

    async def change(self, hook_id: str, table: Mapping[str, object], *, by: str) -> EventHook | None:
        """Commit another value; without its secret it keeps the known one. None: no such. Raises SettingsError."""

    async def remove(self, hook_id: str, *, by: str) -> bool:
        """Tell that program nothing any more; False: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHookDesk:
    """What the routes need. `in_use` are all programs, those of gateway.toml too."""

    kept: KeptHooks
    in_use: EventHooksView
    try_out: Callable[[str], Awaitable[Tried | None]]


class EventHookRoutes:
    """The handlers."""

    def __init__(self, desk: EventHookDesk, log: DeliveryLog) -> None:
        self._desk = desk
        self._log = log

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/webhooks", self._get_hooks),
            web.post("/api/v1/webhooks", self._post_hook),
            web.get("/api/v1/webhooks/deliveries", self._get_deliveries),
            web.put("/api/v1/webhooks/{id}", self._put_hook),
            web.delete("/api/v1/webhooks/{id}", self._delete_hook),
            web.post("/api/v1/webhooks/{id}/test", self._post_test),
        ]

    async def _get_hooks(self, _request: web.Request) -> web.Response:
        return _answer({"items": [_wire(hook) for hook in self._desk.in_use()]})

    async def _post_hook(self, request: web.Request) -> web.Response:
        table = await bodies.json_object(request, allowed=_FIELDS)
        return _answer(_wire(await self._desk.kept.add(table, by=request[PRINCIPAL].name)), status=201)

    async def _put_hook(self, request: web.Request) -> web.Response:
        hook_id = self._changeable(request)
        table = await bodies.json_object(request, allowed=_FIELDS)
        hook = await self._desk.kept.change(hook_id, table, by=request[PRINCIPAL].name)
        if hook is None:
            raise _no_such()
        return _answer(_wire(hook))

    async def _delete_hook(self, request: web.Request) -> web.Response:
        if not await self._desk.kept.remove(self._changeable(request), by=request[PRINCIPAL].name):
            raise _no_such()
        return web.Response(status=204)

    async def _post_test(self, request: web.Request) -> web.Response:
        tried = await self._desk.try_out(request.match_info["id"])
        if tried is None:
            raise _no_such()
        return _answer({"place": tried.place, "code": tried.code, "problem": tried.problem})

    async def _get_deliveries(self, _request: web.Request) -> web.Response:
        names = {hook.id: hook.name for hook in self._desk.in_use()}
        return _answer({"items": [_delivery(each, names) for each in await self._log((EVENT_KIND,))]})

    def _changeable(self, request: web.Request) -> str:
        hook_id = request.match_info["id"]
        if any(hook.id == hook_id and hook.of_file for hook in self._desk.in_use()):
            raise NotNow("gateway.toml says what this program is told.")
        return hook_id


def _wire(hook: EventHook) -> dict[str, Any]:
    return {
        "id": hook.id,
        "name": hook.name,
        "url": hook.url,
        "has_secret": hook.secret is not None,
        "events": [str(event) for event in hook.events],
        "panel": hook.panel,
        "of_file": hook.of_file,
    }


def _delivery(delivery: Delivery, names: Mapping[str, str]) -> dict[str, object]:
    hook, event = str(delivery.arguments.get("hook")), delivery.arguments.get("event", {})
    return delivery_wire(delivery) | {"to": names.get(hook, ""), "event": event.get("type", "")}


def _no_such() -> NotFound:
    return NotFound("There is no such program.")


def _answer(content: object, *, status: int = 200) -> web.Response:
    return web.json_response(content, status=status, headers={"Cache-Control": "no-store"})
