"""Where alerts go besides the panel: set, tried, taken away. What is secret is taken and never given back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Protocol

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL
from gateway.api.problems import NotFound, NotNow
from gateway.telephony.alert_ways import SECRETS, AlertWay, AlertWays, AlertWaysView


class Tried(Protocol):
    """What became of a test at one place."""

    @property
    def place(self) -> str:
        """The chat, the address for mail, or the host of the webhook."""

    @property
    def code(self) -> str | None:
        """Of the fault; None: it was delivered."""

    @property
    def problem(self) -> str | None:
        """The fault's own sentence."""


class KeptWays(Protocol):
    """Keeps what was set here."""

    async def change(self, way: AlertWay, table: Mapping[str, object], *, by: str) -> None:
        """Commit another value of one way; without its secret it keeps the known one. Raises SettingsError."""

    async def remove(self, way: AlertWay, *, by: str) -> None:
        """Let no alert take that way any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertOutlets:
    """What the routes need. `in_use` are the ways that alerts take now, `of_file` those that gateway.toml has set."""

    kept: KeptWays
    in_use: AlertWaysView
    of_file: Callable[[], frozenset[AlertWay]]
    try_out: Callable[[AlertWay], Awaitable[Sequence[Tried]]]


class AlertWayRoutes:
    """The handlers."""

    def __init__(self, outlets: AlertOutlets) -> None:
        self._outlets = outlets

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/alert-ways", self._get_ways),
            web.put("/api/v1/alert-ways/{way}", self._put_way),
            web.delete("/api/v1/alert-ways/{way}", self._delete_way),
            web.post("/api/v1/alert-ways/{way}/test", self._post_test),
        ]

    async def _get_ways(self, _request: web.Request) -> web.Response:
        return self._answer()

    async def _put_way(self, request: web.Request) -> web.Response:
        way = self._changeable(request)
        allowed = frozenset(each.name for each in fields(getattr(AlertWays(), way)))
        table = await bodies.json_object(request, allowed=allowed)
        await self._outlets.kept.change(way, table, by=request[PRINCIPAL].name)
        return self._answer()

    async def _delete_way(self, request: web.Request) -> web.Response:
        await self._outlets.kept.remove(self._changeable(request), by=request[PRINCIPAL].name)
        return web.Response(status=204)

    async def _post_test(self, request: web.Request) -> web.Response:
        way = _way(request)
        if way is AlertWay.SMS:
            raise NotNow("An SMS costs money, and is not sent for a test.")
        tried = await self._outlets.try_out(way)
        items = [{"place": each.place, "code": each.code, "problem": each.problem} for each in tried]
        return web.json_response({"items": items}, headers={"Cache-Control": "no-store"})

    def _changeable(self, request: web.Request) -> AlertWay:
        way = _way(request)
        if way in self._outlets.of_file():
            raise NotNow("gateway.toml says where these alerts go.")
        return way

    def _answer(self) -> web.Response:
        ways, of_file = self._outlets.in_use(), self._outlets.of_file()
        content = {str(way): _wire(ways, way) | {"of_file": way in of_file} for way in AlertWay}
        return web.json_response(content, headers={"Cache-Control": "no-store"})


def _wire(ways: AlertWays, way: AlertWay) -> dict[str, Any]:
    """A way without its secret, and whether it has one."""
    told, secret = asdict(getattr(ways, way)), SECRETS[way]
    if secret is not None:
        told[f"has_{secret}"] = told.pop(secret) is not None
    return told | {"is_set": way in ways.that_are_set}


def _way(request: web.Request) -> AlertWay:
    try:
        return AlertWay(request.match_info["way"])
    except ValueError as error:
        raise NotFound("Alerts know no such way.") from error
