"""A provider's account tried before it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from aiohttp import web

from gateway.api import bodies
from gateway.api.problems import NotNow
from gateway.api.shop_seam import ShopFile
from gateway.telephony.shop import SipTransport, TrunkSettings

_FIELDS = frozenset({"name", "host", "user", "password", "transport"})
_MASK = "********"


class Tried(Protocol):
    """What came of it."""

    @property
    def state(self) -> str:
        """As of a trunk."""

    @property
    def reason(self) -> str | None:
        """Why not: a code."""


TryTrunk: TypeAlias = Callable[[TrunkSettings], Awaitable[Tried]]
"""Register once. Raises ValueError for a host that cannot be read."""


async def no_trial(_settings: TrunkSettings) -> Tried:
    """Where there is no SIP."""
    raise NotNow("There is nobody who could try it.")


class TrunkTrialRoutes:
    """The handlers; one trial at a time."""

    def __init__(self, shop: ShopFile, try_trunk: TryTrunk) -> None:
        self._shop = shop
        self._try = try_trunk
        self._trying = asyncio.Lock()

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [web.post("/api/v1/shop/trunk-trial", self._post)]

    async def _post(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=_FIELDS)
        password, known = _optional(body, "password"), self._known(body)
        if known is not None and password in (None, _MASK):
            password = known.password
        settings = TrunkSettings(
            name="trial",
            host=bodies.string(body, "host", longest=255, shortest=1),
            user=_optional(body, "user"),
            password=None if password == _MASK else password,
            transport=_transport(body),
            ca_file=known.ca_file if known is not None else None,
        )
        if self._trying.locked():
            raise NotNow("Another account is being tried at this moment.")
        async with self._trying:
            try:
                tried = await self._try(settings)
            except ValueError as fault:
                raise bodies.bad_request("The field 'host' is no name or address of a server.") from fault
        answer = {"state": str(tried.state), "reason": tried.reason}
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    def _known(self, body: dict[str, object]) -> TrunkSettings | None:
        """The account of that name that is kept for the same server: never one server's password for another."""
        name, shop = _optional(body, "name"), self._shop.current()
        accounts = (*shop.trunks, *shop.pbx_accounts)
        return next((each for each in accounts if each.name == name and each.host == body.get("host")), None)


def _optional(body: dict[str, object], name: str) -> str | None:
    return None if body.get(name) in (None, "") else bodies.string(body, name, longest=200)


def _transport(body: dict[str, object]) -> SipTransport:
    try:
        return SipTransport(str(body.get("transport") or SipTransport.UDP))
    except ValueError as fault:
        raise bodies.bad_request("The field 'transport' must be one of: udp, tcp, tls, auto.") from fault
