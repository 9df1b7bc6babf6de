"""A backup comes back by the panel: into a gateway that has no owner yet, or in the place of everything there is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from urllib.parse import unquote

from aiohttp import web

from gateway.api.auth import PRINCIPAL, client_address
from gateway.api.problems import SetupDone, TooManyTries, WrongSetupCode
from gateway.api.relay import Relay
from gateway.api.seams import Accounts
from gateway.api.throttle import Throttle
from gateway.errors import OwnersOnly

log = logging.getLogger(__name__)

JUDGING_SECONDS = 900.0
"""A backup with recordings is gigabytes, and an old card reads 20 MB of it in a second."""
_PASSPHRASE = "X-Backup-Passphrase"  # noqa: S105  # the name of a header
_SETUP_CODE = "X-Setup-Code"
_ACCOUNT = "setup code"


class RestoreRoutes:
    """The handlers. `start_again` has the daemon end what it does and begin anew, with what waits then."""

    def __init__(self, accounts: Accounts, relay: Relay, start_again: Callable[[], None]) -> None:
        self._accounts = accounts
        self._relay = relay
        self._start_again = start_again
        self._throttle = Throttle(lambda: asyncio.get_running_loop().time())

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.put("/api/v1/setup/restore", self._put_at_setup),
            web.put("/api/v1/restore", self._put),
        ]

    async def _put_at_setup(self, request: web.Request) -> web.StreamResponse:
        if not await self._accounts.needs_setup():
            raise SetupDone("There is an owner already.")
        address = client_address(request)
        seconds = self._throttle.wait_seconds(address=address, account=_ACCOUNT)
        if seconds > 0:
            raise TooManyTries(f"Try again in {seconds} s.", seconds=seconds)
        self._throttle.failed(address=address, account=_ACCOUNT)
        if not await self._accounts.is_setup_code(unquote(request.headers.get(_SETUP_CODE, "")[:300])):
            raise WrongSetupCode("The setup code is wrong.")
        self._throttle.succeeded(address=address, account=_ACCOUNT)
        return await self._restore(request, "the setup code")

    async def _put(self, request: web.Request) -> web.StreamResponse:
        principal = request[PRINCIPAL]
        if principal.role != "owner":
            raise OwnersOnly("A backup brings its own users with it; only an owner puts it back.")
        return await self._restore(request, principal.name)

    async def _restore(self, request: web.Request, by: str) -> web.StreamResponse:
        response = await self._relay.answer_to(request, also=(_PASSPHRASE,), silence_seconds=JUDGING_SECONDS)
        if response.status < 300:
            log.warning("A backup was sent with %s; the daemon starts again to put it in place.", by)
            self._start_again()
        return response
