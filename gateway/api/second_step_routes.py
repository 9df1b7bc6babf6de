"""The second step at sign-in: everybody sees to the own, others reset it, and an owner says which roles need it."""

from __future__ import annotations

import asyncio

from aiohttp import web

from gateway.api import bodies
from gateway.api.account_routes import LONGEST_CODE
from gateway.api.auth import PRINCIPAL, client_address
from gateway.api.passwords import LONGEST
from gateway.api.problems import NotFound, NotNow, SecondStepNeeded, TooManyTries, WrongCode, WrongCredentials
from gateway.api.seams import Accounts, Principal
from gateway.api.throttle import Throttle
from gateway.api.user_routes import ROLES
from gateway.clock import wire_time
from gateway.errors import OwnersOnly
from gateway.telephony.shop import ShopView

_NO_STORE = {"Cache-Control": "no-store"}


class SecondStepRoutes:
    """The handlers. Whoever changes the own second step says the password once more; a program's token never can."""

    def __init__(self, accounts: Accounts, shop: ShopView) -> None:
        self._accounts = accounts
        self._steps = accounts.second_steps
        self._shop = shop
        self._throttle = Throttle(lambda: asyncio.get_running_loop().time())

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/me/second-step", self._get_own),
            web.post("/api/v1/me/second-step", self._post_own),
            web.put("/api/v1/me/second-step", self._put_own),
            web.post("/api/v1/me/second-step/recovery-codes", self._post_codes),
            web.post("/api/v1/me/second-step/off", self._post_off),
            web.get("/api/v1/second-step", self._get_rule),
            web.put("/api/v1/second-step", self._put_rule),
            web.delete("/api/v1/users/{id}/second-step", self._delete_of_user),
        ]

    async def _get_own(self, request: web.Request) -> web.Response:
        who = request[PRINCIPAL]
        step = self._steps.of(who.user_id)
        return web.json_response(
            {
                "on": step is not None,
                "since": wire_time(step.since) if step is not None else None,
                "required": who.role in self._steps.roles,
                "recovery_codes_left": len(step.spare) if step is not None else 0,
            },
            headers=_NO_STORE,
        )

    async def _post_own(self, request: web.Request) -> web.Response:
        who = await self._sure(request)
        if self._steps.is_on(who.user_id):
            raise NotNow("The second step is on already.")
        offered = self._steps.offer(who.user_id, name=who.name, shop=self._shop().name)
        return web.json_response({"secret": offered.secret, "uri": offered.uri}, status=201, headers=_NO_STORE)

    async def _put_own(self, request: web.Request) -> web.Response:
        who = request[PRINCIPAL]
        body = await bodies.json_object(request, allowed=frozenset({"code"}))
        code = bodies.string(body, "code", longest=LONGEST_CODE)
        if who.session_id is None:
            raise WrongCode("A token cannot do this.")
        address = self._count_try(request, who)
        spare = await self._steps.confirm(who.user_id, code, by=who.name)
        if spare is None:
            raise WrongCode("The code is wrong.")
        self._throttle.succeeded(address=address, account=who.user_id)
        for session in await self._accounts.sessions(who.user_id):
            if session.id != who.session_id:
                await self._accounts.sign_out(who.user_id, session.id)
        return web.json_response({"recovery_codes": spare}, headers=_NO_STORE)

    async def _post_codes(self, request: web.Request) -> web.Response:
        who = await self._sure(request)
        spare = await self._steps.renew_spare(who.user_id, by=who.name)
        if spare is None:
            raise NotNow("There is no second step.")
        return web.json_response({"recovery_codes": spare}, headers=_NO_STORE)

    async def _post_off(self, request: web.Request) -> web.Response:
        who = await self._sure(request)
        if who.role in self._steps.roles:
            raise SecondStepNeeded("The role needs a second step.")
        if not await self._steps.switch_off(who.user_id, by=who.name, whose=who.name):
            raise NotNow("There is no second step.")
        return web.Response(status=204)

    async def _get_rule(self, request: web.Request) -> web.Response:
        del request
        return web.json_response({"roles": sorted(self._steps.roles)})

    async def _put_rule(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"roles"}))
        wanted = body.get("roles")
        if not isinstance(wanted, list) or not all(each in ROLES for each in wanted):
            raise bodies.bad_request(f"The field 'roles' must be a list of: {', '.join(ROLES)}.")
        who = request[PRINCIPAL]
        if who.role != "owner" or who.session_id is None:
            raise OwnersOnly("Only an owner says who needs a second step.")
        await self._steps.require_for(frozenset(wanted), by=who.name)
        return web.Response(status=204)

    async def _delete_of_user(self, request: web.Request) -> web.Response:
        done = await self._accounts.reset_second_step(request.match_info["id"], by=request[PRINCIPAL].user_id)
        if not done:
            raise NotFound("There is no such user with a second step.")
        return web.Response(status=204)

    async def _sure(self, request: web.Request) -> Principal:
        """Who asks, once the own password has been said again. Raises TooManyTries, WrongCredentials."""
        who = request[PRINCIPAL]
        body = await bodies.json_object(request, allowed=frozenset({"password"}))
        password = bodies.string(body, "password", longest=LONGEST)
        address = self._count_try(request, who)
        if who.session_id is None or not await self._accounts.knows_password(who.user_id, password):
            raise WrongCredentials("The password is wrong.")
        self._throttle.succeeded(address=address, account=who.user_id)
        return who

    def _count_try(self, request: web.Request, who: Principal) -> str:
        address = client_address(request)
        seconds = self._throttle.wait_seconds(address=address, account=who.user_id)
        if seconds > 0:
            raise TooManyTries(f"Try again in {seconds} s.", seconds=seconds)
        self._throttle.failed(address=address, account=who.user_id)
        return address
