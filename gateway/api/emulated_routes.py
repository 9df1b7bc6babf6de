"""Emulated modems at the owner's wish, where there are no real ones: whether they run, begin them, end them."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from gateway.api.auth import PRINCIPAL
from gateway.api.problems import ApiError


class RealModemsThere(ApiError):
    """A real modem, or a line of one, is there: emulated ones would stand among them."""

    code = "real-modems-there"
    status = 409


class EmulatedModemsRun(ApiError):
    """A line of a real modem is to be made while emulated ones run."""

    code = "emulated-modems-run"
    status = 409


class Emulated(Protocol):
    """The emulated modems of this gateway."""

    @property
    def state(self) -> str:
        """One of the words of the schema `EmulatedModems`: off, starting, on, or configured by gateway.toml."""

    @property
    def is_possible(self) -> bool:
        """They may begin: no real modem is there, and no line of one."""

    @property
    def real(self) -> int:
        """How many real modems are plugged in."""

    async def begin(self, *, by: str) -> None:
        """Start them, and give the shop their lines. Raises RealModemsThere; TryLater when they do not start."""

    async def end(self, *, by: str) -> None:
        """End them, and remove what they brought and all that was tried on them. Raises StoreError."""


class EmulatedRoutes:
    """The handlers; `modems` is None where nobody can start any."""

    def __init__(self, modems: Emulated | None) -> None:
        self._modems = modems

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        path = "/api/v1/emulated-modems"
        return [web.get(path, self._get), web.put(path, self._put), web.delete(path, self._delete)]

    async def _get(self, _request: web.Request) -> web.Response:
        return self._told()

    async def _put(self, request: web.Request) -> web.Response:
        if self._modems is None:
            raise RealModemsThere("Modems are not emulated here.")
        await self._modems.begin(by=request[PRINCIPAL].name)
        return self._told()

    async def _delete(self, request: web.Request) -> web.Response:
        if self._modems is not None:
            await self._modems.end(by=request[PRINCIPAL].name)
        return self._told()

    def _told(self) -> web.Response:
        """The schema `EmulatedModems`."""
        modems = self._modems
        body = {
            "state": "off" if modems is None else modems.state,
            "possible": modems is not None and modems.is_possible,
            "real": 0 if modems is None else modems.real,
        }
        return web.json_response(body, headers={"Cache-Control": "no-store"})
